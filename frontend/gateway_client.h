// GatewayClient: the daemon's LLBBridge as calls that give Results, with what the daemon can taken into account: the
// API has grown, and a daemon of 2020 is asked in the ways of 2020.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/frontend/gateway/pb/gateway.grpc.pb.h"

namespace loam::frontend {

namespace api = moby::buildkit::v1::frontend;

// A reference that the daemon holds; "" is the empty filesystem.
struct Ref {
  std::string id;
  // With it, from daemons that tell: its serialised pb.Definition.
  std::string definition;
};

struct ImageConfig {
  std::string ref;
  std::string digest;
  std::string config;
};

// Thread-safe.
class GatewayClient {
 public:
  // `options`: the frontend's, of which "cache-from" and "cache-imports" go with every request.
  GatewayClient(std::unique_ptr<api::LLBBridge::StubInterface> bridge, std::map<std::string, std::string> options);

  // To be called first.
  Result<> Connect();
  [[nodiscard]] bool Has(std::string_view capability) const { return caps_.contains(capability); }
  [[nodiscard]] const std::set<std::string, std::less<>>& llb_caps() const { return llb_caps_; }
  // For containers and their processes.
  [[nodiscard]] api::LLBBridge::StubInterface& bridge() const { return *bridge_; }
  [[nodiscard]] bool HasLlb(std::string_view capability) const { return llb_caps_.contains(capability); }

  // Lazy: what fails may do so when the reference is used. kUnimplemented if the daemon lacks what the definition
  // needs.
  Result<Ref> Solve(const std::string& definition);
  // Another frontend's whole result.
  Result<api::Result> SolveFrontend(const std::string& frontend, const std::map<std::string, std::string>& options,
                                    const std::map<std::string, std::string>& inputs);
  Result<> Evaluate(const Ref& ref);
  // `limit` 0: all. kNotFound if there is no such file.
  Result<std::string> ReadFile(const Ref& ref, std::string_view path, std::uint64_t limit = 0);
  Result<fsutil::types::Stat> StatFile(const Ref& ref, std::string_view path);
  Result<std::vector<fsutil::types::Stat>> ReadDir(const Ref& ref, std::string_view path,
                                                   std::string_view include_pattern = {});
  // Of "docker-image://…" and "oci-layout://…" identifiers.
  Result<ImageConfig> ResolveImage(const api::ResolveSourceMetaRequest& request);
  // kUnimplemented where the daemon has no such call.
  Result<api::ResolveSourceMetaResponse> ResolveSource(const api::ResolveSourceMetaRequest& request);
  // Serialised pb.Definitions by name; none where the daemon has no such call.
  Result<std::map<std::string, std::string>> Inputs();
  // Nothing where the daemon has no such call.
  Result<> Warn(const api::WarnRequest& request);
  // To be called last, once.
  Result<> Return(const api::ReturnRequest& request);

 private:
  Result<api::SolveResponse> SolveRaw(api::SolveRequest request);

  const std::unique_ptr<api::LLBBridge::StubInterface> bridge_;
  const std::map<std::string, std::string> options_;
  std::vector<api::CacheOptionsEntry> cache_imports_;
  std::set<std::string, std::less<>> caps_;
  std::set<std::string, std::less<>> llb_caps_;
};

}  // namespace loam::frontend
