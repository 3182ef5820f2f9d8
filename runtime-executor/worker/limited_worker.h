// A worker that runs only so many steps at the same time.
#pragma once

#include <memory>

#include "runtime-executor/worker/worker.h"

namespace loam::worker {

// `runs` > 0. Further runs wait for their turn, in no particular order, or until they are stopped (kCanceled).
std::unique_ptr<Worker> LimitRuns(std::unique_ptr<Worker> worker, int runs);

}  // namespace loam::worker
