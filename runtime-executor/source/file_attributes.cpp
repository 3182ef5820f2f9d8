#include "runtime-executor/source/file_attributes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

namespace loam::source {
namespace {

// As Go reads numbers with a prefix: 0755, 0o755, 0x1ed, 493.
Result<std::int64_t> Integer(const std::string& key, const std::string& text) {
  std::string digits = text;
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.erase(0, 2);
  } else if (digits.starts_with("0o") || digits.starts_with("0O")) {
    base = 8;
    digits.erase(0, 2);
  } else if (digits.size() > 1 && digits.front() == '0') {
    base = 8;
    digits.erase(0, 1);
  }
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(digits.c_str(), &end, base);
  if (digits.empty() || *end != '\0' || errno != 0 || value < 0) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no number for `{}`", text, key));
  }
  return value;
}

}  // namespace

Result<bool> FileAttributes::Take(const std::string& key, const std::string& value) {
  if (key == "http.filename") {
    name = value;
  } else if (key == "http.perm") {
    mode = LOAM_TRY(Integer(key, value));
  } else if (key == "http.uid") {
    uid = LOAM_TRY(Integer(key, value));
  } else if (key == "http.gid") {
    gid = LOAM_TRY(Integer(key, value));
  } else {
    return false;
  }
  return true;
}

Result<> FileAttributes::Apply(int file, std::uint32_t default_mode, std::int64_t modified) const {
  if ((uid != 0 || gid != 0) && ::fchown(file, static_cast<uid_t>(uid), static_cast<gid_t>(gid)) != 0) {
    return UnexpectedErrno("set the owner of a downloaded file");
  }
  const timespec times[2] = {{modified, 0}, {modified, 0}};
  const auto permissions = static_cast<mode_t>(mode == 0 ? default_mode : mode & 07777);
  if (::fchmod(file, permissions) != 0 || ::futimens(file, times) != 0) {
    return UnexpectedErrno("set mode and time of a downloaded file");
  }
  return {};
}

}  // namespace loam::source
