// ProjectHost: where projects are read from. Implementations: over plain files and git (local_project.h), in memory for
// tests, and whatever a gateway offers.
//
// Calls may block and may come from several threads at once, never with the gate held (Project opens it).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/sema/earthfile/builtin_args.h"

namespace loam::sema::earthfile {

// A directory that files are read from. `root` is empty for the machine of the invoker, where `directory` is relative
// to the invocation directory or absolute; else it names a fetched repository (RemoteProject::root), and `directory` is
// relative to its top ("" or "sub/dir").
struct Place {
  std::string root;
  std::string directory;
  [[nodiscard]] bool IsLocal() const { return root.empty(); }
  friend auto operator<=>(const Place&, const Place&) = default;
  friend bool operator==(const Place&, const Place&) = default;
};

struct RemoteProject {
  std::string root;       // handle for Place::root; equal for equal repository and commit
  std::string directory;  // of the reference, in the repository; "" at the top
  std::string clone_url;  // "https://github.com/org/repo.git", "git@…"; may hold credentials
  std::string commit;     // 40 digits
  GitFacts git;
  // Directory on this machine that holds the files; "" if there is none.
  std::string local_path;
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

class ProjectHost {
 public:
  virtual ~ProjectHost() = default;

  // `path` is relative to the place. kNotFound if there is no such file.
  virtual Result<std::string> ReadFile(const Place& place, std::string_view path) = 0;
  // True for a file (not a directory).
  virtual Result<bool> FileExists(const Place& place, std::string_view path) = 0;
  // Sorted by name; kNotFound if there is no such directory.
  virtual Result<std::vector<DirectoryEntry>> ListDirectory(const Place& place, std::string_view path) = 0;

  // nullopt outside of a repository, or without git.
  virtual Result<std::optional<GitFacts>> Git(const Place& place) = 0;

  // `git_path` as in a reference ("github.com/org/repo/sub"), `tag` a branch, tag, commit or "" for the default branch.
  // The same commit all through one build.
  virtual Result<RemoteProject> Fetch(std::string_view git_path, std::string_view tag) = 0;

  // SHA-256 (hex) over a file's size and bytes, for auto-skip; through links.
  virtual Result<std::string> HashFile(const Place& place, std::string_view path) = 0;
};

// Directories that match `pattern` (wildcards `* ? [ ]` in any element, not `**`), relative to `place`, sorted. The
// elements are matched as Go's path.Match does. kInvalidArgument for `**` and malformed patterns.
Result<std::vector<std::string>> GlobDirectories(ProjectHost& host, const Place& place, std::string_view pattern);
// Files and directories.
Result<std::vector<std::string>> GlobPaths(ProjectHost& host, const Place& place, std::string_view pattern);

// The patterns that keep files out of the context of `place`: of .earthlyignore or .earthignore (both:
// kInvalidArgument), else, for FROM DOCKERFILE (`docker_ignore`), of .dockerignore. `implicit`: before
// no-implicit-ignore the Earthfile and the ignore files themselves are kept out.
Result<std::vector<std::string>> ReadIgnorePatterns(ProjectHost& host, const Place& place, bool docker_ignore,
                                                    bool implicit);

}  // namespace loam::sema::earthfile
