#include "compiler/driver/earthfile/proof.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/driver/earthfile/compile.h"
#include "compiler/parse/earthfile.h"
#include "compiler/sema/assumed_build_host.h"
#include "compiler/sema/earthfile/overlay_project.h"
#include "compiler/sema/earthfile/project.h"

namespace loam::driver::earthfile {
namespace {

using sema::earthfile::EffectsHost;

// No network: a repository has one commit and no files that could be read.
class OfflineProjectHost : public sema::earthfile::OverlayProjectHost {
 public:
  using OverlayProjectHost::OverlayProjectHost;
  Result<sema::earthfile::RemoteProject> Fetch(std::string_view git_path, std::string_view) override {
    return Unexpected(ErrorCode::kUnimplemented, fmt::format("`{}` is not fetched", git_path));
  }
};

class AssumedEffects : public EffectsHost {
 public:
  explicit AssumedEffects(std::int64_t exit_code) : exit_code_(exit_code) {}

  Result<sema::ProcessResult> RunLocally(const sema::earthfile::LocalCommand& command) override {
    log += fmt::format("local {}\n", fmt::join(command.argv, " "));
    return sema::ProcessResult{command.condition ? exit_code_ : 0, "assumed\n"};
  }
  Result<> ExportToHost(ir::Graph& graph, const sema::earthfile::HostExport& files) override {
    log += fmt::format("export {} {}\n", files.source, files.destination);
    return Note(graph, files.fs);
  }
  Result<ir::Value> ImportFromHost(ir::Graph& graph, const sema::earthfile::HostImport& files) override {
    const std::string name = fmt::format("import {} {}", files.source, files.destination);
    return graph.Add<ir::OpKind::kSourceLocal>({}, {name, {}});
  }
  Result<> Perform(ir::Graph& graph, const sema::earthfile::Outputs& outputs) override {
    for (const auto& image : outputs.images) {
      log += fmt::format("image {} {}\n", image.name, image.config);
      LOAM_TRY(Note(graph, image.fs));
    }
    for (const auto& artifact : outputs.artifacts) {
      log += fmt::format("artifact {} {}\n", artifact.source, artifact.destination);
      LOAM_TRY(Note(graph, artifact.fs));
    }
    for (const ir::Value state : outputs.states) {
      LOAM_TRY(Note(graph, state));
    }
    return {};
  }
  Result<> RunTry(ir::Graph& graph, const sema::earthfile::TryStep& step) override { return Note(graph, step.fs); }
  Result<> LoadIntoDocker(ir::Graph& graph, std::span<const sema::earthfile::DaemonImage> images) override {
    for (const sema::earthfile::DaemonImage& image : images) {
      log += fmt::format("load {} {}\n", image.name, image.config);
      LOAM_TRY(Note(graph, image.fs));
    }
    return {};
  }
  Result<> RunInteractive(ir::Graph& graph, const sema::earthfile::InteractiveStep& step) override {
    return Note(graph, step.fs);
  }
  void Notice(std::string_view, std::string_view) override {}
  void Warning(std::string_view, std::string_view) override {}
  Result<bool> WasBuilt(std::string_view, std::string_view) override { return false; }
  Result<> RecordBuilt(std::string_view, std::string_view) override { return {}; }

  std::string log;

 private:
  Result<> Note(const ir::Graph& graph, ir::Value value) {
    log += LOAM_TRY(llb::Emit(graph, value, {.metadata = false})).head.ToString() + "\n";
    return {};
  }

  std::int64_t exit_code_;
};

void Describe(const CompiledOutputs& outputs, std::string& out) {
  for (const CompiledImage& image : outputs.images) {
    out += fmt::format("image {} {} {} {}\n", image.output.name, image.output.platform_id, image.output.config,
                       image.definition.head.ToString());
  }
  for (const CompiledArtifact& artifact : outputs.artifacts) {
    out += fmt::format("artifact {} {} {}\n", artifact.output.source, artifact.output.destination,
                       artifact.definition.head.ToString());
  }
  for (const llb::Definition& state : outputs.states) {
    out += fmt::format("state {}\n", state.head.ToString());
  }
}

std::string DirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

// What the target makes; `evaluated` is set if it could be evaluated.
Result<std::string> BuildTarget(const std::string& target, const std::string& directory, std::int64_t exit_code,
                                sema::earthfile::ProjectHost& host, bool& evaluated) {
  source::SourceManager sources;
  sema::AssumedBuildHost build_host(exit_code);
  AssumedEffects effects(exit_code);
  sema::earthfile::Gate gate;
  sema::earthfile::Project project(host, sources, {"", "/home/assumed", &gate});
  sema::earthfile::EvaluateRequest request;
  request.roots = {"+" + target};
  request.project = &project;
  request.sources = &sources;
  request.host = &build_host;
  request.effects = &effects;
  request.gate = &gate;
  request.options.native_platform = request.options.user_platform = "linux/amd64";
  request.options.invocation_directory = directory;
  request.options.local_unique_id = request.options.session_id = "assumed";
  request.options.version = "assumed";
  request.options.home = "/home/assumed";
  request.options.allow_privileged = true;
  request.options.push = true;
  request.options.parallelism = 1;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto result = Compile(request, {.level = passes::OptLevel::kO0, .metadata = false, .verify = false}, emitter);
  if (!result) {
    return "cannot be evaluated: " + std::string(result.error().message());
  }
  if (!*result) {
    for (const diag::Diagnostic& each : consumer.diagnostics()) {
      if (each.is_error()) {
        return "cannot be evaluated: " + each.message;
      }
    }
    return std::string("cannot be evaluated");
  }
  evaluated = true;
  std::string out = effects.log;
  Describe((*result)->outputs, out);
  Describe((*result)->after_push, out);
  for (const ir::Value root : (*result)->outcome.roots) {
    out += "root " + LOAM_TRY(llb::Emit((*result)->module, root, {.metadata = false})).head.ToString() + "\n";
  }
  return out;
}

}  // namespace

Result<Everything> BuildEarthfile(const std::string& path, const std::string& text,
                                  sema::earthfile::ProjectHost& host) {
  source::SourceManager sources;
  const source::Buffer* buffer = LOAM_TRY(sources.AddText(path, text));
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto file = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(*buffer, emitter), emitter);
  const std::string directory = DirectoryOf(path);
  // A project's file is `Earthfile` or `build.earth`; one of another name is compared as if it were the first.
  OfflineProjectHost offline(host, directory, {{directory + "/Earthfile", text}});
  Everything everything;
  for (const ast::earthfile::Target& target : file.targets) {
    ++everything.targets;
    bool evaluated = false;
    std::string& made = everything.made[std::string(target.name)];
    for (const std::int64_t exit_code : {0, 1}) {
      made += LOAM_TRY(BuildTarget(std::string(target.name), directory, exit_code, offline, evaluated)) + "\n";
    }
    everything.evaluated += evaluated ? 1 : 0;
  }
  return everything;
}

std::vector<std::string> Differences(const Everything& before, const Everything& after) {
  std::vector<std::string> out;
  for (const auto& [target, made] : before.made) {
    const auto found = after.made.find(target);
    if (found == after.made.end()) {
      out.push_back(fmt::format("target `+{}` is gone", target));
    } else if (found->second != made) {
      out.push_back(fmt::format("target `+{}` makes something else", target));
    }
  }
  for (const auto& [target, made] : after.made) {
    if (!before.made.contains(target)) {
      out.push_back(fmt::format("target `+{}` is new", target));
    }
  }
  return out;
}

}  // namespace loam::driver::earthfile
