// RUN --mount: bind, cache, tmpfs, secret, ssh.
#include "compiler/sema/dockerfile/run_mounts.h"

#include <algorithm>

#include <fmt/format.h>

#include "compiler/sema/dockerfile/container_path.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/dockerfile/mount_options.h"

namespace loam::sema {

void RunMounts::AddBind(std::string_view target, Fs source, std::string_view selector) {
  Entry& entry = entries.emplace_back();
  entry.mount.dest = target;
  entry.mount.selector = selector;
  entry.mount.readonly = true;
  entry.source = source;
}

void RunMounts::AddTmpfs(std::string_view target, std::int64_t size, bool readonly) {
  Entry& entry = entries.emplace_back();
  entry.mount.kind = ir::MountKind::kTmpfs;
  entry.mount.dest = target;
  entry.mount.tmpfs_size = size;
  entry.mount.readonly = readonly;
}

std::optional<std::string_view> RunMounts::FirstSocket() const {
  return sockets.empty() ? std::nullopt : std::optional(sockets.front().dest);
}

std::vector<ir::Mount> RunMounts::Build(Fs root, std::vector<ir::Value>& operands,
                                        std::vector<std::uint32_t>& steps) const {
  std::vector<Entry> sorted;
  sorted.reserve(entries.size() + 1);
  Entry& first = sorted.emplace_back();
  first.mount.dest = "/";
  first.mount.output = 0;
  first.source = root;
  sorted.insert(sorted.end(), entries.begin(), entries.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Entry& a, const Entry& b) { return a.mount.dest < b.mount.dest; });
  std::vector<ir::Mount> mounts;
  for (Entry& entry : sorted) {
    if (!entry.source.is_scratch()) {
      steps.push_back(entry.source.step);
      auto found = std::find(operands.begin(), operands.end(), entry.source.value);
      if (found == operands.end()) {
        operands.push_back(entry.source.value);
        found = std::prev(operands.end());
      }
      entry.mount.input = found - operands.begin();
    }
    mounts.push_back(entry.mount);
  }
  mounts.insert(mounts.end(), secrets.begin(), secrets.end());
  mounts.insert(mounts.end(), sockets.begin(), sockets.end());
  return mounts;
}

namespace {

ir::MountCredential CredentialOf(const MountOptions& options, std::string_view id, std::uint32_t mode) {
  ir::MountCredential credential;
  credential.id = id;
  credential.uid = options.uid.value_or(0);
  credential.gid = options.gid.value_or(0);
  credential.mode = options.mode.value_or(mode);
  credential.optional = !options.required;
  return credential;
}

// Gives the secret's id.
std::string_view AddSecret(const MountOptions& options, RunMounts& mounts, Converter& converter) {
  std::string_view id = options.source.empty() ? options.id : options.source;
  if (id.empty()) {
    id = BasePath(options.target);
  }
  if (options.env) {
    mounts.secret_env.push_back({id, *options.env, !options.required});
    mounts.masked.push_back(*options.env);
  }
  if (!options.target.empty() || !options.env) {
    ir::Mount& mount = mounts.secrets.emplace_back();
    mount.kind = ir::MountKind::kSecret;
    mount.output = 0;
    mount.dest =
        !options.target.empty() ? options.target : converter.Intern(fmt::format("/run/secrets/{}", BasePath(id)));
    mount.credential = CredentialOf(options, id, 0400);
  }
  return id;
}

void AddSocket(const MountOptions& options, RunMounts& mounts, Converter& converter) {
  ir::Mount& mount = mounts.sockets.emplace_back();
  mount.kind = ir::MountKind::kSsh;
  mount.output = 0;
  mount.dest = !options.target.empty()
                   ? options.target
                   : converter.Intern(fmt::format("/run/buildkit/ssh_agent.{}", mounts.sockets.size() - 1));
  mount.credential = CredentialOf(options, options.id, 0600);
}

// An empty directory of this owner and mode, for a cache that nothing else is the start of.
Fs OwnedDirectory(Fs base, const MountOptions& options, Converter& converter) {
  ir::FileAction action;
  action.kind = ir::FileActionKind::kMkdir;
  action.input = base.is_scratch() ? -1 : 0;
  action.output = 0;
  action.path = "/cache";
  action.mode = static_cast<std::int32_t>(options.mode.value_or(0755) & 0777);
  action.owner = ir::Owner{ir::User{{}, -1, options.uid.value_or(0)}, ir::User{{}, -1, options.gid.value_or(0)}};
  return converter.AddStep(converter.AddFileOp(base.value, {}, {&action, 1}),
                           converter.Named("[internal] setting cache mount permissions", nullptr, {}), {base.step});
}

}  // namespace

