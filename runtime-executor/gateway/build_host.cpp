#include "runtime-executor/gateway/build_host.h"

#include <fcntl.h>

#include <charconv>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "base/strings.h"
#include "compiler/passes/lower_capture.h"
#include "llb-emit/emit.h"
#include "llb-emit/import.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/gateway/state_files.h"
#include "runtime-executor/solver/transfer_status.h"

namespace loam::gateway {
namespace {

constexpr std::string_view kIgnoreSuffix = ".dockerignore";

class EngineBuildHost final : public sema::BuildHost {
 public:
  EngineBuildHost(engine::Job& job, session::ClientServices& client, std::stop_token stop, BuildHostOptions options)
      : job_(job), client_(client), stop_(std::move(stop)), options_(std::move(options)) {}

  Result<sema::ImageMetadata> ResolveImage(const sema::ImageQuery& query) override {
    engine::ImageRequest request;
    request.ref = query.ref;
    const ir::Platform& platform = query.platform;
    if (!platform.os.empty()) {
      request.platform = Platform{std::string(platform.os),
                                  std::string(platform.architecture),
                                  std::string(platform.variant),
                                  std::string(platform.os_version),
                                  {platform.os_features.begin(), platform.os_features.end()}};
    }
    request.resolve_mode = query.resolve_mode;
    request.log_name = query.log_name;
    if (query.oci_store) {
      request.oci_store_id = query.oci_store->store_id;
    }
    // The query's text may be of a graph that grows meanwhile.
    std::string ref(query.ref);
    const sema::Blocking blocking(options_.blocking);
    Result<engine::ResolvedImage> resolved = job_.ResolveImage(request, stop_);
    if (!resolved) {
      const auto* const replaced = resolved.error().Detail<engine::ImageReplacedDetail>();
      if (replaced == nullptr) {
        return Unexpected(std::move(resolved).error());
      }
      auto detail = std::make_shared<const sema::ImageReplaced>(replaced->identifier);
      return Unexpected(std::move(resolved).error().WithDetail(std::move(detail)));
    }
    engine::ResolvedImage image = *std::move(resolved);
    return sema::ImageMetadata{std::move(ref), std::move(image.digest), std::move(image.config)};
  }

  Result<> Evaluate(ir::Graph& graph, ir::Value fs) override {
    LOAM_TRY(Solve(graph, fs));
    return {};
  }

  Result<std::string> ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path, std::uint64_t limit) override {
    return InState<std::string>(graph, fs, [&](const StateFiles& files) { return files.Read(path, limit); });
  }

  Result<sema::FileStat> StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) override {
    return InState<sema::FileStat>(graph, fs, [&](const StateFiles& files) { return files.Stat(path); });
  }

  Result<std::vector<sema::FileStat>> ListDirectory(ir::Graph& graph, ir::Value fs, std::string_view path) override {
    return InState<std::vector<sema::FileStat>>(graph, fs, [&](const StateFiles& files) { return files.List(path); });
  }

