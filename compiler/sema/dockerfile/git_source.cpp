#include "compiler/sema/dockerfile/git_source.h"

#include <vector>

#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {

ir::Value AddGitSource(ir::Graph& graph, const GitReference& git) {
  // The same for every protocol, so that ssh and https share the cache.
  std::string id = git.host + JoinPath("/", git.path);
  if (!git.ref.empty() || !git.subdir.empty()) {
    id += "#" + git.ref;
    if (!git.subdir.empty()) {
      id += ":" + git.subdir;
    }
  }
  std::vector<ir::KeyValue> attrs;
  attrs.push_back({"git.authheadersecret", "GIT_AUTH_HEADER"});
  attrs.push_back({"git.authtokensecret", "GIT_AUTH_TOKEN"});
  if (!git.checksum.empty()) {
    attrs.push_back({"git.checksum", git.checksum});
  }
  if (git.fetch_by_commit) {
    attrs.push_back({"git.fetchbycommit", "true"});
  }
  attrs.push_back({"git.fullurl", git.remote});
  if (git.keep_git_dir.value_or(false)) {
    attrs.push_back({"git.keepgitdir", "true"});
  }
  if (git.scheme == "ssh") {
    attrs.push_back({"git.mountsshsock", "default"});
  }
  if (!git.mtime.empty()) {
    attrs.push_back({"git.mtime", git.mtime});
  }
  if (!git.submodules.value_or(true)) {
    attrs.push_back({"git.skipsubmodules", "true"});
  }
  return graph.Add<ir::OpKind::kSourceGit>({}, {id, attrs});
}

}  // namespace loam::sema
