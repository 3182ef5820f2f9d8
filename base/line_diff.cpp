#include "base/line_diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

namespace loam {
namespace {

constexpr std::size_t kContext = 3;
// Where more than this would have to be compared, everything between the first and the last change is one change.
constexpr std::size_t kMaxTable = std::size_t{1} << 24;

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

struct Line {
  char mark;  // ' ', '-', '+'
  std::string_view text;
};

// Longest common subsequence of what lies between the common head and tail.
void DiffMiddle(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b,
                std::vector<Line>& out) {
  const std::size_t width = b.size() + 1;
  if ((a.size() + 1) * width > kMaxTable) {
    for (const auto line : a) {
      out.push_back({'-', line});
    }
    for (const auto line : b) {
      out.push_back({'+', line});
    }
    return;
  }
  std::vector<std::uint32_t> common((a.size() + 1) * width);
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      common[i * width + j] = a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                                           : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      out.push_back({' ', a[i++]});
      ++j;
    } else if (j == b.size() || (i < a.size() && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      out.push_back({'-', a[i++]});
    } else {
      out.push_back({'+', b[j++]});
    }
  }
}

// All lines of both texts, marked.
std::vector<Line> Compare(std::string_view before, std::string_view after) {
  std::vector<std::string_view> a = Lines(before);
  std::vector<std::string_view> b = Lines(after);
  std::size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) {
    ++head;
  }
  std::size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  std::vector<Line> all;
  const auto middle = [&](const std::vector<std::string_view>& lines) {
    return std::vector<std::string_view>(lines.begin() + static_cast<std::ptrdiff_t>(head),
                                         lines.end() - static_cast<std::ptrdiff_t>(tail));
  };
  for (std::size_t i = 0; i < head; ++i) {
    all.push_back({' ', a[i]});
  }
  DiffMiddle(middle(a), middle(b), all);
  for (std::size_t i = a.size() - tail; i < a.size(); ++i) {
    all.push_back({' ', a[i]});
  }
  return all;
}

std::string Range(std::size_t first, std::size_t count) {
  return count == 1 ? fmt::format("{}", first + 1) : fmt::format("{},{}", count == 0 ? first : first + 1, count);
}

}  // namespace

std::vector<LineChange> LineChanges(std::string_view before, std::string_view after) {
  std::vector<LineChange> changes;
  if (before == after) {
    return changes;
  }
  std::size_t line_before = 0;
  std::size_t line_after = 0;
  bool in_change = false;
  for (const Line& line : Compare(before, after)) {
    if (line.mark != ' ' && !in_change) {
      changes.push_back({line_before, line_before, line_after, line_after});
    }
    in_change = line.mark != ' ';
    line_before += line.mark != '+' ? 1 : 0;
    line_after += line.mark != '-' ? 1 : 0;
    if (in_change) {
      changes.back().before_end = line_before;
      changes.back().after_end = line_after;
    }
  }
  return changes;
}

std::string UnifiedDiff(std::string_view before, std::string_view after, std::string_view before_name,
                        std::string_view after_name) {
  if (before == after) {
    return {};
  }
  const std::vector<Line> all = Compare(before, after);
  std::string out = fmt::format("--- {}\n+++ {}\n", before_name, after_name);
  std::size_t line_a = 0;
  std::size_t line_b = 0;
  std::size_t at = 0;
  while (at < all.size()) {
    // The next change, and how far its hunk reaches: to where more than twice the context is unchanged.
    std::size_t change = at;
    while (change < all.size() && all[change].mark == ' ') {
      ++change;
    }
    if (change == all.size()) {
      break;
    }
    const std::size_t begin = change - std::min(change - at, kContext);
    std::size_t last = change;
    for (std::size_t i = change; i < all.size() && i - last <= 2 * kContext; ++i) {
      last = all[i].mark == ' ' ? last : i;
    }
    const std::size_t end = std::min(last + 1 + kContext, all.size());
    line_a += begin - at;
    line_b += begin - at;
    std::size_t count_a = 0;
    std::size_t count_b = 0;
    std::string body;
    for (std::size_t i = begin; i < end; ++i) {
      count_a += all[i].mark != '+' ? 1 : 0;
      count_b += all[i].mark != '-' ? 1 : 0;
      body += all[i].mark;
      body += all[i].text;
      if (!all[i].text.ends_with('\n')) {
        body += "\n\\ No newline at end of file\n";
      }
    }
    out += fmt::format("@@ -{} +{} @@\n{}", Range(line_a, count_a), Range(line_b, count_b), body);
    line_a += count_a;
    line_b += count_b;
    at = end;
  }
  return out;
}

}  // namespace loam
