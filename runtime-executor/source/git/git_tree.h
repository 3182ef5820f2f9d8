// Files of a commit of a remote git repository, and what is known of that commit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime-executor/snapshot/fs_ref.h"

namespace loam::source {

// Where git takes it from. Shared by git sources of LLB and by projects that Earthfiles import.
struct GitTreeRequest {
  // As git takes it, without fragment: "https://host/a.git", "git@host:a/b.git", "ssh://…", "git://…". No other
  // transport is allowed, also in submodules.
  std::string remote;
  // A branch, a tag, a full ref ("refs/heads/x") or a full commit id; "": the default branch.
  std::string ref;
  // Only the files below this directory, as the root of the result.
  std::string subdir;
  // Not empty: the commit (or annotated tag) must have this id or one that begins so.
  std::string checksum;
  // Keep a `.git` with that one commit (not together with `subdir`).
  bool keep_git_dir = false;
  bool skip_submodules = false;
  // Ask the server for the commit `checksum` itself, whatever `ref` points to.
  bool fetch_by_commit = false;
  // Not empty: the history comes from this blob (source/blob/blob_locator.h) instead of from the remote. Needs the
  // whole id of a commit as `checksum`.
  std::string bundle;
  // The client's layout that has it, if it does not stand in `bundle`.
  std::string bundle_store;
  // Instead of its files: the commit with its history as one file, "bundle".
  bool checkout_bundle = false;
  // "commit": files get the committer's time; "" or "checkout": the time when they are written.
  std::string mtime;
  // Secrets of the client that are used if they exist: a token for HTTP, a whole Authorization header. `<name>.<host>`
  // is looked up before `<name>`.
  std::string auth_token_secret = "GIT_AUTH_TOKEN";
  std::string auth_header_secret = "GIT_AUTH_HEADER";
  // SSH: the id of the client's agent, which must exist then; "": none.
  std::string ssh_agent;
  // SSH: lines of a known_hosts file. "": hosts are trusted when they are first seen, and remembered in the state root.
  std::string known_hosts;
};

struct GitCommit {
  std::string id;
  // The full name of what was asked for ("refs/heads/main", "refs/tags/v1"), or the commit id.
  std::string ref;
  std::string author_name;
  std::string author_email;
  std::int64_t author_time = 0;
  std::int64_t committer_time = 0;
  // "Name <email>" of the Co-authored-by lines, in order.
  std::vector<std::string> co_authors;
  std::string message;
};

struct GitTree {
  snapshot::FsRef fs;
  GitCommit commit;
};

}  // namespace loam::source
