// The variables a word names that are not set.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "compiler/sema/dockerfile/observer.h"

namespace loam::lint {

// Those that are not declared, each once, by name: BuildKit reports the variables of one word in no order.
inline std::set<std::string_view> UnsetNames(const sema::Expansion& word, std::span<const std::string_view> declared) {
  std::set<std::string_view> names(word.unmatched.begin(), word.unmatched.end());
  for (const std::string_view name : declared) {
    names.erase(name);
  }
  return names;
}

}  // namespace loam::lint
