// Nodes of the graph: commands with what they run in, copies, and their names.
#include "compiler/sema/earthfile/steps.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/go_json.h"
#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

ir::Platform ToIr(const Platform& platform, ir::Graph& graph) {
  ir::Platform out;
  out.os = graph.Intern(platform.os);
  out.architecture = graph.Intern(platform.architecture);
  out.variant = graph.Intern(platform.variant);
  out.os_version = graph.Intern(platform.os_version);
  return out;
}

}  // namespace

ir::Platform TargetEvaluation::CurrentPlatform() {
  return ToIr(platforms_.Current(), graph());
}

// ---- names

StepName TargetEvaluation::NameOfStep(std::string_view command) {
  NameRecorded(command, true);
  return {name_, std::string(command), in_.PlaceOf(range_), recorded_ == nullptr ? 0 : recorded_->number};
}

void TargetEvaluation::Name(ir::Value value, std::string_view command, const NameOptions& options) {
  if (value.is_scratch()) {
    return;
  }
  std::vector<ir::KeyValue> description;
  const std::string title = fmt::format("{} | {}", name_, command);
  const std::string place = in_.PlaceOf(range_);
  const std::string args = variables_->ActiveOverriding();
  const std::string platform = platforms_.Current().ToString();
  std::string chain;
  for (const std::string& note : ChainNotes(CurrentChain(), in_.sources())) {
    chain.append(chain.empty() ? "" : "\n").append(note);
  }
  description.push_back({"llb.customname", title});
  if (!args.empty()) {
    description.push_back({"loam.args", args});
  }
  if (!chain.empty()) {
    description.push_back({"loam.chain", chain});
  }
  description.push_back({"loam.command", command});
  // What is fetched for a command is a step of its own.
  const bool recorded = recorded_ != nullptr && !command.starts_with("[context]");
  const std::string number = recorded ? fmt::format("{}{}", kCommandKeyPrefix, recorded_->number) : std::string();
  if (recorded) {
    NameRecorded(command, true);
    description.push_back({number, ""});
  }
  if (options.internal) {
    description.push_back({"loam.internal", "1"});
  }
  if (!place.empty()) {
    description.push_back({"loam.place", place});
  }
  if (!platforms_.IsNative(platforms_.current())) {
    description.push_back({"loam.platform", platform});
  }
  if (options.raw) {
    description.push_back({"loam.raw", "1"});
  }
  description.push_back({"loam.target", name_});
  ir::Metadata metadata;
  metadata.description = description;
  metadata.ignore_cache = options.ignore_cache || in_.options().no_cache;
  ir::SourceLocation location;
  ir::SourceRange lines;
  if (const source::Buffer* buffer = range_.valid() ? in_.sources().Find(range_.file) : nullptr; buffer != nullptr) {
    const source::LineSpan span = buffer->LinesOf(range_);
    location.source = in_.SourceOf(range_.file);
    lines.start_line = static_cast<std::int32_t>(span.first);
    lines.end_line = static_cast<std::int32_t>(span.last);
    location.ranges = {&lines, 1};
    metadata.locations = {&location, 1};
  }
  graph().Annotate(value, metadata);
}

// ---- commands

