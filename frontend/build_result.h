// A frontend's result on the wire, in the form that the daemon understands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/gateway_client.h"

namespace loam::frontend {

struct BuiltPlatform {
  std::string id;  // "linux/amd64"
  Ref ref;
  std::string config;       // image config, JSON; "" for none
  std::string base_config;  // of the base image; "" for none
  std::optional<std::int64_t> epoch;
  // What an SBOM scanner wrote about it; nothing if none was asked for.
  std::optional<Ref> sbom;
};

class ResultBuilder {
 public:
  ResultBuilder(const GatewayClient& client, bool multi_platform) : client_(client), multi_platform_(multi_platform) {}

  // kInvalidArgument if the platform's id is none.
  Result<> Add(BuiltPlatform platform);
  api::Result Finish();

 private:
  const GatewayClient& client_;
  const bool multi_platform_;
  api::Result result_;
  std::vector<std::string> platforms_;  // JSON
};

}  // namespace loam::frontend
