// Builtin args: EARTHLY_* and EARTH_* (the same values under both prefixes), and the args of platforms.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/earthfile/earth_platform.h"
#include "compiler/sema/earthfile/features.h"
#include "compiler/sema/earthfile/reference.h"
#include "compiler/sema/earthfile/variables.h"

namespace loam::sema::earthfile {

// What git says of a directory. Empty texts where it says nothing (no commit yet, no origin).
struct GitFacts {
  std::string base_directory;      // of the work tree; "" for remotes
  std::string relative_directory;  // of the directory in the repository; "" at the top
  std::string origin_url;          // as configured, with credentials
  std::string git_path;            // "github.com/org/repo"; "" without an origin
  std::string hash;
  std::string short_hash;    // 8 digits
  std::string content_hash;  // of the tree
  std::vector<std::string> branches;
  std::vector<std::string> tags;
  std::string commit_timestamp;  // seconds
  std::string author_timestamp;
  std::string author_name;
  std::string author_email;
  std::vector<std::string> co_authors;
  std::vector<std::string> refs;
  // --git-branch: then the branch also stands for the tag of targets.
  bool branch_overridden = false;
};

// The reference with what git knows: repository path and directory for local ones that have an origin, and as tag the
// first tag at HEAD, else the branch, else the hash.
Reference WithGitFacts(Reference reference, const GitFacts* facts);

struct BuiltinOptions {
  Reference target;               // WithGitFacts
  const GitFacts* git = nullptr;  // null outside of a repository
  const PlatformResolver* platforms = nullptr;
  Features features;
  bool push = false;
  bool ci = false;
  std::string version;    // EARTHLY_VERSION
  std::string build_sha;  // EARTHLY_BUILD_SHA
};
Scope BuiltinArgs(const BuiltinOptions& options);

// TARGETPLATFORM, TARGETOS, TARGETARCH, TARGETVARIANT of the current platform, after FROM --platform.
Scope TargetPlatformArgs(const PlatformResolver& platforms);
// EARTHLY_LOCALLY, EARTH_LOCALLY.
Scope LocallyArgs(bool locally);

// Any builtin name, whether or not features switch it on.
bool IsBuiltinArg(std::string_view name);
// "EARTH_GIT_HASH" for "EARTHLY_GIT_HASH"; nullopt for others.
std::optional<std::string> NewNameOfBuiltin(std::string_view name);
std::vector<std::string> BuiltinArgNames();  // sorted

// "https://user:xxxxx@host/": the password of a URL is hidden.
std::string ScrubCredentials(std::string_view url);
// "github.com/org/repo" from "git@github.com:org/repo.git", "https://user@github.com/org/repo".
std::string GitPathOfUrl(std::string_view url);
// "org/repo": EARTHLY_GIT_PROJECT_NAME.
std::string ProjectNameOfUrl(std::string_view url);
// Addresses of "Co-authored-by: Name <address>" lines.
std::vector<std::string> CoAuthorsOf(std::string_view commit_body);

}  // namespace loam::sema::earthfile
