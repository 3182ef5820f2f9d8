// The git SourceOp's identifier and attributes as a request.
#pragma once

#include <string_view>

#include "base/result.h"
#include "runtime-executor/source/git/git_tree.h"
#include "runtime-executor/source/source.h"

namespace loam::source {

// `reference` is what follows "git://". kInvalidArgument for what git must not see (a ref that begins with `-`, an
// unknown transport), kUnimplemented for signatures.
Result<GitTreeRequest> ParseGitIdentifier(const SourceRequest& request, std::string_view reference, bool allow_file);

// A git identifier ("git://host/a.git#ref:dir") with its directory in one form: no `.` and `..`, no slash in front.
// Anything else is returned as it is.
std::string CanonicalGitIdentifier(const std::string& identifier);

// Checks remote, ref and checksum, which may come from anywhere.
Result<> CheckGitRequest(const GitTreeRequest& request, bool allow_file);

// "https", "ssh" (also for git@host:path), …; empty if `remote` is no address of a repository.
std::string GitTransport(std::string_view remote);
// "host:port" of a remote.
std::string GitHost(std::string_view remote);

}  // namespace loam::source
