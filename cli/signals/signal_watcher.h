// Ctrl-C and SIGTERM of the programs.
#pragma once

#include <stop_token>

namespace loam::cli {

// The first SIGINT or SIGTERM requests the stop; the second one ends the process (steps die with it, see
// runtime-executor/worker). To be called once, before other threads are started.
std::stop_token WatchSignals();

}  // namespace loam::cli
