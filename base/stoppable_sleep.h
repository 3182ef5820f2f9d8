// Waiting for a time that somebody may cut short.
#pragma once

#include <chrono>
#include <stop_token>

namespace loam {

// False as soon as `stop` is requested, true when the time has passed.
bool SleepUnlessStopped(std::chrono::nanoseconds duration, const std::stop_token& stop);

}  // namespace loam
