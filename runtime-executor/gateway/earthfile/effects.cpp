#include "runtime-executor/gateway/earthfile/effects.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/go_quote.h"
#include "base/process.h"
#include "base/strings.h"
#include "compiler/driver/earthfile/compile.h"
#include "llb-emit/emit.h"
#include "runtime-executor/gateway/earthfile/host_files.h"
#include "runtime-executor/gateway/earthfile/image_layout.h"

namespace loam::gateway::earthfile {
namespace {

using sema::earthfile::Gate;
using sema::earthfile::StepName;

// A process gets this long to end after Ctrl-C.
constexpr std::chrono::seconds kGrace{5};
constexpr std::size_t kMaxLocalOutput = std::size_t{1} << 30;

// The environment of this process with `changes` over it.
std::vector<std::string> EnvironmentWith(const std::vector<std::string>& changes) {
  const auto name_of = [](std::string_view item) { return item.substr(0, item.find('=')); };
  std::vector<std::string> result;
  for (char** item = environ; item != nullptr && *item != nullptr; ++item) {
    const std::string_view name = name_of(*item);
    const bool replaced =
        std::any_of(changes.begin(), changes.end(), [&](const std::string& change) { return name_of(change) == name; });
    if (!replaced) {
      result.emplace_back(*item);
    }
  }
  result.insert(result.end(), changes.begin(), changes.end());
  return result;
}

class MachineEffects final : public sema::earthfile::EffectsHost {
 public:
  MachineEffects(EffectsParts parts, std::stop_token stop) : parts_(std::move(parts)), stop_(std::move(stop)) {}

  Result<sema::ProcessResult> RunLocally(const sema::earthfile::LocalCommand& command) override {
    sema::ProcessResult answer;
    std::string printed;
    const Gate::Opened opened(parts_.gate);
    Result<> done = InStep(command.name, command.raw_output, [&](solver::ProgressWriter& progress) -> Result<> {
      // WORKDIR makes its directory here as well.
      LOAM_TRY(MakeDirs(command.directory));
      ProcessSpec spec;
      spec.args = command.argv;
      spec.env = EnvironmentWith(command.env);
      spec.cwd = command.directory;
      spec.new_process_group = true;
      RunOptions options;
      options.stop = stop_;
      options.grace = kGrace;
      options.max_output = kMaxLocalOutput;
      options.on_output = [&](int fd, std::string_view bytes) {
        if (fd == 2 || !command.capture) {
          progress.Log(fd == 2 ? solver::LogStream::kStderr : solver::LogStream::kStdout, bytes);
        }
      };
      ProcessOutput output = LOAM_TRY(RunProcess(std::move(spec), options));
      answer.exit_code = output.status.code;
      answer.standard_output = std::move(output.out);
      if (answer.exit_code != 0 && !command.condition) {
        return Unexpected(ErrorCode::kUnknown, fmt::format("process {} did not complete successfully: exit code: {}",
                                                           GoQuoted(Join(command.argv, " ")), answer.exit_code));
      }
      return {};
    });
    if (!done && answer.exit_code == 0) {
      return Unexpected(std::move(done).error());
    }
    return answer;
  }

  Result<> ExportToHost(ir::Graph& graph, const sema::earthfile::HostExport& files) override {
    const llb::Definition definition = LOAM_TRY(Emit(graph, files.fs));
    const Gate::Opened opened(parts_.gate);
    const TreeRef tree = LOAM_TRY(Solve(definition));
    return InStep(files.name, false, [&](solver::ProgressWriter&) -> Result<> {
      if (tree->is_scratch()) {
        return files.if_exists ? Result<>()
                               : Unexpected(ErrorCode::kNotFound, fmt::format("\"{}\": not found", files.source));
      }
      const snapshot::MountedFs mounted = LOAM_TRY(parts_.site->Mount(tree, stop_));
      return CopyToHost(mounted, {.source = files.source,
                                  .destination = files.destination,
                                  .directory = files.directory,
                                  .if_exists = files.if_exists,
                                  .keep_times = files.keep_times,
                                  .inside = true});
    });
  }

