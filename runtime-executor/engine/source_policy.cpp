#include "runtime-executor/engine/source_policy.h"

#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/strings.h"
#include "base/task_pool.h"
#include "llb-emit/encode.h"
#include "runtime-executor/source/git/git_identifier.h"

namespace loam::engine {
namespace {

namespace gateway_api = moby::buildkit::v1::frontend;
namespace session_api = moby::buildkit::v1::sourcepolicy::policysession;
namespace policy_api = moby::buildkit::v1::sourcepolicy;

// How often a client may ask back, or convert, for one source.
constexpr int kMaxRequests = 10;

bool EqualAttributes(const pb::SourceOp& a, const pb::SourceOp& b) {
  return std::map<std::string, std::string>(a.attrs().begin(), a.attrs().end()) ==
         std::map<std::string, std::string>(b.attrs().begin(), b.attrs().end());
}

}  // namespace

Result<> SourcePolicy::ReadRules() {
  const std::lock_guard lock(read_mutex_);
  if (read_) {
    return {};
  }
  const auto add = [this](const std::string& bytes) -> Result<> {
    source::SourceRules& rules = rules_.emplace_back();
    if (!rules.ParseFromString(bytes)) {
      return Unexpected(ErrorCode::kInvalidArgument, "a source policy is malformed");
    }
    return source::CheckRules(rules);
  };
  for (const std::string& rules : options_.rules) {
    LOAM_TRY(add(rules));
  }
  for (const std::string& rules : more_rules_) {
    LOAM_TRY(add(rules));
  }
  read_ = true;
  return {};
}

Result<bool> SourcePolicy::Apply(pb::Op& op, std::stop_token stop, bool rules_only) {
  LOAM_TRY(ReadRules());
  pb::SourceOp& source = *op.mutable_source();
  bool changed = false;
  // Rules are about what is meant, however it is written.
  std::string canonical = source::CanonicalGitIdentifier(source.identifier());
  if (canonical != source.identifier()) {
    source.set_identifier(std::move(canonical));
    changed = true;
  }
  changed = LOAM_TRY(source::ApplyRules(rules_, source)) || changed;
  if (options_.ask && !rules_only) {
    changed = LOAM_TRY(AskClient(op, stop, kMaxRequests)) || changed;
  }
  return changed;
}

Result<bool> SourcePolicy::AskClient(pb::Op& op, const std::stop_token& stop, int budget) {
  pb::SourceOp& source = *op.mutable_source();
  session_api::CheckPolicyRequest request;
  if (op.has_platform()) {
    *request.mutable_platform() = op.platform();
  }
  *request.mutable_source()->mutable_source() = source;
  bool changed = false;
  while (budget-- > 0) {
    session_api::CheckPolicyResponse response;
    LOAM_TRY(options_.ask(request, response, stop));
    if (response.has_request()) {
      const gateway_api::ResolveSourceMetaRequest& wanted = response.request();
      if (wanted.source().identifier() != source.identifier()) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("policy requested different source identifier: \"{}\" != \"{}\"",
                                      wanted.source().identifier(), source.identifier()));
      }
      if (!EqualAttributes(wanted.source(), source)) {
        return Unexpected(ErrorCode::kInvalidArgument, "policy requested different source attrs");
      }
      request.clear_source();
      LOAM_TRY_CONTEXT("error resolving source metadata from policy request",
                       resolve_(wanted, *request.mutable_source()));
      continue;
    }
    if (!response.has_decision()) {
      return Unexpected(ErrorCode::kInvalidArgument, "no decision in policy response");
    }
    const session_api::DecisionResponse& decision = response.decision();
    if (decision.action() == policy_api::CONVERT) {
      if (!decision.has_update()) {
        return Unexpected(ErrorCode::kInvalidArgument, "convert action requires updated source");
      }
      source = decision.update();
      changed = true;
      LOAM_TRY(source::ApplyRules(rules_, source));
      *request.mutable_source() = {};
      *request.mutable_source()->mutable_source() = source;
      continue;
    }
    if (decision.action() != policy_api::ALLOW) {
      std::vector<std::string> messages;
      for (const session_api::DenyMessage& message : decision.denymessages()) {
        messages.push_back(message.message());
      }
      return Unexpected(Error(ErrorCode::kPermissionDenied,
                              fmt::format("source \"{}\" not allowed by policy: action {}", source.identifier(),
                                          policy_api::PolicyAction_Name(decision.action())))
                            .WithDetail(std::make_shared<const PolicyDenyDetail>(std::move(messages))));
    }
    return changed;
  }
  return Unexpected(ErrorCode::kInvalidArgument, "too many policy requests");
}