Checked<ir::Value> TargetEvaluation::AddStep(const Step& step, ir::Value root) {
  StepMounts mounts;
  for (const Step::Bind& bind : step.binds) {
    mounts.mounts.AddBind(Intern(bind.target), Fs{bind.fs}, Intern(bind.selector));
  }
  LOAM_TRY(ReadMounts(step, mounts));
  LOAM_TRY(ReadSecrets(step, mounts));
  if (!step.no_target_caches) {
    for (const CacheMount& cache : caches_) {
      AddCache(cache, mounts);
    }
  }
  for (const CacheMount& cache : step.caches) {
    AddCache(cache, mounts);
  }
  if (step.ssh) {
    ir::Mount& mount = mounts.mounts.sockets.emplace_back();
    mount.kind = ir::MountKind::kSsh;
    mount.output = 0;
    mount.dest = "/run/buildkit/ssh_agent.0";
    ir::MountCredential credential;
    credential.id = "default";
    credential.mode = 0600;
    mount.credential = credential;
  }

  // The image's environment in its order, each with the value that it has here; then the other variables.
  std::map<std::string, std::string, std::less<>> active;
  if (!step.plain_env) {
    for (auto& [name, value] : variables_->Environment()) {
      active.emplace(name, value);
    }
  }
  for (const auto& [name, value] : step.env) {
    active[name] = value;
  }
  if (const auto socket = mounts.mounts.FirstSocket(); socket && !active.contains("SSH_AUTH_SOCK")) {
    active["SSH_AUTH_SOCK"] = *socket;
  }
  const auto is_secret = [&](std::string_view name) {
    return std::find(mounts.secret_names.begin(), mounts.secret_names.end(), name) != mounts.secret_names.end();
  };
  std::vector<std::string_view> env;
  bool has_path = active.contains("PATH");
  for (const std::string_view entry : state_.image.env) {
    const std::string_view name = entry.substr(0, entry.find('='));
    has_path = has_path || name == "PATH";
  }
  if (!has_path) {
    env.push_back(Intern(fmt::format("PATH={}", DefaultPath(state_.image.platform.os))));
  }
  for (const std::string_view entry : state_.image.env) {
    const std::string_view name = entry.substr(0, entry.find('='));
    if (is_secret(name)) {
      continue;
    }
    const auto known = active.find(name);
    if (known == active.end()) {
      env.push_back(entry);
    } else {
      env.push_back(Intern(fmt::format("{}={}", name, known->second)));
      active.erase(known);
    }
  }
  for (const auto& [name, value] : active) {
    if (!is_secret(name)) {
      env.push_back(Intern(fmt::format("{}={}", name, value)));
    }
  }

  ir::ExecAttrs attrs;
  std::vector<std::string_view> args;
  for (const std::string& arg : step.args) {
    args.push_back(Intern(arg));
  }
  if (step.no_cache && args.size() == 3 && args[1] == "-c") {
    // What is built on a step that is never cached has to see that it is another one.
    args.push_back(Intern("#" + in_.UniqueText()));
  }
  attrs.args = args;
  attrs.env = env;
  attrs.cwd = state_.directory();
  attrs.user = step.as_root ? std::string_view() : state_.image.user;
  attrs.network = step.no_network ? ir::Network::kNone : in_.options().network;
  attrs.security = step.privileged ? ir::Security::kInsecure : ir::Security::kSandbox;
  std::vector<ir::ExtraHost> hosts;
  for (const auto& [host, ip] : state_.hosts) {
    hosts.push_back({Intern(host), Intern(ip)});
  }
  attrs.extra_hosts = hosts;
  attrs.secret_env = mounts.mounts.secret_env;

  std::vector<ir::Value> operands;
  std::vector<std::uint32_t> unused;
  std::vector<ir::Mount> list = mounts.mounts.Build(Fs{root}, operands, unused);
  if (step.capture) {
    for (ir::Mount& mount : list) {
      if (mount.kind != ir::MountKind::kSecret && mount.kind != ir::MountKind::kSsh) {
        mount.output = -1;
      }
    }
  }
  attrs.mounts = list;
  const ir::Platform platform = CurrentPlatform();
  const ir::NodeOptions options{.platform = &platform, .worker_constraints = {}};
  const ir::Value made = step.capture ? graph().Add<ir::OpKind::kCapture>(operands, attrs, options)
                                      : graph().Add<ir::OpKind::kExec>(operands, attrs, options);
  Name(made, step.text, {.internal = step.internal, .raw = step.raw, .ignore_cache = step.no_cache});
  return made;
}

Checked<ProcessResult> TargetEvaluation::Capture(const Step& step) {
  Step capture = step;
  capture.capture = true;
  return Record(step.text, range_, [&]() -> Checked<ProcessResult> {
    const ir::Value node = LOAM_TRY(AddStep(capture, state_.fs));
    const SourceRange range = range_;
    auto result = in_.host().Run(graph(), node);
    if (!result) {
      return FailWith(range, std::move(result).error());
    }
    return std::move(*result);
  });
}

