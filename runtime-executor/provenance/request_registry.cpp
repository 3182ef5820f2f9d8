#include "runtime-executor/provenance/request_registry.h"

#include "proto/solver/pb/ops.pb.h"

namespace loam::provenance {
namespace {

// "" for scratch and for what is no definition.
std::string HeadOf(std::string_view bytes) {
  pb::Definition definition;
  pb::Op last;
  if (!definition.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || definition.def().empty() ||
      !last.ParseFromString(definition.def(definition.def_size() - 1)) || last.inputs().empty()) {
    return {};
  }
  return last.inputs(0).digest();
}

RequestPtr WithoutRoot(const RequestPtr& request) {
  if (request->root == nullptr) {
    return request;
  }
  Request copy = *request;
  copy.root = nullptr;
  return std::make_shared<const Request>(std::move(copy));
}

}  // namespace

RequestRegistry::RequestRegistry() : records_(std::make_shared<Records>()) {}

std::shared_ptr<void> RequestRegistry::Register(std::string_view definition, RequestPtr request) {
  std::string head = HeadOf(definition);
  if (head.empty()) {
    return nullptr;
  }
  const std::lock_guard lock(records_->mutex);
  const auto place = records_->by_head.emplace(std::move(head), WithoutRoot(request));
  return std::shared_ptr<void>(nullptr, [records = records_, place](std::nullptr_t) {
    const std::lock_guard held(records->mutex);
    records->by_head.erase(place);
  });
}

RequestPtr RequestRegistry::Find(std::string_view definition) const {
  const std::string head = HeadOf(definition);
  const std::lock_guard lock(records_->mutex);
  const auto [first, last] = records_->by_head.equal_range(head);
  RequestPtr found;
  for (auto record = first; record != last; ++record) {
    if (found != nullptr && !SameRequest(found, record->second)) {
      return nullptr;
    }
    found = record->second;
  }
  return found;
}

}  // namespace loam::provenance