  Result<ir::Value> ImportFromHost(ir::Graph& graph, const sema::earthfile::HostImport& files) override {
    const std::string directory = fmt::format("{}/{}", parts_.staging_directory, next_import_.fetch_add(1));
    {
      const Gate::Opened opened(parts_.gate);
      LOAM_TRY(InStep(files.name, false, [&](solver::ProgressWriter&) -> Result<> {
        LOAM_TRY(MakeDirs(directory));
        // The machine as a filesystem, so that the same rules hold as for files of a build.
        const snapshot::MountedFs host(LOAM_TRY(OpenFile("/", O_PATH | O_DIRECTORY)), snapshot::FsRef());
        return CopyToHost(host, {.source = files.source,
                                 .destination = Below(directory, files.destination),
                                 .directory = true,
                                 .if_exists = files.if_exists,
                                 .keep_times = true});
      }));
    }
    return graph.Add<ir::OpKind::kSourceLocal>({}, {.identifier = directory, .attrs = {}});
  }

  Result<> Perform(ir::Graph& graph, const sema::earthfile::Outputs& outputs) override {
    const driver::earthfile::CompiledOutputs compiled = LOAM_TRY(driver::earthfile::EmitOutputs(graph, outputs));
    const auto add = [&](const llb::Definition& definition) { parts_.steps->Add(graph, definition); };
    for (const auto& image : compiled.images) {
      add(image.definition);
    }
    for (const auto& artifact : compiled.artifacts) {
      add(artifact.definition);
    }
    for (const auto& state : compiled.states) {
      add(state);
    }
    const Gate::Opened opened(parts_.gate);
    return parts_.outputs->Perform(compiled, stop_);
  }

  Result<> RunTry(ir::Graph& graph, const sema::earthfile::TryStep& step) override {
    const llb::Definition definition = LOAM_TRY(Emit(graph, step.fs));
    const Gate::Opened opened(parts_.gate);
    const Result<TreeRef> solved = Solve(definition);
    if (solved) {
      return {};
    }
    const Result<TreeRef> left = parts_.site->LeftByFailure(solved.error(), definition);
    if (!left) {
      Warning(step.name.target, fmt::format("after the failure: {}", left.error().message()));
    } else if (*left != nullptr) {
      for (const sema::earthfile::TryStep::File& file : step.files) {
        sema::earthfile::ArtifactOutput artifact;
        artifact.source = file.source;
        artifact.destination = file.destination;
        artifact.if_exists = file.if_exists;
        artifact.target = step.name.target;
        artifact.artifact = step.name.target + (file.source.starts_with('/') ? "" : "/") + file.source;
        if (const Result<> saved = SaveLeft(*left, artifact); !saved) {
          Warning(step.name.target, fmt::format("after the failure: {}", saved.error().message()));
        }
      }
    }
    return Unexpected(solved.error());
  }

  Result<ir::Value> ImageLayout(ir::Graph& graph, const sema::earthfile::DaemonImage& image) override {
    const llb::Definition definition = LOAM_TRY(Emit(graph, image.fs));
    const std::string directory = fmt::format("{}/{}", parts_.staging_directory, next_import_.fetch_add(1));
    {
      const Gate::Opened opened(parts_.gate);
      const TreeRef tree = LOAM_TRY(Solve(definition));
      LOAM_TRY(WriteImageLayout(*parts_.site, image, tree, directory, stop_));
    }
    return graph.Add<ir::OpKind::kSourceLocal>({}, {.identifier = directory, .attrs = {}});
  }