Checked<ProcessResult> TargetEvaluation::RunOnHost(const std::vector<std::string>& argv, std::string_view text,
                                                   bool capture, bool condition, bool raw) {
  LocalCommand command;
  command.argv = argv;
  command.directory = local_directory_;
  for (const auto& [name, value] : variables_->Environment()) {
    command.env.push_back(fmt::format("{}={}", name, value));
  }
  command.capture = capture;
  command.condition = condition;
  command.raw_output = raw;
  const auto run = [&]() -> Checked<ProcessResult> {
    const SourceRange range = range_;
    command.name = NameOfStep(text);
    auto result = in_.effects().RunLocally(command);
    if (!result) {
      return FailWith(range, std::move(result).error());
    }
    return std::move(*result);
  };
  // The command of a RUN is recorded already.
  return capture || condition ? Record(text, range_, run) : run();
}

Checked<ProcessResult> TargetEvaluation::RunShell(Step step, std::string script, bool condition) {
  step.args = {"/bin/sh", "-c", std::move(script)};
  if (local_) {
    return RunOnHost(step.args, step.text, !condition, condition);
  }
  return Capture(step);
}

// ---- copies

ir::Value TargetEvaluation::AddCopy(ir::Value base, ir::Value from, std::span<const std::string> sources,
                                    std::string_view destination, std::string_view directory,
                                    const CopyOptions& options, std::string_view name) {
  if (sources.empty()) {
    return base;
  }
  std::string dest(destination);
  if (dest.empty() || dest == "." || sources.size() > 1) {
    dest += '/';
  }
  std::string path = IsAbsPath(dest) ? CleanPath(dest) : JoinPath(JoinPath("/", directory), dest);
  if (dest.ends_with('/') && !path.ends_with('/')) {
    path += '/';
  } else if (dest.ends_with("/.")) {
    path += path == "/" ? "." : "/.";
  }

  const ir::Value under = options.link ? ir::Value() : base;
  std::vector<ir::Value> operands;
  if (!under.is_scratch()) {
    operands.push_back(under);
  }
  std::int64_t source_input = -1;
  if (!from.is_scratch()) {
    const auto known = std::find(operands.begin(), operands.end(), from);
    source_input = known - operands.begin();
    if (known == operands.end()) {
      operands.push_back(from);
    }
  }
  std::vector<ir::FileAction> actions;
  for (std::string source : sources) {
    if (options.if_exists) {
      // A pattern may match nothing, a name may not: the first letter as a class makes it a pattern.
      source = source.starts_with("./") ? source.substr(2) : source;
      source = source.starts_with('/') ? source.substr(1) : source;
      if (!source.empty() && source.front() != '*' && source.front() != '?' && source.front() != '[' &&
          source.front() != '\\' && source != ".") {
        source = fmt::format("[{}]{}", source.front(), source.substr(1));
      }
    }
    ir::FileAction& action = actions.emplace_back();
    action.kind = ir::FileActionKind::kCopy;
    action.secondary_input = source_input;
    action.path = Intern(path);
    action.source = Intern(JoinPath("/", source));
    action.mode = options.mode ? static_cast<std::int32_t>(*options.mode) : -1;
    action.timestamp = options.keep_times ? -1 : kCopyTime;
    action.allow_wildcard = options.wildcards;
    action.allow_empty_wildcard = options.if_exists;
    action.follow_symlink = !options.no_follow;
    action.dir_copy_contents = !options.directory;
    action.create_dest_path = true;
  }
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const std::int64_t base_input = under.is_scratch() ? -1 : 0;
    actions[i].input = i == 0 ? base_input : static_cast<std::int64_t>(operands.size() + i - 1);
    actions[i].output = i + 1 == actions.size() ? 0 : -1;
    if (!options.owner.empty()) {
      actions[i].owner = Converter::OwnerFrom(Intern(options.owner), base_input);
    }
  }
  const ir::Value copied = graph().Add<ir::OpKind::kFile>(operands, {actions});
  Name(copied, name);
  if (!options.link || base.is_scratch()) {
    return copied;
  }
  const ir::Value layers[] = {base, copied};
  const ir::Value merged = graph().Add<ir::OpKind::kMerge>(layers, {});
  Name(merged, name, {.internal = true});
  return merged;
}

std::string TargetEvaluation::OwnerOfCopies(bool keep, std::string_view chown) const {
  if (!chown.empty()) {
    return std::string(chown);
  }
  if (keep) {
    return {};
  }
  return state_.image.user.empty() ? "root:root" : std::string(state_.image.user);
}

