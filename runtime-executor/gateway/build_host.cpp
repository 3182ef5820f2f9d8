#include "runtime-executor/gateway/build_host.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/go_file_mode.h"
#include "base/rooted_fs.h"
#include "base/strings.h"
#include "compiler/passes/lower_capture.h"
#include "llb-emit/emit.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/file_source.h"

namespace loam::gateway {
namespace {

// For did-you-mean: nobody needs more names than this.
constexpr std::size_t kMaxListedFiles = 100'000;

constexpr std::uint64_t kMaxFile = 64ULL << 20;

std::string Joined(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

sema::FileStat StatOf(const snapshot::TreeEntry& entry, std::string path) {
  return {.path = std::move(path),
          .mode = GoFileMode(entry.mode),
          .size = static_cast<std::int64_t>(entry.size),
          .modified_ns = entry.mtime.tv_sec * 1'000'000'000 + entry.mtime.tv_nsec,
          .is_directory = entry.is_dir()};
}

// Reading files of a solved state; links never lead out of it.
class StateFiles {
 public:
  explicit StateFiles(const snapshot::MountedFs& mounted) : tree_(mounted) {}

  [[nodiscard]] Result<std::string> Read(std::string_view path, std::uint64_t limit) const {
    const auto [resolved, entry] = LOAM_TRY(Find(path));
    if (!entry.is_regular()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} is no regular file", path));
    }
    if (limit == 0 && entry.size > kMaxFile) {
      return Unexpected(ErrorCode::kResourceExhausted, fmt::format("{} is larger than 64 MiB", path));
    }
    const UniqueFd file = LOAM_TRY(tree_.Open(resolved, O_RDONLY));
    std::string text(limit == 0 ? entry.size : std::min<std::uint64_t>(limit, entry.size), '\0');
    text.resize(LOAM_TRY(ReadAt(file.get(), text, 0, path)));
    return text;
  }

  [[nodiscard]] Result<sema::FileStat> Stat(std::string_view path) const {
    const auto [resolved, entry] = LOAM_TRY(Find(path));
    return StatOf(entry, std::string(path));
  }

  [[nodiscard]] Result<std::vector<sema::FileStat>> List(std::string_view path) const {
    const auto [resolved, entry] = LOAM_TRY(Find(path));
    if (!entry.is_dir()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} is no directory", path));
    }
    std::vector<sema::FileStat> files;
    for (const std::string& name : LOAM_TRY(tree_.List(resolved))) {
      const auto child = LOAM_TRY(tree_.Lstat(Joined(resolved, name)));
      if (child) {  // a whiteout is listed, but is not there
        files.push_back(StatOf(*child, name));
      }
    }
    return files;
  }

 private:
  [[nodiscard]] Result<std::pair<std::string, snapshot::TreeEntry>> Find(std::string_view path) const {
    std::string resolved = LOAM_TRY(tree_.Resolve(path, true));
    auto entry = LOAM_TRY(tree_.Lstat(resolved));
    if (!entry) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("{}: no such file or directory", path));
    }
    return std::pair(std::move(resolved), std::move(*entry));
  }

  const ops::SourceTree tree_;
};

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
    const Blocking blocking(options_);
    engine::ResolvedImage image = LOAM_TRY(job_.ResolveImage(request, stop_));
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
    const Blocking blocking(options_);
    return job_.SourceTime(request, "[internal] resolve metadata of " + request.identifier, stop_);
  }
  Result<sema::RemoteProject> FetchProject(ir::Graph&, std::string_view) override {
    return Unexpected(ErrorCode::kUnimplemented, "projects cannot be fetched while compiling");
  }

  Result<std::vector<std::string>> ListContext(std::string_view name) override {
    const session::LocalDir directory = LOAM_TRY(Open(name));
    const UniqueFd root = LOAM_TRY(OpenFile(directory.path, O_RDONLY | O_DIRECTORY));
    std::vector<std::string> files;
    std::vector<std::string> pending{""};
    while (!pending.empty() && files.size() < kMaxListedFiles && !stop_.stop_requested()) {
      const std::string below = std::move(pending.back());
      pending.pop_back();
      const UniqueFd opened =
          LOAM_TRY(OpenFileAt(root.get(), below.empty() ? "." : below, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      for (const DirEntry& entry : LOAM_TRY(ReadDir(opened.get()))) {
        std::string path = Joined(below, entry.name);
        if (entry.type == DT_DIR) {
          pending.push_back(path);
        }
        files.push_back(std::move(path));
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  Result<std::string> ReadContextFile(std::string_view name, std::string_view path) override {
    const session::LocalDir directory = LOAM_TRY(Open(name));
    const UniqueFd root = LOAM_TRY(OpenFile(directory.path, O_RDONLY | O_DIRECTORY));
    return ReadFileInRoot(root.get(), path);
  }

  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override {
    return ReadContextFile("dockerfile", path);
  }

 private:
  // While it lives, the owner of the graph may go on.
  class Blocking {
   public:
    explicit Blocking(const BuildHostOptions& options) : options_(options) {
      if (options_.before_blocking) {
        options_.before_blocking();
      }
    }
    ~Blocking() {
      if (options_.after_blocking) {
        options_.after_blocking();
      }
    }
    Blocking(const Blocking&) = delete;
    Blocking& operator=(const Blocking&) = delete;

   private:
    const BuildHostOptions& options_;
  };

  // What is solved is what the graph says now: the definition is written before anything blocks.
  Result<snapshot::FsRef> Solve(ir::Graph& graph, ir::Value fs) {
    const llb::Definition definition = LOAM_TRY(llb::Emit(graph, fs));
    const Blocking blocking(options_);
    return SolveDefinition(definition);
  }

  Result<snapshot::FsRef> SolveDefinition(const llb::Definition& definition) {
    const std::string_view bytes = definition.bytes;
    return LOAM_TRY(job_.SolveAll(std::span(&bytes, 1), stop_)).front();
  }

  template <class T>
  Result<T> InState(ir::Graph& graph, ir::Value fs, const std::function<Result<T>(const StateFiles&)>& read) {
    const llb::Definition definition = LOAM_TRY(llb::Emit(graph, fs));
    const Blocking blocking(options_);
    const snapshot::FsRef solved = LOAM_TRY(SolveDefinition(definition));
    if (solved.is_scratch()) {
      return Unexpected(ErrorCode::kNotFound, "the filesystem is empty");
    }
    const snapshot::MountedFs mounted = LOAM_TRY(job_.Mount(solved, stop_));
    return read(StateFiles(mounted));
  }

  Result<session::LocalDir> Open(std::string_view name) {
    session::LocalDirRequest request;
    request.name = name;
    return client_.local_dirs()->Open(request, stop_);
  }

  engine::Job& job_;
  session::ClientServices& client_;
  const std::stop_token stop_;
  const BuildHostOptions options_;
};

}  // namespace

std::unique_ptr<sema::BuildHost> MakeBuildHost(engine::Job& job, session::ClientServices& client, std::stop_token stop,
                                               BuildHostOptions options) {
  return std::make_unique<EngineBuildHost>(job, client, std::move(stop), std::move(options));
}

}  // namespace loam::gateway
