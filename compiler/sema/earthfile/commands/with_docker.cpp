// WITH DOCKER: a Docker daemon inside of the step of the one RUN.
#include <algorithm>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/go_json.h"
#include "compiler/sema/dockerfile/platform.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/docker_script.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

// The settings of an image as instructions that `docker import` takes.
std::vector<std::string> ChangesOf(const ImageConfig& image) {
  std::vector<std::string> out;
  const auto list = [](const std::vector<std::string_view>& words) { return GoJsonStringList(words); };
  for (const std::string_view entry : image.env) {
    const std::size_t equals = entry.find('=');
    std::string value;
    for (const char letter : equals == std::string_view::npos ? std::string_view() : entry.substr(equals + 1)) {
      value.append(letter == '"' || letter == '\\' || letter == '$' ? "\\" : "").push_back(letter);
    }
    out.push_back(fmt::format("ENV {}=\"{}\"", entry.substr(0, equals), value));
  }
  if (!image.working_dir.empty()) {
    out.push_back(fmt::format("WORKDIR {}", image.working_dir));
  }
  if (!image.user.empty()) {
    out.push_back(fmt::format("USER {}", image.user));
  }
  if (!image.entrypoint.empty()) {
    out.push_back("ENTRYPOINT " + list(image.entrypoint));
  }
  if (!image.cmd.empty()) {
    out.push_back("CMD " + list(image.cmd));
  }
  for (const std::string_view port : image.exposed_ports) {
    out.push_back(fmt::format("EXPOSE {}", port));
  }
  if (!image.volumes.empty()) {
    out.push_back("VOLUME " + list(image.volumes));
  }
  return out;
}

}  // namespace

Checked<> TargetEvaluation::WithStatement(const ast::earthfile::Statement& statement) {
  const ast::earthfile::With& with = *statement.with;
  range_ = statement.keyword;
  if (docker_) {
    return Fail<Kind::kEarthWithDocker>(range_, "cannot use WITH DOCKER within WITH DOCKER");
  }
  LOAM_TRY(RejectAfterPush());
  Docker docker = LOAM_TRY(ReadDocker(with, statement.keyword));
  docker_ = std::move(docker);
  LOAM_TRY(RunBlock(with.body));
  const bool ran = docker_->ran;
  docker_.reset();
  if (!ran) {
    return Fail<Kind::kEarthWithDocker>(statement.keyword, "no RUN command found in WITH DOCKER");
  }
  return {};
}

Checked<TargetEvaluation::Docker> TargetEvaluation::ReadDocker(const ast::earthfile::With& with, SourceRange keyword) {
  const ast::earthfile::Command& command = with.command;
  Docker docker;
  docker.range = command.location.range;
  const SourceRange range = docker.range;
  WithDockerFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckWithDocker(with, words, keyword));
  docker.platform = LOAM_TRY(ReadPlatform(flags.platform, flags.RangeOf("platform", range)));
  docker.compose_files = LOAM_TRY(ExpandAll(std::span<const std::string>(flags.compose_files), range));
  docker.services = LOAM_TRY(ExpandAll(std::span<const std::string>(flags.services), range));
  docker.pulls = LOAM_TRY(ExpandAll(std::span<const std::string>(flags.pulls), range));
  docker.cache_id = flags.cache_id;
  docker.pass_args = flags.pass_args;
  docker.allow_privileged = flags.allow_privileged;
  for (const std::string& text : flags.loads) {
    const std::string expanded = LOAM_TRY(Expand(text, range, true));
    auto load = ParseLoadWord(expanded);
    if (!load) {
      return Fail<Kind::kEarthBadReference>(flags.RangeOf("load", range), expanded, load.error().message());
    }
    DockerLoad& out = docker.loads.emplace_back();
    out.image = std::move(load->image);
    out.target = std::move(load->target);
    out.args = LOAM_TRY(ReadPassedArgs(load->args, flags.build_args, range));
    out.range = flags.RangeOf("load", range);
  }
  range_ = range;
  return docker;
}