bool Converter::ReadRunMounts(Stage& stage, const Command& command, const ast::Run& run, RunMounts& mounts) {
  for (std::size_t i = 0; i < run.mounts.size(); ++i) {
    const ast::Mount& mount = run.mounts[i];
    const source::SourceRange where = mount.flag->range;
    MountMistake mistake;
    const auto expand = [&](const ast::Text& text) -> std::optional<std::string_view> {
      std::string_view out;
      return Expand(stage, text, run, out) ? std::optional(Intern(out)) : std::nullopt;
    };
    const auto read = ReadMountOptions(mount, expand, mistake);
    if (!read) {
      if (!mistake.message.empty()) {
        auto report = emitter_.Emit<Kind::kBadMount>(mistake.range.valid() ? mistake.range : where, mistake.message);
        if (!mistake.hint.empty()) {
          report.Hint(mistake.hint);
        }
      }
      return false;
    }
    const MountOptions& options = *read;
    const bool from_context = options.from.empty() && options.kind != ir::MountKind::kCache;
    Stage* source = from_context ? nullptr : command.sources[i];
    if (source != nullptr && !source->dispatched) {
      emitter_.Emit<Kind::kStageUsedEarly>(where, options.from).Hint("move the stage above the one that mounts it");
      return false;
    }
    if (options.kind == ir::MountKind::kSecret) {
      const std::string_view id = AddSecret(options, mounts, *this);
      if (parameters() != nullptr) {
        parameters()->OnSecret(&stage, id, options.required, command.lines);
      }
      continue;
    }
    if (options.kind == ir::MountKind::kSsh) {
      if (!options.source.empty()) {
        emitter_.Emit<Kind::kBadMount>(where, "an ssh mount has no `source`");
        return false;
      }
      AddSocket(options, mounts, *this);
      if (parameters() != nullptr) {
        parameters()->OnSsh(&stage, options.id.empty() ? "default" : options.id, options.required, command.lines);
      }
      continue;
    }

    RunMounts::Entry entry;
    entry.mount.kind = options.kind;
    entry.mount.readonly = options.readonly;
    if (options.kind != ir::MountKind::kTmpfs) {
      entry.source = source != nullptr ? source->state.fs : MainContext().fs;
    }
    if (options.kind == ir::MountKind::kTmpfs) {
      entry.mount.tmpfs_size = options.size;
    }
    if (options.kind == ir::MountKind::kCache) {
      const std::string id = options.id.empty() ? CleanPath(options.target) : std::string(options.id);
      entry.mount.cache_id = Intern(fmt::format("{}/{}", this->options().cache_mount_namespace, id));
      entry.mount.cache_sharing = options.sharing.value_or(ir::CacheSharing::kShared);
    }
    std::string target(options.target);
    if (!IsAbsPath(CleanPath(target))) {
      target = JoinPath(JoinPath("/", stage.state.dir), target);
    }
    if (target == "/") {
      emitter_.Emit<Kind::kBadMount>(where, "nothing can be mounted at `/`");
      return false;
    }
    entry.mount.dest = Intern(target);
    const std::string selector = JoinPath("/", options.source);
    if (selector != "/") {
      entry.mount.selector = Intern(selector);
    } else if (options.has_owner()) {
      entry.source = OwnedDirectory(entry.source, options, *this);
      entry.mount.selector = "/cache";
    }
    mounts.entries.push_back(entry);
    if (from_context) {
      UseContextPath(options.source);
    } else {
      source->paths->push_back(selector);
    }
  }
  return true;
}

}  // namespace loam::sema
