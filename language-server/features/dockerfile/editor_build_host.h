// EditorBuildHost: what an editor knows of the world while it compiles: ignore files beside the Dockerfile, and images
// of the local store.
#pragma once

#include "compiler/sema/assumed_build_host.h"
#include "language-server/features/query.h"

namespace loam::lsp {

// The context is the folder of the document. One compilation.
class EditorBuildHost : public sema::AssumedBuildHost {
 public:
  // `query` outlives it.
  explicit EditorBuildHost(const Query& query) : query_(query) {}

  Result<sema::ImageMetadata> ResolveImage(const sema::ImageQuery& image) override;
  Result<std::string> ReadContextFile(std::string_view name, std::string_view path) override;
  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override;

 private:
  Result<std::string> Read(std::string_view path);
  const Query& query_;
};

}  // namespace loam::lsp
