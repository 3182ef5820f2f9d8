// StoreFacts: what the local store of Loam knows of images and builds. Implemented outside of the language server,
// which sees no engine; without a store every answer is "nothing known".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::lsp {

struct ImageFacts {
  std::string name;    // normalised: "docker.io/library/alpine:3.20"
  std::string digest;  // "sha256:…"
  std::vector<std::string> platforms;
  std::uint64_t size = 0;  // bytes of the blobs that are here
  std::string config;      // JSON of the image config of the host's platform; "" if it is not here
};

// One step of the last build of a Dockerfile or target.
struct StepFacts {
  std::string name;  // "[build 2/5] RUN make"
  bool cached = false;
  bool ran = false;
  std::int64_t duration_ms = 0;
};

struct BuildFacts {
  std::string title;
  std::int64_t started_unix = 0;
  std::int64_t duration_ms = 0;
  std::string error;  // "" if it succeeded
  std::vector<StepFacts> steps;
};

// Called on one thread. Answers come from memory where they can: requests wait for them.
class StoreFacts {
 public:
  virtual ~StoreFacts() = default;
  // `name` in any spelling.
  virtual std::optional<ImageFacts> FindImage(std::string_view /*name*/) { return std::nullopt; }
  // Names of all images of the store, as one writes them ("alpine:3.20").
  virtual std::vector<std::string> ImageNames() { return {}; }
  // The last build of the file at `path`; `target` is a stage or target, "" the default.
  virtual std::optional<BuildFacts> LastBuild(std::string_view /*path*/, std::string_view /*target*/) {
    return std::nullopt;
  }
  // Where on this machine a remote project lies, if it was fetched before: the directory that
  // "github.com/org/repo/sub" at a branch, tag or commit ("": the default branch) names.
  virtual std::optional<std::string> ProjectDirectory(std::string_view /*git_path*/, std::string_view /*tag*/) {
    return std::nullopt;
  }
  // Whether a file is of such a project.
  virtual bool IsFetched(std::string_view /*path*/) { return false; }
  // What was remembered may be old: a build ran.
  virtual void Forget() {}
};

}  // namespace loam::lsp
