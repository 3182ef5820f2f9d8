// Git bundles: a history in one file, fetched as a blob instead of from the remote, or written instead of files.
#pragma once

#include <stop_token>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/source/git/git_cli.h"
#include "runtime-executor/source/git/git_mirror.h"
#include "runtime-executor/source/git/git_tree.h"
#include "runtime-executor/source/source.h"

namespace loam::source {

// The file of a checkout as bundle.
inline constexpr const char* kBundleFile = "bundle";

// A bundle that was fetched and unpacked into a repository of its own.
struct StagedBundle {
  TempDir directory;
  // "file://…": a remote with the refs of the bundle.
  std::string url;
};

// kNotFound if the bundle has not the commit that `request.checksum` names; `git` may read files.
Result<StagedBundle> StageBundle(const GitTreeRequest& request, registry::RegistryClient& registry,
                                 const std::string& tmp_dir, SourceContext& context);

// Writes the whole history of the target, from the remote ("origin" of the cli's configuration), as a bundle into a
// directory below `scratch`, which it gives. The bundle has one ref, named as the remote names it; a commit that was
// asked for by its id is "refs/heads/main".
Result<std::string> WriteBundle(const GitCli& remote, const GitTarget& target, bool exact, const std::string& scratch,
                                solver::ProgressWriter* progress, std::stop_token stop);

}  // namespace loam::source