Result<std::optional<std::string>> RewriteSources(std::string_view bytes,
                                                  const std::function<Result<bool>(pb::Op&)>& apply,
                                                  std::size_t parallelism) {
  pb::Definition definition;
  if (!definition.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Unexpected(ErrorCode::kInvalidArgument, "the definition is malformed");
  }
  std::vector<pb::Op> ops(static_cast<std::size_t>(definition.def_size()));
  std::unordered_map<std::string, std::size_t> by_digest;
  std::vector<std::string> digests;
  std::vector<bool> changed(ops.size(), false);
  bool any = false;
  std::vector<std::size_t> sources;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const std::string& op_bytes = definition.def(static_cast<int>(i));
    if (!ops[i].ParseFromString(op_bytes)) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("op {} of the definition is malformed", i));
    }
    digests.push_back(Digest::Of(op_bytes).ToString());
    by_digest.emplace(digests.back(), i);
    if (ops[i].has_source()) {
      sources.push_back(i);
    }
  }
  std::vector<Result<bool>> applied(sources.size(), false);
  ParallelFor(
      sources.size(), [&](std::size_t i) { applied[i] = apply(ops[sources[i]]); }, parallelism);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    changed[sources[i]] = LOAM_TRY(std::move(applied[i]));
    any = any || changed[sources[i]];
  }
  if (!any) {
    return std::optional<std::string>();
  }
  // New digests in the order of dependence; a chain may be long, so no recursion.
  std::vector<std::string> renamed(ops.size());
  std::vector<bool> on_stack(ops.size(), false);
  for (std::size_t start = 0; start < ops.size(); ++start) {
    std::vector<std::size_t> stack = {start};
    while (!stack.empty()) {
      const std::size_t current = stack.back();
      if (!renamed[current].empty()) {
        stack.pop_back();
        continue;
      }
      bool waits = false;
      for (const pb::Input& input : ops[current].inputs()) {
        const auto found = by_digest.find(input.digest());
        if (found != by_digest.end() && renamed[found->second].empty()) {
          if (on_stack[found->second]) {
            return Unexpected(ErrorCode::kInvalidArgument, "the definition has a cycle");
          }
          stack.push_back(found->second);
          waits = true;
        }
      }
      on_stack[current] = true;
      if (waits) {
        continue;
      }
      for (pb::Input& input : *ops[current].mutable_inputs()) {
        const auto found = by_digest.find(input.digest());
        if (found != by_digest.end() && renamed[found->second] != input.digest()) {
          input.set_digest(renamed[found->second]);
          changed[current] = true;
        }
      }
      if (changed[current]) {
        std::string encoded = llb::EncodeOp(ops[current]);
        renamed[current] = Digest::Of(encoded).ToString();
        definition.set_def(static_cast<int>(current), std::move(encoded));
      } else {
        renamed[current] = digests[current];
      }
      stack.pop_back();
    }
  }
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (renamed[i] == digests[i]) {
      continue;
    }
    auto& metadata = *definition.mutable_metadata();
    if (const auto found = metadata.find(digests[i]); found != metadata.end()) {
      pb::OpMetadata moved = found->second;
      metadata.erase(found);
      metadata[renamed[i]] = std::move(moved);
    }
    if (definition.has_source()) {
      auto& locations = *definition.mutable_source()->mutable_locations();
      if (const auto found = locations.find(digests[i]); found != locations.end()) {
        pb::Locations moved = found->second;
        locations.erase(found);
        locations[renamed[i]] = std::move(moved);
      }
    }
  }
  return std::optional(definition.SerializeAsString());
}

}  // namespace loam::engine
