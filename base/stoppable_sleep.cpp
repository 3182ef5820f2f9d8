#include "base/stoppable_sleep.h"

#include <condition_variable>
#include <mutex>

namespace loam {

bool SleepUnlessStopped(std::chrono::nanoseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace loam
