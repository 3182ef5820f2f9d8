// Calling the programs of a CNI network.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/worker/cni/cni_config.h"

namespace loam::worker {

// What a network is made for.
struct CniContainer {
  std::string id;
  // The path of its namespace.
  std::string network_namespace;
  // "": none of its own.
  std::string hostname;
};

// Thread-safe; plugins do their own locking.
class CniPlugins {
 public:
  // `directories` in the order they are looked through. kFailedPrecondition, naming the first plugin that is in none.
  static Result<CniPlugins> Find(CniConfig config, std::vector<std::string> directories);

  // Calls the plugins one after the other; what came of the last, as JSON. Where one fails, all are taken down again.
  [[nodiscard]] Result<std::string> Add(const CniContainer& container, const std::stop_token& stop) const;
  // The other way round; all are called, and the first error is the result. `result`: what Add gave; "" if it is not
  // known.
  [[nodiscard]] Result<> Delete(const CniContainer& container, const std::string& result) const;

  [[nodiscard]] const CniConfig& config() const { return config_; }

 private:
  CniPlugins(CniConfig config, std::vector<std::string> directories)
      : config_(std::move(config)), directories_(std::move(directories)) {}
  [[nodiscard]] Result<std::string> Call(const char* command, std::size_t plugin, const CniContainer& container,
                                         const std::string& previous, const std::stop_token& stop) const;

  CniConfig config_;
  std::vector<std::string> directories_;
  // Of each plugin.
  std::vector<std::string> programs_;
};

}  // namespace loam::worker
