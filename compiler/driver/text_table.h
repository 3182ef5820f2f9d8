// Columns as Go's text/tabwriter aligns them: as wide as the widest cell and the padding; the last cell of a row is not
// padded. Private to the .cpp files that write reports.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace loam::driver {

class TextTable {
 public:
  explicit TextTable(std::size_t padding) : padding_(padding) {}

  // All rows have the same number of cells.
  void Add(std::initializer_list<std::string_view> cells) { rows_.emplace_back(cells.begin(), cells.end()); }
  [[nodiscard]] std::string Text() const;

 private:
  std::size_t padding_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace loam::driver
