// The containers of a build's frontend, by the names it gave them.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "runtime-executor/ops/container.h"

namespace loam::gateway {

// A container and the processes that run in it.
class BridgeContainer {
 public:
  explicit BridgeContainer(std::unique_ptr<ops::FrontendContainer> container) : container_(std::move(container)) {}

  [[nodiscard]] ops::FrontendContainer& operator*() const { return *container_; }
  [[nodiscard]] ops::FrontendContainer* operator->() const { return container_.get(); }
  // Requested when the container is released: its processes end.
  [[nodiscard]] std::stop_token stop() const { return stop_.get_token(); }

  // Counts whoever works with the container. False once it is released.
  bool Enter();
  void Leave();
  // A process of the container failed; the first one counts.
  void Report(Error error);
  // Ends the processes, waits for everyone, and removes the container. The error of the first process that failed, be
  // it because it was ended here.
  Result<> Release();

 private:
  std::unique_ptr<ops::FrontendContainer> container_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable left_;
  int users_ = 0;
  bool released_ = false;
  std::optional<Error> failure_;
};

// While it lives, the container does.
class ContainerUse {
 public:
  explicit ContainerUse(std::shared_ptr<BridgeContainer> container) : container_(std::move(container)) {}
  ~ContainerUse() {
    if (container_ != nullptr) {
      container_->Leave();
    }
  }
  ContainerUse(ContainerUse&&) noexcept = default;
  ContainerUse(const ContainerUse&) = delete;
  ContainerUse& operator=(const ContainerUse&) = delete;
  [[nodiscard]] BridgeContainer& operator*() const { return *container_; }
  [[nodiscard]] BridgeContainer* operator->() const { return container_.get(); }

 private:
  std::shared_ptr<BridgeContainer> container_;
};

// Thread-safe.
class BridgeContainers {
 public:
  ~BridgeContainers() { ReleaseAll(); }

  // kAlreadyExists if the name is taken.
  Result<> Add(const std::string& id, std::unique_ptr<ops::FrontendContainer> container);
  // kNotFound in upstream's words.
  Result<ContainerUse> Use(const std::string& id);
  Result<> Release(const std::string& id);
  void ReleaseAll();

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<BridgeContainer>> containers_;
};

}  // namespace loam::gateway