  Result<sema::ProcessResult> Run(ir::Graph& graph, ir::Value capture) override {
    const ir::Value lowered = passes::LowerCapture(graph, capture);
    return InState<sema::ProcessResult>(graph, lowered, [](const StateFiles& files) -> Result<sema::ProcessResult> {
      sema::ProcessResult result;
      const std::string code = LOAM_TRY(files.Read(passes::kCaptureExitCode, 0));
      const std::string_view digits = TrimSpace(code);
      const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), result.exit_code);
      if (failed != std::errc() || end != digits.data() + digits.size()) {
        return Unexpected(ErrorCode::kInternal, fmt::format("a command left no exit code but `{}`", digits));
      }
      result.standard_output = LOAM_TRY(files.Read(passes::kCaptureOutput, 0));
      return result;
    });
  }

  Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) override {
    const llb::Definition definition = LOAM_TRY(llb::Emit(graph, source));
    pb::Definition parsed;
    pb::Op op;
    if (!parsed.ParseFromString(definition.bytes) || parsed.def_size() == 0 || !op.ParseFromString(parsed.def(0)) ||
        !op.has_source()) {
      return Unexpected(ErrorCode::kInvalidArgument, "the time of something that is no source is asked for");
    }
    source::SourceRequest request;
    request.identifier = op.source().identifier();
    request.attributes.insert(op.source().attrs().begin(), op.source().attrs().end());
    const sema::Blocking blocking(options_.blocking);
    return job_.SourceTime(request, "[internal] resolve metadata of " + request.identifier, stop_);
  }
  Result<ir::Value> LoadInput(ir::Graph& graph, std::string_view name) override {
    const auto found = options_.inputs.find(std::string(name));
    if (found == options_.inputs.end()) {
      return BuildHost::LoadInput(graph, name);
    }
    return llb::ImportInput(graph, name, found->second);
  }

  Result<sema::RemoteProject> FetchProject(ir::Graph&, std::string_view) override {
    return Unexpected(ErrorCode::kUnimplemented, "projects cannot be fetched while compiling");
  }

  // Asks the client for this file and its ignore file, not for the directory they are in.
  Result<std::string> ReadContextFile(std::string_view name, std::string_view path) override {
    const std::string file(path);
    const std::string ignore = file + std::string(kIgnoreSuffix);
    const std::lock_guard lock(mutex_);
    const auto known = read_ahead_.find(fmt::format("{}/{}", name, file));
    if (known != read_ahead_.end()) {
      return known->second;
    }
    std::vector<std::string> paths{file};
    if (path.ends_with(kIgnoreSuffix)) {
      return ReadIgnoreFile(name, file);
    }
    paths.push_back(ignore);
    const session::LocalDir directory =
        LOAM_TRY(Open(name, paths, options_.reading_step ? options_.reading_step() : nullptr));
    const UniqueFd root = LOAM_TRY(OpenFile(directory.path, O_RDONLY | O_DIRECTORY));
    read_ahead_.emplace(fmt::format("{}/{}", name, ignore), ReadFileInRoot(root.get(), ignore));
    return ReadFileInRoot(root.get(), path);
  }

  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override {
    return ReadContextFile("dockerfile", path);
  }

 private:
  // A step of its own where it has to be transferred, as BuildKit shows it.
  Result<std::string> ReadIgnoreFile(std::string_view name, const std::string& path) {
    const auto read = [&](solver::ProgressWriter* writer) -> Result<std::string> {
      const session::LocalDir directory = LOAM_TRY(Open(name, {path}, writer));
      const UniqueFd root = LOAM_TRY(OpenFile(directory.path, O_RDONLY | O_DIRECTORY));
      return ReadFileInRoot(root.get(), path);
    };
    if (client_.uploads() == nullptr) {
      return read(nullptr);
    }
    Result<std::string> text = std::string();
    LOAM_TRY(job_.Step("[internal] load " + path, [&](solver::ProgressWriter& writer) -> Result<> {
      text = read(&writer);
      // That there is none is no failure of the step.
      return text || text.error().Is(ErrorCode::kNotFound) ? Result<>() : Unexpected(text.error());
    }));
    return text;
  }

  // What is solved is what the graph says now: the definition is written before anything blocks.
  Result<snapshot::FsRef> Solve(ir::Graph& graph, ir::Value fs) {
    const llb::Definition definition = LOAM_TRY(Emit(graph, fs));
    const sema::Blocking blocking(options_.blocking);
    return SolveDefinition(definition);
  }

  Result<llb::Definition> Emit(const ir::Graph& graph, ir::Value fs) {
    llb::Definition definition = LOAM_TRY(llb::Emit(graph, fs));
    if (options_.on_definition) {
      options_.on_definition(graph, definition);
    }
    return definition;
  }

  Result<snapshot::FsRef> SolveDefinition(const llb::Definition& definition) {
    const std::string_view bytes = definition.bytes;
    return LOAM_TRY(job_.SolveAll(std::span(&bytes, 1), stop_)).front();
  }

  template <class T>
  Result<T> InState(ir::Graph& graph, ir::Value fs, const std::function<Result<T>(const StateFiles&)>& read) {
    const llb::Definition definition = LOAM_TRY(Emit(graph, fs));
    const sema::Blocking blocking(options_.blocking);
    const snapshot::FsRef solved = LOAM_TRY(SolveDefinition(definition));
    if (solved.is_scratch() && job_.is_plan()) {
      return Unexpected(ErrorCode::kFailedPrecondition,
                        "the answer is known only after steps have run that are not in the cache");
    }
    if (solved.is_scratch()) {
      return Unexpected(ErrorCode::kNotFound, "the filesystem is empty");
    }
    const snapshot::MountedFs mounted = LOAM_TRY(job_.Mount(solved, stop_));
    return read(StateFiles(mounted));
  }

  // Of a remote client only `paths` come, and what they link to; all of it for none.
  Result<session::LocalDir> Open(std::string_view name, std::vector<std::string> paths,
                                 solver::ProgressWriter* writer = nullptr) {
    session::LocalDirRequest request;
    request.name = name;
    // Apart from the build context, which would otherwise be cut down to these files.
    request.shared_key_hint = paths.empty() ? std::string() : fmt::format("{}/{}", request.name, paths.front());
    request.follow_paths = std::move(paths);
    if (const auto other = options_.local_sessions.find(request.name); other != options_.local_sessions.end()) {
      request.session_id = other->second;
    }
    if (options_.on_local) {
      options_.on_local(name);
    }
    solver::TransferStatus status(fmt::format("transferring {}:", name), "transferring", writer);
    request.progress = status.Callback();
    session::LocalDir directory = LOAM_TRY(client_.local_dirs()->Open(request, stop_));
    status.CompleteIfAny();
    return directory;
  }

  engine::Job& job_;
  session::ClientServices& client_;
  const std::stop_token stop_;
  const BuildHostOptions options_;
  std::mutex mutex_;                                       // guards read_ahead_
  std::map<std::string, Result<std::string>> read_ahead_;  // ignore files, by directory and path
};

}  // namespace

std::unique_ptr<sema::BuildHost> MakeBuildHost(engine::Job& job, session::ClientServices& client, std::stop_token stop,
                                               BuildHostOptions options) {
  return std::make_unique<EngineBuildHost>(job, client, std::move(stop), std::move(options));
}

}  // namespace loam::gateway
