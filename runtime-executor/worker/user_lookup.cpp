#include "runtime-executor/worker/user_lookup.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/unique_fd.h"

namespace loam::worker {

namespace {

constexpr std::size_t kMaxDatabaseBytes = std::size_t{10} << 20;
constexpr std::uint32_t kMaxId = 0x7fffffff;

Result<std::optional<std::string>> ReadDatabaseFile(int root_fd, const char* path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const UniqueFd file(static_cast<int>(syscall(SYS_openat2, root_fd, path, &how, sizeof(how))));
  if (!file.valid()) {
    return std::optional<std::string>();
  }
  struct stat st {};
  if (fstat(file.get(), &st) != 0 || !S_ISREG(st.st_mode)) {
    return std::optional<std::string>();
  }
  std::string text;
  char buffer[16384];
  while (true) {
    const ssize_t got = read(file.get(), buffer, sizeof(buffer));
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      return UnexpectedErrno(fmt::format("read /{}", path));
    }
    if (got == 0) {
      return std::optional<std::string>(std::move(text));
    }
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kMaxDatabaseBytes) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("/{} exceeds {} bytes", path, kMaxDatabaseBytes));
    }
  }
}

std::optional<std::uint32_t> Number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

struct PasswdEntry {
  std::string_view name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};
struct GroupEntry {
  std::string_view name;
  std::uint32_t gid = 0;
  std::string_view members;
};

// Calls `visit(fields)` for every line until it returns true.
template <class Visit>
void ForEachEntry(const std::optional<std::string>& text, Visit visit) {
  if (!text) {
    return;
  }
  for (std::string_view line : Split(*text, '\n')) {
    line = TrimSpace(line);
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if (visit(Split(line, ':'))) {
      return;
    }
  }
}

std::uint32_t FieldNumber(const std::vector<std::string_view>& fields, std::size_t index) {
  return index < fields.size() ? Number(fields[index]).value_or(0) : 0;
}

template <class Match>
std::optional<PasswdEntry> FindUser(const UserDatabase& database, Match match) {
  std::optional<PasswdEntry> found;
  ForEachEntry(database.passwd, [&](const std::vector<std::string_view>& fields) {
    const PasswdEntry entry{fields[0], FieldNumber(fields, 2), FieldNumber(fields, 3)};
    if (match(entry)) {
      found = entry;
    }
    return found.has_value();
  });
  return found;
}

template <class Match>
std::optional<GroupEntry> FindGroup(const UserDatabase& database, Match match) {
  std::optional<GroupEntry> found;
  ForEachEntry(database.group, [&](const std::vector<std::string_view>& fields) {
    const GroupEntry entry{fields[0], FieldNumber(fields, 2), fields.size() > 3 ? fields[3] : std::string_view()};
    if (match(entry)) {
      found = entry;
    }
    return found.has_value();
  });
  return found;
}

Result<std::uint32_t> CheckedId(std::string_view kind, std::string_view text) {
  const auto id = Number(text);
  if (!id) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("unable to find {} {}: no matching entries in {} file", kind,
                                                        text, kind == "user" ? "passwd" : "group"));
  }
  if (*id > kMaxId) {
    return Unexpected(ErrorCode::kOutOfRange, fmt::format("{} id {} is not in 0-{}", kind, text, kMaxId));
  }
  return *id;
}

// "root" counts as 0 where both user and group are given as numbers.
std::optional<std::uint32_t> FixedId(std::string_view text) {
  return text == "root" ? std::optional<std::uint32_t>(0) : Number(text);
}

std::optional<UserIds> FixedIds(std::string_view user) {
  const auto parts = SplitOnce(user, ':');
  if (!parts) {
    return std::nullopt;
  }
  const auto uid = FixedId(parts->first);
  const auto gid = FixedId(parts->second);
  if (!uid || !gid) {
    return std::nullopt;
  }
  return UserIds{*uid, *gid, {*gid}};
}

}  // namespace

Result<UserDatabase> ReadUserDatabase(int root_fd) {
  UserDatabase database;
  database.passwd = LOAM_TRY(ReadDatabaseFile(root_fd, "etc/passwd"));
  database.group = LOAM_TRY(ReadDatabaseFile(root_fd, "etc/group"));
  return database;
}

bool IsNumericUser(std::string_view user) {
  return FixedIds(user).has_value();
}

Result<UserIds> LookUpUser(std::string_view user, const UserDatabase& database) {
  if (auto fixed = FixedIds(user)) {
    return *fixed;
  }
  const bool is_default = user.empty();
  std::string_view user_part = is_default ? "0" : user;
  std::string_view group_part;
  if (const auto parts = SplitOnce(user_part, ':')) {
    user_part = parts->first;
    group_part = parts->second;
  }
  const auto wanted_uid = Number(user_part);
  UserIds ids;
  const auto entry = FindUser(database, [&](const PasswdEntry& candidate) {
    if (user_part.empty()) {
      return candidate.uid == 0;
    }
    return candidate.name == user_part || (wanted_uid && candidate.uid == *wanted_uid);
  });
  if (entry) {
    ids.uid = entry->uid;
    ids.gid = entry->gid;
  } else if (!user_part.empty()) {
    ids.uid = LOAM_TRY(CheckedId("user", user_part));
  }
  if (!group_part.empty()) {
    const auto wanted_gid = Number(group_part);
    const auto group = FindGroup(database, [&](const GroupEntry& candidate) {
      return candidate.name == group_part || (wanted_gid && candidate.gid == *wanted_gid);
    });
    ids.gid = group ? group->gid : LOAM_TRY(CheckedId("group", group_part));
  }
  ids.groups.push_back(ids.gid);
  if (group_part.empty() && entry) {
    ForEachEntry(database.group, [&](const std::vector<std::string_view>& fields) {
      if (fields.size() > 3) {
        const auto members = Split(fields[3], ',');
        const std::uint32_t gid = FieldNumber(fields, 2);
        if (std::find(members.begin(), members.end(), entry->name) != members.end() &&
            std::find(ids.groups.begin(), ids.groups.end(), gid) == ids.groups.end()) {
          ids.groups.push_back(gid);
        }
      }
      return false;
    });
  }
  return ids;
}

Result<std::uint32_t> LookUpUserId(std::string_view name, const UserDatabase& database) {
  const auto entry = FindUser(database, [&](const PasswdEntry& candidate) { return candidate.name == name; });
  if (!entry) {
    return Unexpected(ErrorCode::kNotFound,
                      fmt::format("unable to find user {}: no matching entries in passwd file", name));
  }
  return entry->uid;
}

Result<std::uint32_t> LookUpGroupId(std::string_view name, const UserDatabase& database) {
  const auto entry = FindGroup(database, [&](const GroupEntry& candidate) { return candidate.name == name; });
  if (!entry) {
    return Unexpected(ErrorCode::kNotFound,
                      fmt::format("unable to find group {}: no matching entries in group file", name));
  }
  return entry->gid;
}

}  // namespace loam::worker
