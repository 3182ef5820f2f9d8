// RUN: one exec op.
#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/ast/dockerfile/heredoc.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/dockerfile/run_mounts.h"

namespace loam::sema {
namespace {

// Variables in vertex names: those that a secret sets show as asterisks.
class MaskedVariables : public Variables {
 public:
  MaskedVariables(const Variables& base, const RunMounts& mounts) : base_(base), mounts_(mounts) {}
  [[nodiscard]] std::optional<std::string_view> Find(std::string_view name) const override {
    const bool secret = std::any_of(mounts_.masked.begin(), mounts_.masked.end(),
                                    [&](std::string_view masked) { return masked == name; });
    return secret ? std::optional<std::string_view>("****") : base_.Find(name);
  }

 private:
  const Variables& base_;
  const RunMounts& mounts_;
};

std::string FirstLine(std::string_view document) {
  document = TrimSpace(document);
  const std::size_t end = document.find('\n');
  if (end == std::string_view::npos) {
    return std::string(document);
  }
  std::string_view line = document.substr(0, end);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return std::string(line) + "...";
}

// History shows the build arguments in front of the command: |2 A=1 B=2 /bin/sh -c make.
std::string HistoryText(std::span<const std::string_view> args, const std::vector<BuildArg>& build_args,
                        const Variables& env) {
  std::vector<std::pair<std::string_view, std::string_view>> shown;
  std::unordered_map<std::string_view, std::size_t> place;
  for (const BuildArg& arg : build_args) {
    const std::string_view value = env.Find(arg.key).value_or(arg.value.value_or(std::string_view()));
    if (const auto [known, fresh] = place.emplace(arg.key, shown.size()); !fresh) {
      shown[known->second].second = value;
    } else {
      shown.emplace_back(arg.key, value);
    }
  }
  std::string text = "RUN ";
  if (!shown.empty()) {
    text += fmt::format("|{}", shown.size());
    for (const auto& [key, value] : shown) {
      text.append(" ").append(key).append("=").append(value);
    }
    text += ' ';
  }
  for (std::size_t i = 0; i < args.size(); ++i) {
    text.append(i > 0 ? " " : "").append(args[i]);
  }
  return text;
}

}  // namespace

bool Converter::DoRun(Stage& stage, const Command& command, const ast::Run& run) {
  stage.paths->emplace_back("/");
  RunMounts mounts;
  std::string name = std::string(run.code());
  std::vector<std::string_view> args;
  if (run.command.json) {
    for (const ast::Text& arg : run.command.args) {
      args.push_back(arg.text);
    }
  } else {
    std::string_view script = run.command.args.empty() ? std::string_view() : run.command.args.front().text;
    if (run.script != nullptr) {
      const ast::Heredoc& document = *run.script;
      const std::string_view data = document.chomp ? Intern(ast::ChompHeredoc(document.content)) : document.content;
      if (stage.image.platform.os != "windows" && data.starts_with("#!")) {
        // A script with an interpreter of its own is a file that is mounted and run.
        mounts.AddBind("/dev/pipes/", InlineDocument(document.name, data, 0755), "/");
        script = Intern(JoinPath("/dev/pipes/", document.name));
      } else {
        script = data;
      }
      name += fmt::format(" ({})", FirstLine(document.content));
    } else if (!run.heredocs.empty()) {
      // The shell reads the documents; it gets them back behind the command.
      std::string whole(script);
      for (const ast::Heredoc& document : run.heredocs) {
        whole.append("\n").append(document.content).append(document.name);
      }
      script = Intern(whole);
    }
    args = WithShell(stage, script);
  }
  if (args.empty()) {
    emitter_.Emit<Kind::kEmptyCommand>(run.range);
    return false;
  }
  if (!ReadRunMounts(stage, command, run, mounts)) {
    return false;
  }

  State& state = stage.state;
  ir::ExecAttrs attrs;
  attrs.args = args;
  attrs.cwd = state.dir;
  attrs.user = state.user;
  attrs.hostname = state.hostname;
  attrs.network = run.network == "host"   ? ir::Network::kHost
                  : run.network == "none" ? ir::Network::kNone
                                          : state.network;
  attrs.security = run.security == "insecure" ? ir::Security::kInsecure : ir::Security::kSandbox;
  attrs.proxy_env = proxy_;
  attrs.cgroup_parent = options().cgroup_parent;
  std::vector<ir::ExtraHost> hosts;
  for (const HostOption& host : options().extra_hosts) {
    hosts.push_back({host.host, host.ip});
  }
  attrs.extra_hosts = hosts;
  std::vector<ir::Ulimit> ulimits;
  for (const UlimitOption& limit : options().ulimits) {
    ulimits.push_back({limit.name, limit.soft, limit.hard});
  }
  attrs.ulimits = ulimits;
  std::vector<ir::Device> devices;
  for (const ast::Device& device : run.devices) {
    devices.push_back({device.name, !device.required});
  }
  attrs.devices = devices;
  if (options().shm_size > 0) {
    mounts.AddTmpfs("/dev/shm", options().shm_size, false);
  }

  // The command's own environment: an agent socket is announced if nothing else is.
  if (const auto socket = mounts.FirstSocket(); socket && !state.env.Find("SSH_AUTH_SOCK")) {
    Environment env = state.env;
    env.Set("SSH_AUTH_SOCK", Intern(*socket));
    attrs.env = env.Render(graph());
  } else {
    attrs.env = state.env.Render(graph());
  }
  for (const std::string_view entry : attrs.env) {
    text_bytes_ += entry.size();
  }
  std::vector<ir::Value> operands;
  std::vector<std::uint32_t> steps;
  const std::vector<ir::Mount> list = mounts.Build(state.fs, operands, steps);
  attrs.mounts = list;
  attrs.secret_env = mounts.secret_env;
  const ir::Platform platform = state.platform.value_or(target_platform_);

  const MaskedVariables masked(state.env, mounts);
  const std::string vertex =
      VertexName(stage, CommandText(name, masked, true), state.platform ? &*state.platform : nullptr, &state.env);
  const std::string_view code = run.code();
  ir::Metadata metadata = Named(vertex, &code, command.lines);
  metadata.ignore_cache = stage.ignore_cache;
  if (const auto& resources = options().resources) {
    metadata.linux_resources =
        ir::LinuxResources{resources->memory,    resources->memory_swap, resources->cpu_shares, resources->cpu_period,
                           resources->cpu_quota, resources->cpuset_cpus, resources->cpuset_mems};
  }

  const std::string history = HistoryText(args, stage.build_args, state.env);
  const ir::Value exec =
      graph().Add<ir::OpKind::kExec>(operands, attrs, {.platform = &platform, .worker_constraints = {}});
  state.fs = AddStep(exec, metadata, std::move(steps));
  AddHistory(stage, history, true, true);
  return true;
}

}  // namespace loam::sema
