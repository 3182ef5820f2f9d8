#include "compiler/driver/text_table.h"

#include <algorithm>

#include "base/utf8.h"

namespace loam::driver {
namespace {

std::size_t RuneCount(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    text.remove_prefix(DecodeRune(text).size);
  }
  return count;
}

}  // namespace

std::string TextTable::Text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], RuneCount(row[i]));
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) {
        out.append(widths[i] + padding_ - RuneCount(row[i]), ' ');
      }
    }
    out += '\n';
  }
  return out;
}

}  // namespace loam::driver
