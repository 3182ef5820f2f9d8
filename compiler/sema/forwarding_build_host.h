// A host that asks another one; what a subclass does not override goes through unchanged.
#pragma once

#include "compiler/sema/build_host.h"

namespace loam::sema {

class ForwardingBuildHost : public BuildHost {
 public:
  // `host` outlives it.
  explicit ForwardingBuildHost(BuildHost& host) : host_(host) {}

  [[nodiscard]] bool AnswersAtOnce() const override { return host_.AnswersAtOnce(); }
  Result<ImageMetadata> ResolveImage(const ImageQuery& query) override { return host_.ResolveImage(query); }
  Result<> Evaluate(ir::Graph& graph, ir::Value fs) override { return host_.Evaluate(graph, fs); }
  Result<std::string> ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path, std::uint64_t limit) override {
    return host_.ReadFile(graph, fs, path, limit);
  }
  Result<FileStat> StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) override {
    return host_.StatFile(graph, fs, path);
  }
  Result<std::vector<FileStat>> ListDirectory(ir::Graph& graph, ir::Value fs, std::string_view path) override {
    return host_.ListDirectory(graph, fs, path);
  }
  Result<ProcessResult> Run(ir::Graph& graph, ir::Value capture) override { return host_.Run(graph, capture); }
  Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) override {
    return host_.SourceTime(graph, source);
  }
  Result<ir::Value> LoadInput(ir::Graph& graph, std::string_view name) override { return host_.LoadInput(graph, name); }
  Result<RemoteProject> FetchProject(ir::Graph& graph, std::string_view reference) override {
    return host_.FetchProject(graph, reference);
  }
  Result<std::string> ReadContextFile(std::string_view name, std::string_view path) override {
    return host_.ReadContextFile(name, path);
  }
  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override {
    return host_.ReadDockerfileNeighbour(path);
  }

 protected:
  [[nodiscard]] BuildHost& host() { return host_; }

 private:
  BuildHost& host_;
};

}  // namespace loam::sema
