// Git and HTTP sources as ADD and build contexts name them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loam::sema {

struct GitReference {
  std::string remote;  // for git itself: without query and fragment
  std::string scheme;  // http, https, ssh, git
  std::string host;
  std::string path;
  std::string ref;
  std::string checksum;
  std::string subdir;
  std::string mtime;
  std::optional<bool> keep_git_dir;
  std::optional<bool> submodules;
  bool fetch_by_commit = false;
  // "github.com/a/b": as good a local path. Only build contexts take it as a repository.
  bool like_local_path = false;
};

// nullopt: not a git reference. An error: it is one, but its query is wrong.
Result<std::optional<GitReference>> ParseGitReference(std::string_view text);

// http:// or https://, and no git reference.
bool IsHttpSource(std::string_view text);
// The last component of the URL's path; "__unnamed__" if it has none.
std::string HttpFileName(std::string_view url);

}  // namespace loam::sema
