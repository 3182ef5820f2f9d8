// Remote repositories, fetched into a directory of this machine: bare clones under `repositories/`, checked out commits
// under `trees/`. Shared by processes: each repository has a lock.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compiler/sema/earthfile/builtin_args.h"

namespace loam::sema::earthfile {

class GitCache {
 public:
  GitCache(std::string directory, bool offline) : directory_(std::move(directory)), offline_(offline) {}

  struct Checkout {
    std::string url;
    std::string commit;
    std::string tree;  // directory with the files
    GitFacts git;
  };
  // The commit that `tag` (branch, tag, "tags/x", commit, or "" for the default branch) names at the first of `urls`
  // that answers. A pinned commit that is there already needs no network. Equal calls in one process give equal
  // answers.
  Result<Checkout> Get(const std::vector<std::string>& urls, const std::string& tag, const std::string& ssh_command);

 private:
  struct Entry {
    std::mutex mutex;
    std::optional<Result<Checkout>> checkout;
  };
  Result<Checkout> Fetch(const std::string& url, const std::string& tag, const std::string& ssh_command) const;

  std::string directory_;
  bool offline_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Entry>> entries_;
};

}  // namespace loam::sema::earthfile
