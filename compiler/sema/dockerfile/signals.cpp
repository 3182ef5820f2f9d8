#include "compiler/sema/dockerfile/signals.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
namespace {

constexpr auto kNames = std::to_array<std::string_view>(
    {"ABRT", "ALRM", "BUS",  "CHLD", "CLD",  "CONT", "FPE",    "HUP",    "ILL",  "INT",  "IO",    "IOT",
     "KILL", "PIPE", "POLL", "PROF", "PWR",  "QUIT", "SEGV",   "STKFLT", "STOP", "SYS",  "TERM",  "TRAP",
     "TSTP", "TTIN", "TTOU", "URG",  "USR1", "USR2", "VTALRM", "WINCH",  "XCPU", "XFSZ", "RTMIN", "RTMAX"});

bool InRange(std::string_view digits, int last) {
  const auto number = ParseUint(digits, 10, 8);
  return number && *number >= 1 && *number <= static_cast<std::uint64_t>(last) && digits.front() != '0';
}

}  // namespace

bool IsSignal(std::string_view text) {
  if (const auto number = ParseInt(text, 10, 64)) {
    return *number != 0;
  }
  const std::string upper = ToUpperAscii(text);
  std::string_view name = upper;
  if (name.starts_with("SIG")) {
    name.remove_prefix(3);
  }
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) {
    return true;
  }
  return (name.starts_with("RTMIN+") && InRange(name.substr(6), 15)) ||
         (name.starts_with("RTMAX-") && InRange(name.substr(6), 14));
}

}  // namespace loam::sema