Checked<ir::Value> TargetEvaluation::ContextFiles(std::span<const std::string> paths, const Place& place,
                                                  const ProjectFile* remote, bool docker_ignore,
                                                  std::string* subdirectory) {
  subdirectory->clear();
  std::string directory = CleanPath(place.directory);
  if (remote != nullptr && remote->remote != nullptr) {
    if (remote->remote->local_path.empty()) {
      std::vector<ir::KeyValue> attrs;
      attrs.push_back({"git.fullurl", remote->remote->clone_url});
      *subdirectory = place.directory;
      const std::string_view id = Intern(fmt::format("{}#{}", remote->remote->git.git_path, remote->remote->commit));
      const ir::Value git = graph().Add<ir::OpKind::kSourceGit>({}, {id, attrs});
      Name(git, fmt::format("[context] {}", remote->path), {.internal = true});
      return git;
    }
    directory = JoinPath(remote->remote->local_path, place.directory);
  }
  std::vector<ir::KeyValue> attrs;
  std::vector<std::string> excludes;
  if (place.IsLocal()) {
    Result<std::vector<std::string>> patterns = Unexpected(ErrorCode::kInternal, "not read");
    {
      const Gate::Opened opened(in_.request().gate);
      patterns = ReadIgnorePatterns(in_.project().host(), place, docker_ignore && Has(Feature::kUseDockerIgnore),
                                    !Has(Feature::kNoImplicitIgnore));
    }
    if (!patterns) {
      return FailWith(range_, std::move(patterns).error());
    }
    excludes = std::move(*patterns);
  }
  const std::string& context = place.IsLocal() ? in_.options().context_name : std::string();
  if (!context.empty() && directory != ".") {
    if (directory.starts_with('/') || directory == ".." || directory.starts_with("../")) {
      return FailWith(
          range_, Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is outside of the build context", directory)));
    }
    *subdirectory = directory;
    for (std::string& pattern : excludes) {
      pattern.insert(pattern.starts_with('!') ? 1 : 0, directory + "/");
    }
  }
  const auto list = [&](const std::vector<std::string>& items) {
    const std::vector<std::string_view> views(items.begin(), items.end());
    return Intern(GoJsonStringList(views));
  };
  if (!excludes.empty()) {
    attrs.push_back({"local.excludepatterns", list(excludes)});
  }
  std::vector<std::string> follow;
  bool all = paths.empty();
  for (const std::string& path : paths) {
    std::string clean = JoinPath("/", path).substr(1);
    all = all || clean.empty();
    follow.push_back(subdirectory->empty() ? std::move(clean) : fmt::format("{}/{}", *subdirectory, clean));
  }
  if (all && !subdirectory->empty()) {
    follow = {*subdirectory};
    all = false;
  }
  if (!all) {
    std::sort(follow.begin(), follow.end());
    follow.erase(std::unique(follow.begin(), follow.end()), follow.end());
    attrs.push_back({"local.followpaths", list(follow)});
  }
  const std::string_view name =
      context.empty() ? Intern(fmt::format("{}{}", kLocalSourcePrefix, directory)) : Intern(context);
  if (!in_.options().session_id.empty()) {
    attrs.push_back({"local.session", in_.options().session_id});
  }
  attrs.push_back({"local.sharedkeyhint", name});
  if (in_.options().session_id.empty()) {
    attrs.push_back({"local.unique", in_.options().local_unique_id});
  }
  const ir::Value source = graph().Add<ir::OpKind::kSourceLocal>({}, {name, attrs});
  Name(source, fmt::format("[context] {}", directory), {.internal = true});
  return source;
}

Checked<ir::Value> TargetEvaluation::Persisted(ir::Value fs) {
  for (const CacheMount& cache : caches_) {
    if (!cache.persist) {
      continue;
    }
    CacheMount mounted = cache;
    mounted.path = "/run/loam-persist";
    Step step;
    step.args = {"/bin/sh", "-c", "mkdir -p \"$1\" && cp -a /run/loam-persist/. \"$1\"", "persist", cache.path};
    step.text = fmt::format("CACHE --persist {}", cache.path);
    step.internal = true;
    step.as_root = true;
    step.plain_env = true;
    step.no_target_caches = true;
    step.caches = {std::move(mounted)};
    fs = LOAM_TRY(AddStep(step, fs));
  }
  return fs;
}

}  // namespace loam::sema::earthfile
