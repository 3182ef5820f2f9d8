// The git source: `git://host/path#ref:subdir`, fetched by the git program into bare mirrors under the state root that
// all builds and processes share.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/source/git/git_tree.h"
#include "runtime-executor/source/source.h"
#include "runtime-executor/source/source_index.h"

namespace loam::source {

// Pointers are kept and must outlive the source.
struct GitSourceOptions {
  // `<root>/git`: the mirrors. Made when it is first needed.
  std::string mirrors_dir;
  // For checkouts on their way to a layer: on the file system of the layers.
  std::string tmp_dir;
  snapshot::LayerStore* layers = nullptr;
  SourceIndex* index = nullptr;
  // For bundles; null: there are none.
  registry::RegistryClient* registry = nullptr;
  // Also take repositories of this machine (`file:///path`, for tests).
  bool allow_file = false;
  // What git runs as ssh for an address, where the client is this machine's user; may be empty, and may give "".
  std::function<std::string(const std::string& remote)> ssh_command = {};
};

// Thread-safe.
class GitSource : public Source {
 public:
  // Errors: kInvalidArgument for a remote or ref that is none, kNotFound for a repository or ref that does not exist,
  // kUnauthenticated when the server wants credentials, kFailedPrecondition for another commit than `checksum` and when
  // there is no git program, kDeadlineExceeded, kUnavailable. No message holds credentials.
  virtual Result<GitTree> FetchTree(const GitTreeRequest& request, SourceContext& context) = 0;
};

std::unique_ptr<GitSource> MakeGitSource(GitSourceOptions options);

}  // namespace loam::source
