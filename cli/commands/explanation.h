// Why a step ran, or would run, in sentences: what `loam why` and `loam explain` print.
#pragma once

#include <cstdio>
#include <string_view>
#include <vector>

#include "runtime-executor/engine/build_record.h"

namespace loam::cli {

// How many builds of the history are looked at.
inline constexpr std::size_t kComparedBuilds = 50;

// The newest build with this key that has something to compare with, from `builds[first]` on; null if there is none.
const engine::BuildRecord* PreviousBuild(const std::vector<engine::BuildRecord>& builds, std::string_view build_key,
                                         std::size_t first);

// The step's name and, below it, why it ran.
void PrintExplanation(std::FILE* out, const solver::StepReport& step, const engine::Explanation& explanation);

// Lines that say why a step that is not cached would run.
void PrintReasons(std::FILE* out, const engine::Explanation& explanation, std::string_view indent);

}  // namespace loam::cli
