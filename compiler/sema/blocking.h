// For build hosts whose caller guards the graph by a lock: what it does around each call that may block.
#pragma once

#include <functional>

namespace loam::sema {

// Called on the asking thread. Between the two the host does not touch the graph, so the lock can be given away.
struct BlockingHooks {
  std::function<void()> before;  // either may be empty
  std::function<void()> after;
};

// While it lives, the owner of the graph may go on.
class Blocking {
 public:
  explicit Blocking(const BlockingHooks& hooks) : hooks_(hooks) {
    if (hooks_.before) {
      hooks_.before();
    }
  }
  ~Blocking() {
    if (hooks_.after) {
      hooks_.after();
    }
  }
  Blocking(const Blocking&) = delete;
  Blocking& operator=(const Blocking&) = delete;

 private:
  const BlockingHooks& hooks_;
};

}  // namespace loam::sema
