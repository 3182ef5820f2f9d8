// Random changes to an input: bytes, pieces of other inputs, words that the format knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace loam::fuzz {

class Mutator {
 public:
  Mutator(std::uint64_t seed, std::size_t max_size) : random_(seed), max_size_(max_size) {}

  // One of `corpus` (not empty) with a few changes; at most max_size bytes. The same seed, corpus and calls give the
  // same inputs.
  std::string Next(const std::vector<std::string>& corpus);

 private:
  std::size_t Below(std::size_t limit) { return limit == 0 ? 0 : static_cast<std::size_t>(random_() % limit); }
  void Change(std::string* input, const std::vector<std::string>& corpus);

  std::mt19937_64 random_;
  std::size_t max_size_;
};

}  // namespace loam::fuzz
