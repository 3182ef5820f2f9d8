// Modes as `chmod` takes them: "0755", "u+x", "a=rX,go-w", "g=u".
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::ops {

class FileMode {
 public:
  // kInvalidArgument if it is neither an octal number nor a symbolic mode. The umask counts as 0.
  static Result<FileMode> Parse(std::string_view text);
  // Permission bits (07777) that `mode` gets.
  [[nodiscard]] mode_t Apply(mode_t mode, bool directory) const;

 private:
  struct Change {
    mode_t who = 0;  // bits of the named classes, with setuid and setgid; 0: nobody was named
    char op = '=';
    mode_t bits = 0;                   // for all three classes
    bool conditional_execute = false;  // X
    char copy_from = 0;                // 'u', 'g', 'o'
    bool clears = false;               // the first part of an `=`
  };
  std::vector<Change> changes_;
};

}  // namespace loam::ops
