#include "compiler/sema/assumed_build_host.h"

#include <fmt/format.h>

#include "base/digest.h"

namespace loam::sema {
namespace {

tl::unexpected<Error> NoSuchFile(std::string_view path) {
  return Unexpected(ErrorCode::kNotFound, fmt::format("`{}`: no such file", path));
}

}  // namespace

Result<ImageMetadata> AssumedBuildHost::ResolveImage(const ImageQuery& query) {
  ImageMetadata image;
  image.digest = Digest::Of(fmt::format("{} {}/{}/{}", query.ref, query.platform.os, query.platform.architecture,
                                        query.platform.variant))
                     .ToString();
  image.config = fmt::format(
      R"({{"architecture":"{}","os":"{}","config":{{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"Cmd":["/bin/sh"],)"
      R"("Labels":{{"assumed":"{}"}}}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}})",
      query.platform.architecture, query.platform.os, image.digest, image.digest);
  return image;
}
Result<> AssumedBuildHost::Evaluate(ir::Graph&, ir::Value) {
  return {};
}
Result<std::string> AssumedBuildHost::ReadFile(ir::Graph&, ir::Value, std::string_view path, std::uint64_t) {
  return NoSuchFile(path);
}
Result<FileStat> AssumedBuildHost::StatFile(ir::Graph&, ir::Value, std::string_view path) {
  return NoSuchFile(path);
}
Result<std::vector<FileStat>> AssumedBuildHost::ListDirectory(ir::Graph&, ir::Value, std::string_view) {
  return std::vector<FileStat>();
}
Result<ProcessResult> AssumedBuildHost::Run(ir::Graph&, ir::Value) {
  return ProcessResult{exit_code_, output_};
}
Result<std::optional<std::int64_t>> AssumedBuildHost::SourceTime(ir::Graph&, ir::Value) {
  return std::optional<std::int64_t>();
}
Result<RemoteProject> AssumedBuildHost::FetchProject(ir::Graph&, std::string_view reference) {
  return Unexpected(ErrorCode::kUnimplemented, fmt::format("`{}` is not fetched", reference));
}
Result<std::string> AssumedBuildHost::ReadContextFile(std::string_view, std::string_view path) {
  return NoSuchFile(path);
}
Result<std::string> AssumedBuildHost::ReadDockerfileNeighbour(std::string_view path) {
  return NoSuchFile(path);
}

}  // namespace loam::sema
