// JsonBuildHost: answers from recorded facts, for offline compiles and tests.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "compiler/sema/unknown_build_host.h"

namespace loam::sema {

class JsonBuildHost : public UnknownBuildHost {
 public:
  // {"docker.io/library/alpine:latest": {"digest": "sha256:…", "config": {…}}, …}; `config` may also be a string.
  static Result<JsonBuildHost> Parse(std::string_view json);

  void AddImage(std::string ref, std::string digest, std::string config);
  // An image is also found by its name and digest. kNotFound for one that was not recorded.
  Result<ImageMetadata> ResolveImage(const ImageQuery& query) override;

 private:
  struct Image {
    std::string digest;
    std::string config;
  };
  std::map<std::string, Image, std::less<>> images_;
};

}  // namespace loam::sema
