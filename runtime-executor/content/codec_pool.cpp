#include "runtime-executor/content/codec_pool.h"

namespace loam::content {

CodecPool::State::State(std::size_t thread_count) {
  threads_.reserve(thread_count);
  for (std::size_t i = 0; i < thread_count; ++i) {
    threads_.emplace_back([this] { Loop(); });
  }
}

CodecPool::State::~State() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void CodecPool::State::Post(std::function<void()> task, bool urgent) {
  {
    const std::lock_guard lock(mutex_);
    if (urgent) {
      queue_.push_front(std::move(task));
    } else {
      queue_.push_back(std::move(task));
    }
  }
  wake_.notify_one();
}

void CodecPool::State::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) {
      return;
    }
    const std::function<void()> task = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

CodecPool::CodecPool(std::size_t threads)
    : threads_(threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency())) {}
CodecPool::~CodecPool() = default;

CodecPool::State& CodecPool::state() {
  std::call_once(started_, [this] { state_ = std::make_unique<State>(threads_); });
  return *state_;
}

}  // namespace loam::content
