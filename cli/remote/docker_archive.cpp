#include "cli/remote/docker_archive.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/file_system.h"
#include "runtime-executor/exporter/docker-load/docker_daemon.h"

namespace loam::cli {

Result<> LoadDockerArchive(const std::string& host, const std::string& archive, const std::stop_token& stop) {
  const auto daemon = LOAM_TRY(exporter::DockerDaemon::At(host));
  const UniqueFd file = LOAM_TRY(OpenFile(archive, O_RDONLY));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) {
    return UnexpectedErrno("stat the image's archive");
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const auto write = [&](content::ByteSink& sink) { return sink.WriteFromFile(file.get(), 0, size, archive); };
  const exporter::DaemonAnswer answer = LOAM_TRY(daemon.PostTar("/images/load?quiet=1", write, stop));
  if (answer.status != 200 || answer.body.find("\"error\"") != std::string::npos) {
    return Unexpected(ErrorCode::kUnknown, fmt::format("the Docker daemon refused the image: {}", answer.body));
  }
  return {};
}

}  // namespace loam::cli
