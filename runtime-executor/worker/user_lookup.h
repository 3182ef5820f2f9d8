// Users and groups by name or number, from the /etc/passwd and /etc/group of a root filesystem.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::worker {

// nullopt: the file is missing or not a regular file.
struct UserDatabase {
  std::optional<std::string> passwd;
  std::optional<std::string> group;
};

// Reads both files below `root_fd`, links resolved as if it were "/". A file above 10 MiB is an error.
Result<UserDatabase> ReadUserDatabase(int root_fd);

struct UserIds {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  // Supplementary groups; always holds `gid` first.
  std::vector<std::uint32_t> groups;
};

// `user`: "", "name", "uid", "name:group", "uid:gid" (USER of a Dockerfile, Meta.user). A number needs no entry; with
// one it gets that entry's group. Supplementary groups come from /etc/group unless a group is named. "" is root.
Result<UserIds> LookUpUser(std::string_view user, const UserDatabase& database);

// True if the answer to LookUpUser does not depend on any file.
bool IsNumericUser(std::string_view user);

// By name only, as --chown uses it; kNotFound if there is no such entry.
Result<std::uint32_t> LookUpUserId(std::string_view name, const UserDatabase& database);
Result<std::uint32_t> LookUpGroupId(std::string_view name, const UserDatabase& database);

}  // namespace loam::worker