Checked<std::vector<DaemonImage>> TargetEvaluation::DaemonImages(const Docker& docker) {
  std::vector<DaemonImage> images;
  for (const DockerLoad& load : docker.loads) {
    Passing passing;
    passing.args = load.args;
    passing.pass_args = docker.pass_args;
    passing.allow_privileged = docker.allow_privileged;
    passing.platform = docker.platform;
    const std::shared_ptr<TargetResult> result = LOAM_TRY(CallTarget(load.target, passing, Edge::kLoad, load.range));
    DaemonImage image;
    image.name = load.image;
    const ImageConfig* config = &result->state.image;
    image.fs = result->state.fs;
    if (!result->images.empty()) {
      config = &result->images.back().image;
      image.fs = result->images.back().fs;
    }
    if (image.name.empty()) {
      if (result->images.size() != 1 || result->images.front().name.empty()) {
        return Fail<Kind::kEarthWithDocker>(
                   load.range, fmt::format("no docker image tag specified in load and it cannot be inferred from the "
                                           "SAVE IMAGE statement of {}",
                                           result->name))
            .Hint(fmt::format("name it: `--load app:latest={}`", load.target));
      }
      image.name = result->images.front().name;
    }
    image.config = WriteImageConfig(*config);
    image.platform_id = result->platforms.Current().ToString();
    images.push_back(std::move(image));
  }
  std::vector<std::string> pulls = docker.pulls;
  if (!docker.compose_files.empty() && !local_) {
    for (std::string& name : LOAM_TRY(ComposeImages(docker))) {
      const bool loaded =
          std::any_of(images.begin(), images.end(), [&](const DaemonImage& image) { return image.name == name; });
      if (!loaded && std::find(pulls.begin(), pulls.end(), name) == pulls.end()) {
        pulls.push_back(std::move(name));
      }
    }
  }
  const EarthPlatform wanted = platforms_.OrCurrent(docker.platform);
  const Platform platform = platforms_.Materialize(wanted);
  for (const std::string& name : pulls) {
    ir::Platform on;
    on.os = Intern(platform.os);
    on.architecture = Intern(platform.architecture);
    on.variant = Intern(platform.variant);
    PulledImage pulled = LOAM_TRY(PullImage(name, on, "DOCKER PULL", docker.range));
    images.push_back({name, pulled.fs, std::move(pulled.json), platform.ToString()});
  }
  std::stable_sort(images.begin(), images.end(),
                   [](const DaemonImage& a, const DaemonImage& b) { return a.name < b.name; });
  return images;
}

ir::Value TargetEvaluation::InlineFile(std::string_view name, std::string_view text) {
  ir::FileAction make;
  make.kind = ir::FileActionKind::kMkfile;
  make.output = 0;
  make.path = Intern(fmt::format("/{}", name));
  make.data = Intern(text);
  make.mode = 0755;
  const ir::Value file = graph().Add<ir::OpKind::kFile>({}, {{&make, 1}});
  Name(file, "WITH DOCKER (script)", {.internal = true});
  return file;
}

Checked<std::vector<std::string>> TargetEvaluation::ComposeImages(const Docker& docker) {
  DockerScript script;
  script.compose_files = docker.compose_files;
  Step step;
  step.args = {"/bin/sh", fmt::format("{}/compose-config", kDockerMount)};
  step.binds.push_back(
      {std::string(kDockerMount), InlineFile("compose-config", ComposeConfigScript(script)), std::string()});
  step.text = "WITH DOCKER (docker-compose config)";
  step.internal = true;
  const ProcessResult result = LOAM_TRY(Capture(step));
  if (result.exit_code != 0) {
    return Fail<Kind::kEarthCommandFailed>(docker.range, "docker-compose config", result.exit_code);
  }
  return ImagesOfComposeConfig(result.standard_output, docker.services);
}

