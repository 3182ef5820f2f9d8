#include "tests/fuzz/coverage.h"

namespace loam::fuzz {
namespace {

// Written by the hook, which has no arguments to get them by.
CoverageMap map{};
thread_local std::uintptr_t previous = 0;

}  // namespace

const CoverageMap& Coverage() {
  return map;
}

void ResetCoverage() {
  map.fill(0);
  previous = 0;
}

}  // namespace loam::fuzz

// Called at the start of every basic block of instrumented code.
extern "C" __attribute__((no_sanitize("address", "undefined"))) void __sanitizer_cov_trace_pc() {
  using loam::fuzz::kCoverageSlots;
  // Relative to this function, so that the table does not depend on where the program was loaded.
  const std::uintptr_t here = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) -
                              reinterpret_cast<std::uintptr_t>(&__sanitizer_cov_trace_pc);
  const std::uintptr_t mixed = (here * 0x9E3779B97F4A7C15U) >> 40U;
  std::uint8_t& count = loam::fuzz::map[(mixed ^ loam::fuzz::previous) % kCoverageSlots];
  count = static_cast<std::uint8_t>(count == 255 ? 255 : count + 1);
  loam::fuzz::previous = mixed >> 1U;
}
