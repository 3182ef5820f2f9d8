// What the parts of RegistryClient share.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "runtime-executor/registry/authorizer.h"
#include "runtime-executor/registry/endpoint.h"
#include "runtime-executor/registry/host_client.h"
#include "runtime-executor/registry/http_client.h"
#include "runtime-executor/registry/registry_client.h"

namespace loam::registry {

// Slots for transfers, by host.
class TransferSlots {
 public:
  explicit TransferSlots(int per_host) : per_host_(per_host) {}

  class Slot {
   public:
    Slot(TransferSlots* owner, std::string host) : owner_(owner), host_(std::move(host)) {}
    Slot(Slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), host_(std::move(other.host_)) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot();

   private:
    TransferSlots* owner_;
    std::string host_;
  };

  // Waits for a slot; kCanceled on stop.
  Result<Slot> Acquire(const std::string& host, std::stop_token stop);

 private:
  const int per_host_;
  std::mutex mutex_;  // guards used_
  std::condition_variable_any freed_;
  std::map<std::string, int> used_;
};

struct RegistryClient::State {
  explicit State(RegistryOptions o)
      : options(std::move(o)),
        http({options.user_agent, options.connect_timeout, options.stall_timeout}),
        authorizer(http),
        slots(options.parallel_transfers) {}

  const RegistryOptions options;
  HttpClient http;
  Authorizer authorizer;
  TransferSlots slots;
};

// The reference as the user knows it, for errors.
std::string NameForErrors(const ImageReference& reference);

// Calls `attempt` for one endpoint of the reference after the other until one succeeds; the error is that of the last
// one (the registry itself), with the reference before it.
template <class T>
Result<T> ForEachEndpoint(RegistryClient::State& state, const ImageReference& reference, const Access& access,
                          const std::stop_token& stop, const std::function<Result<T>(HostClient&)>& attempt) {
  const auto endpoints = EndpointsOf(reference, state.options.hosts, access.insecure, false);
  for (std::size_t i = 0;; ++i) {
    HostClient client(endpoints[i], state.http, state.authorizer, state.options, access, false);
    auto result = attempt(client);
    if (result) {
      return result;
    }
    if (i + 1 == endpoints.size() || stop.stop_requested()) {
      return tl::unexpected(std::move(result).error().Wrap(NameForErrors(reference)));
    }
  }
}

}  // namespace loam::registry
