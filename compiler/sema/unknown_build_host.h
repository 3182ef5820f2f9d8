// UnknownBuildHost: knows nothing; for lint and editors.
#pragma once

#include "compiler/sema/build_host.h"

namespace loam::sema {

// Every answer is kUnimplemented, except that there are no files to ignore.
class UnknownBuildHost : public BuildHost {
 public:
  [[nodiscard]] bool AnswersAtOnce() const override { return true; }
  Result<ImageMetadata> ResolveImage(const ImageQuery& query) override;
  Result<> Evaluate(ir::Graph& graph, ir::Value fs) override;
  Result<std::string> ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path, std::uint64_t limit) override;
  Result<FileStat> StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) override;
  Result<std::vector<FileStat>> ListDirectory(ir::Graph& graph, ir::Value fs, std::string_view path) override;
  Result<ProcessResult> Run(ir::Graph& graph, ir::Value capture) override;
  Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) override;
  Result<RemoteProject> FetchProject(ir::Graph& graph, std::string_view reference) override;
  Result<std::string> ReadContextFile(std::string_view name, std::string_view path) override;
  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override;
};

}  // namespace loam::sema
