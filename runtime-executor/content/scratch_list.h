// ScratchList: compression contexts that are costly to make, lent to one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace loam::content {

// Thread-safe. Must outlive what it lends.
template <class T>
class ScratchList {
 public:
  class Loan {
   public:
    Loan(ScratchList* list, std::unique_ptr<T> item) : list_(list), item_(std::move(item)) {}
    ~Loan() {
      if (item_ != nullptr) {
        const std::lock_guard lock(list_->mutex_);
        list_->items_.push_back(std::move(item_));
      }
    }
    Loan(Loan&&) noexcept = default;
    Loan& operator=(Loan&&) = delete;
    T* operator->() const { return item_.get(); }
    T& operator*() const { return *item_; }

   private:
    ScratchList* list_;
    std::unique_ptr<T> item_;
  };

  template <class Make>
  Loan Take(Make&& make) {
    std::unique_ptr<T> item;
    {
      const std::lock_guard lock(mutex_);
      if (!items_.empty()) {
        item = std::move(items_.back());
        items_.pop_back();
      }
    }
    return Loan(this, item != nullptr ? std::move(item) : make());
  }

 private:
  std::mutex mutex_;  // guards items_
  std::vector<std::unique_ptr<T>> items_;
};

}  // namespace loam::content
