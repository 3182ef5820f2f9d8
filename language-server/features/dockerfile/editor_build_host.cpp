#include "language-server/features/dockerfile/editor_build_host.h"

#include <fmt/format.h>

namespace loam::lsp {

Result<sema::ImageMetadata> EditorBuildHost::ResolveImage(const sema::ImageQuery& image) {
  const auto facts = query_.store.FindImage(image.ref);
  if (!facts || facts->config.empty()) {
    // Without a digest: making one up would load a library that an editor needs for nothing else.
    return sema::ImageMetadata{
        std::string(image.ref),
        {},
        fmt::format(R"({{"os":"{}","architecture":"{}","config":{{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"]}},)"
                    R"("rootfs":{{"type":"layers","diff_ids":["sha256:{:0>64}"]}}}})",
                    image.platform.os, image.platform.architecture, 0)};
  }
  return sema::ImageMetadata{std::string(image.ref), facts->digest, facts->config};
}

Result<std::string> EditorBuildHost::ReadContextFile(std::string_view, std::string_view path) {
  return Read(path);
}

Result<std::string> EditorBuildHost::ReadDockerfileNeighbour(std::string_view path) {
  return Read(path);
}

Result<std::string> EditorBuildHost::Read(std::string_view path) {
  const std::string folder = query_.document.Folder();
  auto text = folder.empty() ? std::nullopt : query_.workspace.ReadText(fmt::format("{}/{}", folder, path));
  if (!text) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("no file `{}`", path));
  }
  return std::move(*text);
}

}  // namespace loam::lsp
