#include "runtime-executor/gateway/bridge/frontends.h"

#include <fmt/format.h>

#include "compiler/driver/frontend/dockerfile_frontend.h"
#include "runtime-executor/gateway/bridge/earthfile_frontend.h"
#include "runtime-executor/gateway/bridge/frontend_image.h"
#include "runtime-executor/gateway/dockerfile_build.h"
#include "runtime-executor/ops/op_failure.h"

namespace loam::gateway {
namespace {

constexpr std::string_view kDockerfileFrontend = "dockerfile.v0";
// Each level may be a container.
constexpr int kMaxDepth = 16;

pb::SourceInfo InfoOf(const DockerfileBuildReport& report) {
  pb::SourceInfo info;
  info.set_filename(report.file_name);
  info.set_data(std::string(report.buffer->text()));
  info.set_language("Dockerfile");
  if (!report.definition.empty()) {
    info.mutable_definition()->ParseFromString(report.definition);
  }
  return info;
}

pb::Range LinesToRange(source::LineSpan lines) {
  pb::Range range;
  range.mutable_start()->set_line(static_cast<std::int32_t>(lines.first));
  range.mutable_end()->set_line(static_cast<std::int32_t>(lines.last));
  return range;
}

// The mistakes of a Dockerfile as an error, with their lines.
Error ErrorOf(const DockerfileBuildReport& report, Error error) {
  const driver::Mistakes mistakes = driver::MistakesOf(report.diagnostics, report.buffer);
  if (mistakes.message.empty()) {
    return error;
  }
  Error told(ErrorCode::kInvalidArgument, mistakes.message);
  if (report.buffer == nullptr || mistakes.lines.first == 0) {
    return told;
  }
  return ops::WithOuterDetail<ops::SourceLocationDetail>(std::move(told), InfoOf(report),
                                                         std::vector<pb::Range>{LinesToRange(mistakes.lines)});
}

}  // namespace

Result<FrontendResult> Frontends::Run(const FrontendRequestPtr& request,
                                      const std::map<std::string, std::string>& inputs, bool lazy) {
  if (request->depth > kMaxDepth) {
    return Unexpected(
        ErrorCode::kResourceExhausted,
        fmt::format("frontends are nested more than {} deep: does {} ask for itself?", kMaxDepth, request->frontend));
  }
  const std::string& frontend = request->frontend;
  if ((frontend == kDockerfileFrontend && !options_.dockerfile) ||
      (frontend == kGatewayFrontend && !options_.gateway)) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("invalid frontend: {} is disabled here", frontend));
  }
  if (frontend == kDockerfileFrontend) {
    return RunDockerfile(request, inputs, lazy);
  }
  if (frontend == kGatewayFrontend) {
    return RunImage(request, inputs, lazy);
  }
  if (frontend == kEarthfileFrontend) {
    return RunEarthfile(BridgeOptions(inputs, request), request->options, options_.session_id);
  }
  return Unexpected(ErrorCode::kNotFound, fmt::format("invalid frontend: {}", frontend));
}

BridgeBuildOptions Frontends::BridgeOptions(std::map<std::string, std::string> inputs, FrontendRequestPtr root) {
  BridgeBuildOptions bridge;
  bridge.job = options_.job;
  bridge.client = options_.client;
  bridge.worker = options_.worker;
  bridge.root = std::move(root);
  bridge.requests = options_.requests;
  bridge.inputs = std::move(inputs);
  bridge.stop = options_.stop;
  bridge.run_frontend = [this](const FrontendRequestPtr& nested, const std::map<std::string, std::string>& its_inputs) {
    return Run(nested, its_inputs, true);
  };
  return bridge;
}

Result<FrontendResult> Frontends::RunDockerfile(const FrontendRequestPtr& asked,
                                                const std::map<std::string, std::string>& inputs, bool lazy) {
  DockerfileBuildRequest request;
  request.options = asked->options;
  request.inputs = inputs;
  request.forwards = options_.gateway;
  request.tell_warnings = true;
  request.lazy = lazy;
  request.session_id = options_.session_id;
  // The cache is shared with stock BuildKit clients: the graph is what its own frontend would have made.
  request.optimization_level = 0;
  DockerfileBuildReport report;
  Result<DockerfileBuildResult> built =
      BuildDockerfile(*options_.job, *options_.client, request, report, options_.stop);
  if (!built) {
    return Unexpected(ErrorOf(report, std::move(built).error()));
  }
  if (built->forwarded) {
    // The Dockerfile names another frontend.
    auto forwarded = std::make_shared<engine::FrontendRequest>(*asked);
    forwarded->frontend = kGatewayFrontend;
    forwarded->options["cmdline"] = built->forwarded->cmdline;
    forwarded->options["source"] = built->forwarded->source;
    forwarded->root = asked->root != nullptr ? asked->root : asked;
    Result<FrontendResult> result = RunImage(forwarded, inputs, lazy);
    if (!result && report.buffer != nullptr && built->forwarded->lines.first != 0 &&
        result.error().Detail<ops::SourceLocationDetail>() == nullptr) {
      return Unexpected(ops::WithOuterDetail<ops::SourceLocationDetail>(
          std::move(result).error(), InfoOf(report), std::vector<pb::Range>{LinesToRange(built->forwarded->lines)}));
    }
    return result;
  }
  if (built->platforms.empty()) {
    FrontendResult answer;
    answer.metadata = std::move(built->metadata);
    return answer;
  }
  FrontendResult result =
      FrontendResultOf(std::move(built->platforms), built->multi_platform, std::move(built->metadata));
  result.lazy = lazy;
  return result;
}

Result<FrontendResult> Frontends::RunImage(const FrontendRequestPtr& request,
                                           const std::map<std::string, std::string>& inputs, bool lazy) {
  FrontendImageParts parts;
  parts.job = options_.job;
  parts.client = options_.client;
  parts.run_frontend = BridgeOptions({}, nullptr).run_frontend;
  parts.worker = options_.worker;
  parts.requests = options_.requests;
  parts.session_id = options_.session_id;
  parts.scratch_dir = options_.scratch_dir;
  parts.lazy = lazy;
  return RunFrontendImage(parts, request, inputs, options_.stop);
}

}  // namespace loam::gateway
