#include "runtime-executor/gateway/bridge/bridge_containers.h"

#include <fmt/format.h>

namespace loam::gateway {

bool BridgeContainer::Enter() {
  const std::lock_guard lock(mutex_);
  if (released_) {
    return false;
  }
  ++users_;
  return true;
}

void BridgeContainer::Leave() {
  {
    const std::lock_guard lock(mutex_);
    --users_;
  }
  left_.notify_all();
}

void BridgeContainer::Report(Error error) {
  const std::lock_guard lock(mutex_);
  if (!failure_) {
    failure_ = std::move(error);
  }
}

Result<> BridgeContainer::Release() {
  std::unique_ptr<ops::FrontendContainer> container;
  {
    const std::lock_guard lock(mutex_);
    released_ = true;
  }
  stop_.request_stop();
  std::unique_lock lock(mutex_);
  left_.wait(lock, [this] { return users_ == 0; });
  container = std::move(container_);
  if (failure_) {
    return Unexpected(*failure_);
  }
  return {};
}

Result<> BridgeContainers::Add(const std::string& id, std::unique_ptr<ops::FrontendContainer> container) {
  auto added = std::make_shared<BridgeContainer>(std::move(container));
  const std::lock_guard lock(mutex_);
  if (!containers_.emplace(id, std::move(added)).second) {
    return Unexpected(ErrorCode::kAlreadyExists, fmt::format("Container {} already exists", id));
  }
  return {};
}

Result<ContainerUse> BridgeContainers::Use(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = containers_.find(id);
  if (found == containers_.end() || !found->second->Enter()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("container \"{}\" previously released or not created", id));
  }
  return ContainerUse(found->second);
}

Result<> BridgeContainers::Release(const std::string& id) {
  std::shared_ptr<BridgeContainer> container;
  {
    const std::lock_guard lock(mutex_);
    const auto found = containers_.find(id);
    if (found == containers_.end()) {
      return Unexpected(ErrorCode::kUnknown, fmt::format("container details for {} not found", id));
    }
    container = std::move(found->second);
    containers_.erase(found);
  }
  return container->Release();
}

void BridgeContainers::ReleaseAll() {
  std::map<std::string, std::shared_ptr<BridgeContainer>> containers;
  {
    const std::lock_guard lock(mutex_);
    containers.swap(containers_);
  }
  for (const auto& [id, container] : containers) {
    [[maybe_unused]] const Result<> released = container->Release();  // who started the processes knows already
  }
}

}  // namespace loam::gateway
