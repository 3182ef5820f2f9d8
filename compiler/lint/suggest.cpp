#include "compiler/lint/suggest.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace loam::lint {
namespace {

constexpr std::size_t kFar = 3;

// Levenshtein distance, or kFar if it is at least that: only a band around the diagonal can be nearer.
std::size_t Distance(const std::u32string& a, const std::u32string& b) {
  const std::size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (difference >= kFar) {
    return kFar;
  }
  std::vector<std::size_t> row(b.size() + 1, kFar);
  for (std::size_t j = 0; j <= std::min(b.size(), kFar); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    const std::size_t first = i > kFar ? i - kFar : 1;
    const std::size_t last = std::min(b.size(), i + kFar);
    std::size_t diagonal = row[first - 1];
    row[first - 1] = first == 1 ? std::min(i, kFar) : kFar;
    for (std::size_t j = first; j <= last; ++j) {
      const std::size_t above = row[j];
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, changed, kFar});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view Suggest(std::string_view name, std::span<const std::string_view> candidates) {
  const std::u32string wanted = DecodeRunes(name);
  std::string_view best;
  std::size_t nearest = kFar;
  for (const std::string_view candidate : candidates) {
    if (candidate == name) {
      return {};
    }
    const std::size_t distance = Distance(wanted, DecodeRunes(candidate));
    if (distance < nearest) {
      nearest = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace loam::lint
