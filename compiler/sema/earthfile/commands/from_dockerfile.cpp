// FROM DOCKERFILE.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

Place Below(const Place& place, std::string_view path) {
  if (IsAbsPath(path) && place.IsLocal()) {
    return {"", CleanPath(path)};
  }
  return {place.root, JoinPath(place.directory.empty() && place.IsLocal() ? "." : place.directory, path)};
}

}  // namespace

Checked<> TargetEvaluation::FromDockerfile(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  const SourceRange range = range_;
  FromDockerfileFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckArguments(command, words));
  const std::string context = LOAM_TRY(Expand(words[0], true));
  const std::string file = LOAM_TRY(Expand(flags.file, range, true));
  Passing passing;
  passing.args = LOAM_TRY(ReadPassedArgs(std::span(words).subspan(1), flags.build_args, range));
  passing.allow_privileged = flags.allow_privileged;
  passing.platform = LOAM_TRY(ReadPlatform(flags.platform, flags.RangeOf("platform", range)));
  const std::string stage = LOAM_TRY(Expand(flags.target, range));
  range_ = range;
  local_ = false;
  passing.platform = platforms_.SetCurrent(passing.platform);
  for (const auto& [name, value] : TargetPlatformArgs(platforms_)) {
    variables_->SetBuiltin(name, value);
  }

  const auto artifacts = [&](const ArtifactReference& artifact) {
    return CallTarget(artifact.target.ToString(), passing, Edge::kDockerfile, range);
  };
  const auto read_artifact = [&](const TargetResult& result, const std::string& path) -> Checked<std::string> {
    if (!result.has_artifacts) {
      return Fail<Kind::kEarthArtifact>(
          range, fmt::format("artifact {}{} not found; no SAVE ARTIFACT command was issued in {}", result.name, path,
                             result.name));
    }
    auto text = in_.host().ReadFile(graph(), result.artifacts, path, 0);
    if (!text) {
      return FailWith(range, std::move(text).error().Wrap(fmt::format("read artifact {}{}", result.name, path)));
    }
    return std::move(*text);
  };
  const auto read_file = [&](const std::string& path) -> Checked<std::string> {
    const std::string_view name = BasePath(path);
    const Place place = Below(file_->place, path.substr(0, path.size() - name.size()));
    Result<std::string> text = Unexpected(ErrorCode::kInternal, "not read");
    {
      const Gate::Opened opened(in_.request().gate);
      text = in_.project().host().ReadFile(place, name);
    }
    if (!text) {
      return FailWith(range, std::move(text).error().Wrap(fmt::format("read {}", path)));
    }
    return std::move(*text);
  };

  std::string text;
  if (!file.empty()) {
    const auto artifact = ParseArtifactReference(file, in_.options().home);
    text = artifact ? LOAM_TRY(read_artifact(*LOAM_TRY(artifacts(*artifact)), artifact->path))
                    : LOAM_TRY(read_file(UnescapePlus(file)));
  }
  ir::Value files;
  std::string shown = file;
  if (const auto artifact = ParseArtifactReference(context, in_.options().home)) {
    const std::shared_ptr<TargetResult> result = LOAM_TRY(artifacts(*artifact));
    if (file.empty()) {
      shown = JoinPath(artifact->path, "Dockerfile");
      text = LOAM_TRY(read_artifact(*result, shown));
    }
    CopyOptions options;
    options.keep_times = false;
    files = AddCopy({}, result->artifacts, {&artifact->path, 1}, "/", "/", options,
                    fmt::format("FROM DOCKERFILE (copy build context from) {}", context));
  } else {
    const std::string directory = UnescapePlus(context);
    if (file.empty()) {
      shown = JoinPath(directory, "Dockerfile");
      text = LOAM_TRY(read_file(shown));
    }
    std::string subdirectory;
    files = LOAM_TRY(ContextFiles({}, Below(file_->place, directory), file_, true, &subdirectory));
    if (!subdirectory.empty()) {
      CopyOptions options;
      options.keep_times = true;
      files = AddCopy({}, files, {&subdirectory, 1}, "/", "/", options, "FROM DOCKERFILE (build context)");
    }
  }

  DockerfileOptions options;
  options.target = stage;
  for (const auto& [name, value] : LOAM_TRY(variables_->ResolveArgs(passing.args))) {
    options.build_args.insert_or_assign(name, value);
  }
  options.platforms = {platforms_.Current().ToString()};
  options.build_platform = platforms_.native().ToString();
  options.image_resolve_mode = in_.options().resolve_mode;
  options.session_id = in_.options().session_id;
  options.local_unique_id = in_.options().local_unique_id;
  options.file_name = shown;
  if (in_.request().dockerfiles == nullptr) {
    return Fail<Kind::kEarthDockerfile>(range, shown, "there is no compiler of Dockerfiles here");
  }
  diag::CollectingConsumer mistakes;
  diag::Emitter emitter(mistakes);
  // The module takes the results of one Dockerfile at a time.
  const Interpreter::ModuleUse use(in_);
  const std::size_t first_node = graph().size();
  const bool done =
      in_.request().dockerfiles->Compile(shown, std::move(text), options, files, in_.host(), in_.module(), emitter);
  if (!done || in_.module().results.empty()) {
    in_.module().results.clear();
    std::vector<diag::Diagnostic> diagnostics = mistakes.Take();
    std::erase_if(diagnostics, [](const diag::Diagnostic& diagnostic) { return !diagnostic.is_error(); });
    if (diagnostics.empty()) {
      return Fail<Kind::kEarthDockerfile>(range, shown, "it could not be compiled");
    }
    return Failure(std::move(diagnostics)).Note(fmt::format("in the Dockerfile of `FROM DOCKERFILE {}`", context));
  }
  const ir::ModuleResult result = std::move(in_.module().results.back());
  in_.module().results.clear();
  // The steps belong to this target.
  for (const ir::NodeId node : graph().PostOrder({{result.fs}})) {
    std::string title;
    bool known = node.value() < first_node;
    for (const ir::KeyValue& pair : graph().MergedMetadata(node).description) {
      title = pair.key == "llb.customname" ? std::string(pair.value) : title;
      known = known || pair.key == "loam.target";
    }
    if (!title.empty() && !known) {
      Name({node.value(), 0}, title);
    }
  }
  auto config = ParseImageConfig(result.image_config, graph());
  if (!config) {
    return Fail<Kind::kEarthDockerfile>(range, shown, config.error().message());
  }
  state_.hosts.clear();
  state_.fs = result.fs;
  state_.image = std::move(*config);
  Scope envs;
  for (const std::string_view entry : state_.image.env) {
    const auto pair = SplitOnce(entry, '=');
    envs.insert_or_assign(std::string(pair ? pair->first : entry), std::string(pair ? pair->second : ""));
  }
  variables_->ResetEnvs(std::move(envs));
  ran_from_ = true;
  return {};
}

}  // namespace loam::sema::earthfile
