// Image references: "alpine" -> docker.io/library/alpine:latest, by the grammar of distribution/reference.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace loam::sema {

struct ImageReference {
  std::string domain;
  std::string path;
  std::string tag;
  std::string digest;  // "sha256:…"

  // domain/path[:tag][@digest]
  [[nodiscard]] std::string ToString() const;
  // The same with ":latest" if there is neither tag nor digest.
  [[nodiscard]] std::string ToStringWithTag() const;
  // Without the default domain and the "library/" of official images: "alpine:3.20".
  [[nodiscard]] std::string Familiar() const;
};

// Reads and normalises a reference. kInvalidArgument says what is wrong with it.
Result<ImageReference> ParseImageReference(std::string_view text);

}  // namespace loam::sema