Checked<> TargetEvaluation::RunWithHostDocker(const Step& step, const Docker& docker) {
  const std::vector<DaemonImage> images = LOAM_TRY(DaemonImages(docker));
  if (!images.empty()) {
    if (auto done = in_.effects().LoadIntoDocker(graph(), images); !done) {
      return FailWith(docker.range, std::move(done).error());
    }
  }
  DockerScript script;
  script.compose_files = docker.compose_files;
  script.services = docker.services;
  std::vector<std::string> args = step.args;
  if (!docker.compose_files.empty()) {
    std::string text = "set -eu\n" + ComposeConfigScript(script);
    text.resize(text.size() - std::string_view("compose config\n").size());
    text += "compose up -d\n\"$@\"\n";
    args = {"/bin/sh", "-c", text, "with-docker"};
    args.insert(args.end(), step.args.begin(), step.args.end());
  }
  const SourceRange range = range_;
  const ProcessResult result = LOAM_TRY(RunOnHost(args, step.text, false, false, step.raw));
  if (result.exit_code != 0) {
    return Fail<Kind::kEarthCommandFailed>(range, step.text, result.exit_code);
  }
  return {};
}

Checked<> TargetEvaluation::RunInDocker(Step step, const RunFlags& flags, SourceRange range) {
  const Docker& docker = *docker_;
  step.text = "WITH DOCKER " + step.text;
  if (local_) {
    return RunWithHostDocker(step, docker);
  }
  if (!allow_privileged_ || !in_.options().allow_privileged) {
    return Fail<Kind::kEarthPermission>(docker.range, "run privileged command: WITH DOCKER runs a Docker daemon")
        .Hint("allow it with --allow-privileged (-P) on the command line, and on each reference to a repository");
  }
  if (!platforms_.IsNative(platforms_.current())) {
    return Fail<Kind::kEarthWithDocker>(
               docker.range, fmt::format("running WITH DOCKER as a non-native CPU architecture ({} on {}) is not "
                                         "supported",
                                         platforms_.Current().ToString(), platforms_.native().ToString()))
        .Hint("use FROM --platform=native; --load and --pull may name other platforms");
  }
  const bool compose = !docker.compose_files.empty();

  // Docker itself, for the commands that follow as well.
  Step install;
  install.args = {"/bin/sh", fmt::format("{}/install", kDockerMount)};
  install.binds.push_back({std::string(kDockerMount), InlineFile("install", InstallScript(compose)), std::string()});
  install.text = "WITH DOCKER (install deps)";
  install.as_root = true;
  install.plain_env = true;
  install.internal = true;
  install.no_target_caches = true;
  state_.fs = LOAM_TRY(AddStep(install, state_.fs));

  DockerScript script;
  script.compose_files = docker.compose_files;
  script.services = docker.services;
  script.keep_data = !docker.cache_id.empty();
  const std::vector<DaemonImage> images = LOAM_TRY(DaemonImages(docker));
  range_ = range;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const DaemonImage& image = images[i];
    ScriptImage& loaded = script.images.emplace_back();
    loaded.name = image.name;
    loaded.directory = fmt::format("{}-image-{}", kDockerMount, i);
    auto layout = in_.effects().ImageLayout(graph(), image);
    if (layout) {
      step.binds.push_back({loaded.directory, *layout, std::string()});
      continue;
    }
    if (!layout.error().Is(ErrorCode::kUnimplemented)) {
      return FailWith(docker.range, std::move(layout).error().Wrap(fmt::format("image {}", image.name)));
    }
    const auto config = ParseImageConfig(image.config, graph());
    if (!config) {
      return Fail<Kind::kEarthImage>(docker.range, image.name, config.error().message());
    }
    loaded.files = true;
    loaded.changes = ChangesOf(*config);
    step.binds.push_back({loaded.directory, image.fs, std::string()});
  }
  step.binds.push_back({std::string(kDockerMount), InlineFile("daemon", DaemonScript(script)), std::string()});
  step.args.insert(step.args.begin(), {"/bin/sh", fmt::format("{}/daemon", kDockerMount)});
  CacheMount data;
  data.path = std::string(kDockerData);
  data.mode = 0711;
  data.id = docker.cache_id.empty() ? "loam-docker/" + Digest::Of(canonical_.Canonical()).Hex()
                                    : "loam-docker-cache/" + docker.cache_id;
  data.sharing = docker.cache_id.empty() ? ir::CacheSharing::kPrivate : ir::CacheSharing::kLocked;
  step.caches.push_back(std::move(data));
  step.privileged = true;
  return RunNormally(std::move(step), flags, range);
}

}  // namespace loam::sema::earthfile
