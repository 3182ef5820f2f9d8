// Filters as containerd has them: "type==exec.cachemount,description~=^RUN". The parts of one filter must all hold; of
// several filters one must.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace loam::daemon {

// The value of a field ("labels", "com.example"), nullopt if the thing has none.
using FieldReader = std::function<std::optional<std::string>(std::span<const std::string> path)>;

// Immutable; thread-safe.
class Filter {
 public:
  // No filters at all, or an empty one, match everything. kInvalidArgument ("parse error: …") for others.
  static Result<Filter> Parse(std::span<const std::string> filters);

  [[nodiscard]] bool Matches(const FieldReader& fields) const;
  [[nodiscard]] bool matches_everything() const { return any_.empty(); }

 private:
  enum class Operator { kPresent, kEqual, kNotEqual, kMatches };
  struct Selector {
    std::vector<std::string> path;
    Operator op = Operator::kPresent;
    std::string value;
    std::shared_ptr<const re2::RE2> pattern;
  };
  class Parser;

  std::vector<std::vector<Selector>> any_;
};

}  // namespace loam::daemon
