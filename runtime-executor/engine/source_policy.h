// The source policy of a build: rules, and a client that is asked about every source. Internal to this folder, but for
// SourcePolicyOptions.
#pragma once

#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/frontend/gateway/pb/gateway.pb.h"
#include "proto/solver/pb/ops.pb.h"
#include "proto/sourcepolicy/policysession/policysession.pb.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/source/policy/source_rules.h"

namespace loam::engine {

// Facts of a source, for whom the client's policy asks.
using ResolveMeta = std::function<Result<>(const moby::buildkit::v1::frontend::ResolveSourceMetaRequest&,
                                           moby::buildkit::v1::frontend::ResolveSourceMetaResponse&)>;

class SourcePolicy {
 public:
  // The options outlive the object.
  SourcePolicy(const SourcePolicyOptions& options, std::span<const std::string> more_rules, ResolveMeta resolve)
      : options_(options), more_rules_(more_rules), resolve_(std::move(resolve)) {}

  // Somebody else decides, which may take long.
  [[nodiscard]] bool asks() const { return static_cast<bool>(options_.ask); }
  [[nodiscard]] bool empty() const { return !options_.ask && options_.rules.empty() && more_rules_.empty(); }
  // Whether `op`, a source, was changed. kPermissionDenied if it may not be used. `rules_only`: the client is not
  // asked. Thread-safe.
  Result<bool> Apply(pb::Op& op, std::stop_token stop, bool rules_only = false);

 private:
  Result<> ReadRules();
  Result<bool> AskClient(pb::Op& op, const std::stop_token& stop, int budget);

  const SourcePolicyOptions& options_;
  const std::span<const std::string> more_rules_;
  const ResolveMeta resolve_;
  std::mutex read_mutex_;  // guards read_; rules_ are not changed after
  bool read_ = false;
  std::vector<source::SourceRules> rules_;
};

// Applies `apply` to every source of a definition; the digests of what depends on a changed one are made anew, and
// metadata and source locations go with them. nullopt if nothing was changed. `parallelism`: calls at the same time.
Result<std::optional<std::string>> RewriteSources(std::string_view definition,
                                                  const std::function<Result<bool>(pb::Op&)>& apply,
                                                  std::size_t parallelism);

}  // namespace loam::engine
