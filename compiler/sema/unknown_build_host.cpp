#include "compiler/sema/unknown_build_host.h"

#include <fmt/format.h>

namespace loam::sema {
namespace {

tl::unexpected<Error> Unknown(std::string_view what) {
  return Unexpected(ErrorCode::kUnimplemented, fmt::format("{} cannot be known without a build", what));
}

}  // namespace

Result<ImageMetadata> UnknownBuildHost::ResolveImage(const ImageQuery& query) {
  return Unknown(fmt::format("the config of `{}`", query.ref));
}
Result<> UnknownBuildHost::Evaluate(ir::Graph&, ir::Value) {
  return Unknown("whether it can be built");
}
Result<std::string> UnknownBuildHost::ReadFile(ir::Graph&, ir::Value, std::string_view path, std::uint64_t) {
  return Unknown(fmt::format("the file `{}`", path));
}
Result<FileStat> UnknownBuildHost::StatFile(ir::Graph&, ir::Value, std::string_view path) {
  return Unknown(fmt::format("the file `{}`", path));
}
Result<std::vector<FileStat>> UnknownBuildHost::ListDirectory(ir::Graph&, ir::Value, std::string_view path) {
  return Unknown(fmt::format("the directory `{}`", path));
}
Result<ProcessResult> UnknownBuildHost::Run(ir::Graph&, ir::Value) {
  return Unknown("what the command prints");
}
Result<std::optional<std::int64_t>> UnknownBuildHost::SourceTime(ir::Graph&, ir::Value) {
  return Unknown("the time of the source");
}
Result<RemoteProject> UnknownBuildHost::FetchProject(ir::Graph&, std::string_view reference) {
  return Unknown(fmt::format("the project `{}`", reference));
}
Result<std::string> UnknownBuildHost::ReadContextFile(std::string_view, std::string_view path) {
  return Unexpected(ErrorCode::kNotFound, fmt::format("no file `{}`", path));
}
Result<std::string> UnknownBuildHost::ReadDockerfileNeighbour(std::string_view path) {
  return Unexpected(ErrorCode::kNotFound, fmt::format("no file `{}`", path));
}

}  // namespace loam::sema
