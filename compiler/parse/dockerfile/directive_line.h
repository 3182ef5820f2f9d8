// One line of the form `# name = value`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace loam::parse {

struct DirectiveLine {
  std::string_view name;
  std::string_view equals;
  std::string_view value;
};

// Nullopt if `line` (without its line end) is not of the form. The parts are views into `line`.
std::optional<DirectiveLine> ParseDirectiveLine(std::string_view line, std::string_view mark);

// The directives there are; any other name ends the directives.
enum class DirectiveKey : std::uint8_t { kSyntax = 1, kEscape = 2, kCheck = 4 };
std::optional<DirectiveKey> KnownDirective(std::string_view name);

class DirectiveSet {
 public:
  // False if it was there already.
  bool Add(DirectiveKey key) {
    const auto bit = static_cast<unsigned>(key);
    const bool added = (bits_ & bit) == 0;
    bits_ |= bit;
    return added;
  }

 private:
  unsigned bits_ = 0;
};

bool IsDirectiveSpace(char c);

}  // namespace loam::parse
