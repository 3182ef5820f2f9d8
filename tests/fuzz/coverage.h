// Which code an input reached: what -fsanitize-coverage=trace-pc of g++ reports, folded into a table of edges.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace loam::fuzz {

inline constexpr std::size_t kCoverageSlots = std::size_t{1} << 18U;
using CoverageMap = std::array<std::uint8_t, kCoverageSlots>;

// Counts of the edges taken since ResetCoverage; all zero if the libraries are not instrumented.
[[nodiscard]] const CoverageMap& Coverage();
void ResetCoverage();

}  // namespace loam::fuzz
