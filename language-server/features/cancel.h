// CancelToken: whether the client still wants the answer. Read from the working thread, set from the reading one.
#pragma once

#include <atomic>

namespace loam::lsp {

class CancelToken {
 public:
  [[nodiscard]] bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace loam::lsp
