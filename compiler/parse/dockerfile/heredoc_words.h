// Which heredocs the words of an instruction open.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loam::parse {

struct HeredocWordText {
  std::string name;
  bool expand = true;
  bool chomp = false;
  unsigned fd = 0;
  std::uint32_t begin = 0;  // in the text given
  std::uint32_t end = 0;
};

// All heredoc words of a logical line, in order. None if the line as a whole does not split into shell words (an open
// quote, a bad substitution).
std::vector<HeredocWordText> FindHeredocs(std::string_view line);

}  // namespace loam::parse
