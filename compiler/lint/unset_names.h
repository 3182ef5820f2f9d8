// The variables a word names that are not set.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "compiler/sema/dockerfile/observer.h"

namespace loam::lint {

// Those that are not declared, each once, in the order in which the word names them. (BuildKit has them in a map of Go:
// this is its most frequent order.)
inline std::vector<std::string_view> UnsetNames(const sema::Expansion& word,
                                                std::span<const std::string_view> declared) {
  std::vector<std::string_view> names;
  for (const std::string_view name : word.unmatched) {
    if (std::find(names.begin(), names.end(), name) == names.end() &&
        std::find(declared.begin(), declared.end(), name) == declared.end()) {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace loam::lint
