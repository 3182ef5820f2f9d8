// Source: where the leaves of a build graph come from. A SourceSet holds one Source per scheme; ops/source asks it
// for the SourceInstance of an LLB SourceOp, computes the cache key with Resolve and the filesystem with Fetch.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/platform.h"
#include "base/result.h"
#include "runtime-executor/session/client_services.h"
#include "runtime-executor/snapshot/fs_ref.h"
#include "runtime-executor/solver/cache_map.h"

namespace loam::solver {
class ProgressWriter;
}

namespace loam::source {

// A SourceOp, and the platform of its Op.
struct SourceRequest {
  std::string identifier;  // "docker-image://docker.io/library/alpine:latest", "local://context"
  std::map<std::string, std::string> attributes;
  std::optional<Platform> platform;  // nullopt: the host's
};

// The surroundings of a call.
struct SourceContext {
  // Not null; kept by results that need the client later (credentials of lazy layers).
  std::shared_ptr<session::ClientServices> client;
  // May be null.
  solver::ProgressWriter* progress = nullptr;
  std::stop_token stop;
};

struct SourceKey {
  // The keys of the source, as upstream computes them: the first from what it is pinned to, the last (most general)
  // from its content: for an image the chain id of its layers. The digest of the op's cache map is that of
  // "buildkit.source.v0:" + key. Not empty.
  std::vector<std::string> keys;
  // What it was pinned to: an image's manifest digest; empty if it cannot be pinned.
  std::string pin;
  solver::Preimage preimage;
  // The key says nothing about the content (a directory of the client): CacheMap::transient.
  bool transient = false;
};

// Facts of a source, for whoever decides about it.
struct SourceMeta {
  struct Git {
    // The object that the ref names: a commit, or an annotated tag.
    std::string checksum;
    std::string ref;  // "refs/heads/main"
    // The commit of an annotated tag; else empty.
    std::string commit_checksum;
    // As git stores them, if they were asked for.
    std::string commit_object;
    std::string tag_object;
  };
  struct Http {
    std::string checksum;
    std::string file_name;
    std::optional<std::int64_t> last_modified;
  };
  std::optional<Git> git;
  std::optional<Http> http;
};
struct SourceMetaRequest {
  bool git_objects = false;
};

// One source of one build. Calls never overlap.
class SourceInstance {
 public:
  virtual ~SourceInstance() = default;
  // May use the network; remembered.
  virtual Result<SourceKey> Resolve(SourceContext& context) = 0;
  // Calls Resolve if that was not done. Layers of images are lazy: nothing is downloaded yet.
  virtual Result<snapshot::FsRef> Fetch(SourceContext& context) = 0;
  // The time that stands for the source, in seconds since the epoch: the commit's of a git source, Last-Modified of an
  // HTTP one; nullopt if it has none.
  virtual Result<std::optional<std::int64_t>> Time(SourceContext&) { return std::optional<std::int64_t>(); }
  // Empty for a source of which nothing is known before it is used.
  virtual Result<SourceMeta> Meta(SourceContext&, const SourceMetaRequest&) { return SourceMeta(); }
};

// Thread-safe.
class Source {
 public:
  virtual ~Source() = default;
  // "docker-image", "local", …
  [[nodiscard]] virtual std::vector<std::string> Schemes() const = 0;
  // `reference` is what follows "scheme://". Only checks and parses. kInvalidArgument for an identifier or attribute
  // that is wrong.
  virtual Result<std::unique_ptr<SourceInstance>> Open(const SourceRequest& request, std::string_view reference) = 0;
  // Lets go of what it kept for builds that have ended.
  virtual void ForgetEndedJobs() {}
};

// (Not SourceManager: the compiler has one in this namespace.)
class SourceSet {
 public:
  void Register(std::unique_ptr<Source> source);
  // kInvalidArgument for an identifier without scheme, kUnimplemented for a scheme that no source has.
  Result<std::unique_ptr<SourceInstance>> Open(const SourceRequest& request) const;
  void ForgetEndedJobs();

 private:
  std::vector<std::unique_ptr<Source>> sources_;
  std::map<std::string, Source*, std::less<>> by_scheme_;
};

}  // namespace loam::source
