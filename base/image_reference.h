// Image references: "alpine" -> docker.io/library/alpine:latest, by the grammar of github.com/distribution/reference.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace loam {

struct ImageReference {
  // "docker.io", "localhost:5000", "[::1]:5000"
  std::string domain;
  // "library/alpine"
  std::string path;
  // At least one of the two after WithDefaultTag.
  std::string tag;
  std::string digest;  // "sha256:…"

  // domain/path
  [[nodiscard]] std::string Name() const;
  // domain/path[:tag][@digest]
  [[nodiscard]] std::string ToString() const;
  // Without the default domain and the "library/" of official images: "alpine:3.20".
  [[nodiscard]] std::string Familiar() const;
  // With ":latest" if there is neither tag nor digest.
  [[nodiscard]] ImageReference WithDefaultTag() const;
  friend bool operator==(const ImageReference&, const ImageReference&) = default;
};

// Reads and normalises a reference: docker.io and library/ are filled in, the tag is not (WithDefaultTag).
// kInvalidArgument says what is wrong with it.
Result<ImageReference> ParseImageReference(std::string_view text);

}  // namespace loam
