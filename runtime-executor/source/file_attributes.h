// Name, owner and mode that a source of one file gives it: the attributes "http.filename", "http.perm", "http.uid" and
// "http.gid" of LLB.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace loam::source {

struct FileAttributes {
  std::string name;
  std::int64_t mode = 0;  // 0: the source's own
  std::int64_t uid = 0;
  std::int64_t gid = 0;

  // False if the attribute is none of these; kInvalidArgument for a value that is no number.
  Result<bool> Take(const std::string& key, const std::string& value);
  // Sets owner, mode and time (seconds since the epoch) of an open file.
  [[nodiscard]] Result<> Apply(int file, std::uint32_t default_mode, std::int64_t modified) const;
};

}  // namespace loam::source
