// Baseline: findings that are known and not told again. An entry is a file, a rule and a message, so it stays good when
// lines move; as many findings as it counts are left out.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "compiler/driver/lint/finding.h"

namespace loam::driver::findings {

class Baseline {
 public:
  // As Print writes it. kInvalidArgument: it is something else.
  static Result<Baseline> Parse(std::string_view json, std::string_view name);
  static Baseline Of(const std::vector<Finding>& findings);

  // JSON, sorted, one entry a line.
  [[nodiscard]] std::string Print() const;
  // Removes the known findings; how many that were.
  std::size_t Remove(std::vector<Finding>& findings) const;
  // How many entries no finding needed: what was corrected since.
  [[nodiscard]] std::size_t CountStale(const std::vector<Finding>& findings) const;

 private:
  using Entry = std::tuple<std::string, std::string, std::string>;
  static Entry EntryOf(const Finding& finding) { return {finding.file(), finding.rule, finding.message}; }
  std::map<Entry, std::size_t> entries_;
};

}  // namespace loam::driver::findings
