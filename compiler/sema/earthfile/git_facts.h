// What git says of a work tree.
#pragma once

#include <optional>
#include <string>

#include "compiler/sema/earthfile/builtin_args.h"

namespace loam::sema::earthfile {

// Of the repository that `directory` is in; nullopt if it is in none, or if there is no git. relative_directory is not
// set here. `branch` overrides the branch.
Result<std::optional<GitFacts>> ReadGitFacts(const std::string& directory, const std::string& branch);
// The top of the work tree and the path of `directory` in it; nullopt outside of a repository.
Result<std::optional<std::pair<std::string, std::string>>> FindGitTop(const std::string& directory);
// Where git looks first: the nearest of `directory` and the directories above it, on the same file system, that has a
// `.git`; resolved, without links. No process is started. "" if there is none, and nullopt if that cannot be told,
// because the environment tells git where to look.
std::optional<std::string> NearestGitEntry(const std::string& directory);
// Fields of one commit of the repository at `git_directory` (a work tree or a bare repository); empty ones if there is
// no such commit.
Result<GitFacts> ReadCommitFacts(const std::string& git_directory, const std::string& commit);

}  // namespace loam::sema::earthfile
