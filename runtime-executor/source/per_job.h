// PerJob: what was found out for one build and must not change while it runs, such as the commit that a branch points
// to.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "runtime-executor/session/client_services.h"

namespace loam::source {

// Thread-safe. The values of a job go when its last owner is gone and another job asks, or by ForgetEnded.
template <class T>
class PerJob {
 public:
  // The job's value of `key`. The first caller makes it while others of the job wait; a failure is not kept.
  Result<T> Get(const std::shared_ptr<session::ClientServices>& job, const std::string& key,
                const std::function<Result<T>()>& make) {
    const std::shared_ptr<Slot> slot = SlotOf(job, key);
    const std::scoped_lock lock(slot->mutex);
    if (!slot->value) {
      slot->value = LOAM_TRY(make());
    }
    return *slot->value;
  }

  void ForgetEnded() {
    const std::scoped_lock lock(mutex_);
    std::erase_if(jobs_, [](const auto& entry) { return entry.first.expired(); });
  }

 private:
  struct Slot {
    std::mutex mutex;  // guards value
    std::optional<T> value;
  };
  using Slots = std::map<std::string, std::shared_ptr<Slot>>;

  std::shared_ptr<Slot> SlotOf(const std::shared_ptr<session::ClientServices>& job, const std::string& key) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(jobs_, [](const auto& entry) { return entry.first.expired(); });
    std::shared_ptr<Slot>& slot = jobs_[job][key];
    if (slot == nullptr) {
      slot = std::make_shared<Slot>();
    }
    return slot;
  }

  std::mutex mutex_;  // guards jobs_
  std::map<std::weak_ptr<session::ClientServices>, Slots, std::owner_less<>> jobs_;
};

}  // namespace loam::source
