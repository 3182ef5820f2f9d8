#include "runtime-executor/gateway/build_host.h"

#include <dirent.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"

namespace loam::gateway {
namespace {

// For did-you-mean: nobody needs more names than this.
constexpr std::size_t kMaxListedFiles = 100'000;

// What the Dockerfile frontend asks of a host is implemented; running states while compiling is what Earthfiles need.
tl::unexpected<Error> CannotEvaluate(std::string_view what) {
  return Unexpected(ErrorCode::kUnimplemented,
                    fmt::format("this build host cannot {} while a build file is compiled", what));
}

std::string Joined(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

class EngineBuildHost final : public sema::BuildHost {
 public:
  EngineBuildHost(engine::Job& job, session::ClientServices& client, std::stop_token stop)
      : job_(job), client_(client), stop_(std::move(stop)) {}

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
    engine::ResolvedImage image = LOAM_TRY(job_.ResolveImage(request, stop_));
    return sema::ImageMetadata{std::string(query.ref), std::move(image.digest), std::move(image.config)};
  }

  Result<> Evaluate(ir::Graph&, ir::Value) override { return CannotEvaluate("build a state"); }
  Result<std::string> ReadFile(ir::Graph&, ir::Value, std::string_view, std::uint64_t) override {
    return CannotEvaluate("read a file of a state");
  }
  Result<sema::FileStat> StatFile(ir::Graph&, ir::Value, std::string_view) override {
    return CannotEvaluate("look at a file of a state");
  }
  Result<std::vector<sema::FileStat>> ListDirectory(ir::Graph&, ir::Value, std::string_view) override {
    return CannotEvaluate("list a directory of a state");
  }
  Result<sema::ProcessResult> Run(ir::Graph&, ir::Value) override { return CannotEvaluate("run a process"); }
  Result<std::optional<std::int64_t>> SourceTime(ir::Graph&, ir::Value) override {
    return CannotEvaluate("find the time of a source");
  }
  Result<sema::RemoteProject> FetchProject(ir::Graph&, std::string_view) override {
    return CannotEvaluate("fetch a project");
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
  Result<session::LocalDir> Open(std::string_view name) {
    session::LocalDirRequest request;
    request.name = name;
    return client_.local_dirs()->Open(request, stop_);
  }

  engine::Job& job_;
  session::ClientServices& client_;
  const std::stop_token stop_;
};

}  // namespace

std::unique_ptr<sema::BuildHost> MakeBuildHost(engine::Job& job, session::ClientServices& client,
                                               const DockerfileBuildRequest&, std::stop_token stop) {
  return std::make_unique<EngineBuildHost>(job, client, std::move(stop));
}

}  // namespace loam::gateway