  Result<> LoadIntoDocker(ir::Graph& graph, std::span<const sema::earthfile::DaemonImage> images) override {
    std::vector<llb::Definition> definitions;
    std::vector<std::string_view> bytes;
    for (const sema::earthfile::DaemonImage& image : images) {
      definitions.push_back(LOAM_TRY(Emit(graph, image.fs)));
    }
    for (const llb::Definition& definition : definitions) {
      bytes.emplace_back(definition.bytes);
    }
    const std::string host = LOAM_TRY(Result<std::string>(parts_.docker_host));
    const Gate::Opened opened(parts_.gate);
    const std::vector<TreeRef> trees = LOAM_TRY(parts_.site->BuildAll(bytes, stop_));
    for (std::size_t i = 0; i < images.size(); ++i) {
      engine::ExportRequest request;
      request.type = "docker-load";
      request.attributes = {{"host", host}, {"name", images[i].name}, {"compression", "uncompressed"}};
      const SiteImage image{images[i].platform_id, trees[i], images[i].config};
      LOAM_TRY(parts_.site->Export(std::span(&image, 1), request, stop_));
    }
    return {};
  }

  Result<> RunInteractive(ir::Graph& graph, const sema::earthfile::InteractiveStep& step) override {
    if (parts_.terminal == nullptr) {
      return Unexpected(Error(ErrorCode::kFailedPrecondition, "an interactive step needs a terminal, and there is none")
                            .WithHint("run the build in a terminal, with its standard input and error on it"));
    }
    const llb::Definition definition = LOAM_TRY(Emit(graph, step.fs));
    const Gate::Opened opened(parts_.gate);
    return parts_.site->RunOnTerminal(definition, step.keep, parts_.terminal, stop_);
  }

  void Notice(std::string_view target, std::string_view text) override {
    if (parts_.messages.notice) {
      parts_.messages.notice(target, text);
    }
  }
  void Warning(std::string_view target, std::string_view text) override {
    if (parts_.messages.warning) {
      parts_.messages.warning(target, text);
    }
  }

  Result<bool> WasBuilt(std::string_view target, std::string_view hash) override {
    return parts_.auto_skip == nullptr ? Result<bool>(false) : parts_.auto_skip->Contains(target, hash);
  }
  Result<> RecordBuilt(std::string_view target, std::string_view hash) override {
    return parts_.auto_skip == nullptr ? Result<>() : parts_.auto_skip->Add(target, hash);
  }

 private:
  Result<> SaveLeft(const TreeRef& left, const sema::earthfile::ArtifactOutput& artifact) {
    if (left->is_scratch()) {
      return parts_.outputs->Save(left, artifact, stop_);
    }
    return parts_.outputs->Save(LOAM_TRY(parts_.site->MountLeft(left, artifact.source, stop_)), artifact);
  }

  static std::string Below(const std::string& directory, const std::string& path) {
    return directory + (path.starts_with('/') ? "" : "/") + path;
  }

  Result<llb::Definition> Emit(const ir::Graph& graph, ir::Value value) {
    llb::Definition definition = LOAM_TRY(llb::Emit(graph, value));
    parts_.steps->Add(graph, definition);
    return definition;
  }

  Result<TreeRef> Solve(const llb::Definition& definition) {
    const std::string_view bytes = definition.bytes;
    return LOAM_TRY(parts_.site->BuildAll(std::span(&bytes, 1), stop_)).front();
  }

  Result<> InStep(const StepName& name, bool raw, const std::function<Result<>(solver::ProgressWriter&)>& body) {
    const std::string shown = name.target + " | " + name.command;
    Step step;
    step.target = name.target;
    step.command = name.command;
    step.place = name.place;
    step.raw = raw;
    step.local = true;
    if (name.number != 0) {
      step.commands.push_back(name.number);
    }
    parts_.steps->AddNamed(shown, std::move(step));
    return parts_.site->Step(shown, body);
  }

  const EffectsParts parts_;
  const std::stop_token stop_;
  std::atomic<std::uint64_t> next_import_{0};
};

}  // namespace

std::unique_ptr<sema::earthfile::EffectsHost> MakeEffectsHost(EffectsParts parts, std::stop_token stop) {
  return std::make_unique<MachineEffects>(std::move(parts), std::move(stop));
}

}  // namespace loam::gateway::earthfile
