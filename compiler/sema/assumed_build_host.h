// AssumedBuildHost: knows nothing either, but gives an answer to everything, always the same to the same question: for
// comparing what two texts of one file make, where only the difference matters.
#pragma once

#include "compiler/sema/build_host.h"

namespace loam::sema {

class AssumedBuildHost : public BuildHost {
 public:
  // What processes end with, and what they print.
  explicit AssumedBuildHost(std::int64_t exit_code = 0, std::string output = "assumed\n")
      : exit_code_(exit_code), output_(std::move(output)) {}

  [[nodiscard]] bool AnswersAtOnce() const override { return true; }
  // Every image exists, on every platform; digest and config are made from the name.
  Result<ImageMetadata> ResolveImage(const ImageQuery& query) override;
  Result<> Evaluate(ir::Graph& graph, ir::Value fs) override;
  // No file exists.
  Result<std::string> ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path, std::uint64_t limit) override;
  Result<FileStat> StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) override;
  Result<std::vector<FileStat>> ListDirectory(ir::Graph& graph, ir::Value fs, std::string_view path) override;
  Result<ProcessResult> Run(ir::Graph& graph, ir::Value capture) override;
  Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) override;
  Result<RemoteProject> FetchProject(ir::Graph& graph, std::string_view reference) override;
  Result<std::string> ReadContextFile(std::string_view name, std::string_view path) override;
  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override;

 private:
  std::int64_t exit_code_;
  std::string output_;
};

}  // namespace loam::sema
