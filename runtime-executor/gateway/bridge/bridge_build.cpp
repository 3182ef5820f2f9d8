#include "runtime-executor/gateway/bridge/bridge_build.h"

#include <atomic>

#include <fmt/format.h>

#include "base/image_reference.h"
#include "base/pattern_matcher.h"
#include "base/platform.h"
#include "proto/frontend/gateway/pb/gateway.pb.h"
#include "runtime-executor/gateway/state_files.h"

namespace loam::gateway {
namespace {

constexpr std::string_view kImageScheme = "docker-image://";
constexpr std::string_view kWorkerId = "loam";

std::string NewRefId() {
  static std::atomic<std::uint64_t> next{0};
  return fmt::format("ref{}", ++next);
}

std::optional<Platform> PlatformOf(const pb::Platform& wire) {
  if (wire.os().empty()) {
    return std::nullopt;
  }
  return Platform{wire.os(),
                  wire.architecture(),
                  wire.variant(),
                  wire.osversion(),
                  {wire.osfeatures().begin(), wire.osfeatures().end()}};
}

void SetStat(const sema::FileStat& file, fsutil::types::Stat& wire) {
  wire.set_path(file.path);
  wire.set_mode(file.mode);
  wire.set_size(file.size);
  wire.set_modtime(file.modified_ns);
}

}  // namespace

BridgeBuild::BridgeBuild(BridgeBuildOptions options)
    : options_(std::move(options)), on_stop_(options_.stop, [this] { stop_.request_stop(); }) {}

Result<BridgeBuild::Use> BridgeBuild::Enter() {
  Use use(in_use_);
  if (closed_) {
    return Unexpected(ErrorCode::kUnavailable, "the build is over");
  }
  return use;
}

void BridgeBuild::Close() {
  stop_.request_stop();
  const std::unique_lock lock(in_use_);
  closed_ = true;
}

Result<> BridgeBuild::Ping(bridge_api::PongResponse& response) const {
  const auto add = [](auto* cap, const char* id) {
    cap->set_id(id);
    cap->set_enabled(true);
  };
#define LOAM_GATEWAY_CAP(id) add(response.add_frontendapicaps(), id);
#define LOAM_LLB_CAP(id) add(response.add_llbcaps(), id);
#include "runtime-executor/gateway/bridge/capabilities.def"
#undef LOAM_GATEWAY_CAP
#undef LOAM_LLB_CAP
  auto& worker = *response.add_workers();
  worker.set_id(std::string(kWorkerId));
  const Platform host = HostPlatform();
  pb::Platform& platform = *worker.add_platforms();
  platform.set_os(host.os);
  platform.set_architecture(host.architecture);
  platform.set_variant(host.variant);
  return {};
}

Result<> BridgeBuild::Inputs(bridge_api::InputsResponse& response) const {
  for (const auto& [name, definition] : options_.inputs) {
    if (!(*response.mutable_definitions())[name].ParseFromString(definition)) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("input `{}` is no definition", name));
    }
  }
  return {};
}

Result<> BridgeBuild::ResolveImageConfig(const bridge_api::ResolveImageConfigRequest& request,
                                         bridge_api::ResolveImageConfigResponse& response) {
  engine::ImageRequest image;
  image.ref = request.ref();
  if (request.has_platform()) {
    image.platform = PlatformOf(request.platform());
  }
  image.resolve_mode = request.resolvemode();
  image.log_name = request.logname();
  image.oci_store_id = request.storeid();
  engine::ResolvedImage resolved = LOAM_TRY(options_.job->ResolveImage(image, stop_.get_token()));
  response.set_digest(resolved.digest);
  response.set_config(std::move(resolved.config));
  response.set_ref(request.ref());
  return {};
}

Result<> BridgeBuild::ResolveSourceMeta(const bridge_api::ResolveSourceMetaRequest& request,
                                        bridge_api::ResolveSourceMetaResponse& response) {
  const std::string& identifier = request.source().identifier();
  *response.mutable_source() = request.source();
  if (!identifier.starts_with(kImageScheme)) {
    return Unexpected(ErrorCode::kUnimplemented,
                      fmt::format("metadata of source {} cannot be resolved before it is solved", identifier));
  }
  engine::ImageRequest image;
  image.ref = identifier.substr(kImageScheme.size());
  if (request.has_platform()) {
    image.platform = PlatformOf(request.platform());
  }
  image.resolve_mode = request.resolvemode();
  image.log_name = request.logname();
  engine::ResolvedImage resolved = LOAM_TRY(options_.job->ResolveImage(image, stop_.get_token()));
  response.mutable_image()->set_digest(resolved.digest);
  if (!request.image().noconfig()) {
    response.mutable_image()->set_config(std::move(resolved.config));
  }
  return {};
}

Result<> BridgeBuild::Solve(const bridge_api::SolveRequest& request, bridge_api::SolveResponse& response) {
  if (!request.frontend().empty()) {
    std::map<std::string, std::string> inputs;
    for (const auto& [name, definition] : request.frontendinputs()) {
      inputs[name] = definition.SerializeAsString();
    }
    FrontendResult result = LOAM_TRY(options_.run_frontend(
        request.frontend(), {request.frontendopt().begin(), request.frontendopt().end()}, inputs));
    Describe(std::move(result), response);
    return {};
  }
  // No definition is an empty filesystem.
  if (request.definition().def().empty()) {
    if (request.allowresultreturn()) {
      response.mutable_result()->mutable_ref();
    }
    return {};
  }
  auto ref = std::make_shared<Ref>();
  ref->definition = request.definition().SerializeAsString();
  if (request.evaluate()) {
    LOAM_TRY(SolveRef(*ref));
  }
  const std::string id = Add(std::move(ref));
  if (request.allowresultreturn()) {
    bridge_api::Ref& wire = *response.mutable_result()->mutable_ref();
    wire.set_id(id);
    *wire.mutable_def() = request.definition();
  } else {
    response.set_ref(id);
  }
  return {};
}

void BridgeBuild::Describe(FrontendResult result, bridge_api::SolveResponse& response) {
  bridge_api::Result& wire = *response.mutable_result();
  const auto add = [this](snapshot::FsRef fs) {
    auto ref = std::make_shared<Ref>();
    ref->fs = std::move(fs);
    return Add(std::move(ref));
  };
  if (result.is_map) {
    auto& refs = *wire.mutable_refs()->mutable_refs();
    for (auto& [name, fs] : result.refs) {
      refs[name].set_id(add(std::move(fs)));
    }
  } else if (!result.refs.empty()) {
    wire.mutable_ref()->set_id(add(std::move(result.refs.front().second)));
  }
  for (auto& [key, value] : result.metadata) {
    (*wire.mutable_metadata())[key] = std::move(value);
  }
}

Result<> BridgeBuild::Evaluate(const bridge_api::EvaluateRequest& request) {
  LOAM_TRY(SolveRef(request.ref()));
  return {};
}

Result<> BridgeBuild::ReadFile(const bridge_api::ReadFileRequest& request, bridge_api::ReadFileResponse& response) {
  const snapshot::FsRef fs = LOAM_TRY(SolveRef(request.ref()));
  const snapshot::MountedFs mounted = LOAM_TRY(options_.job->Mount(fs, stop_.get_token()));
  const auto limit = static_cast<std::uint64_t>(std::max<std::int64_t>(request.range().length(), 0));
  const auto offset = static_cast<std::uint64_t>(std::max<std::int64_t>(request.range().offset(), 0));
  response.set_data(LOAM_TRY(StateFiles(mounted).Read(request.filepath(), limit, offset)));
  return {};
}

Result<> BridgeBuild::ReadDir(const bridge_api::ReadDirRequest& request, bridge_api::ReadDirResponse& response) {
  const snapshot::FsRef fs = LOAM_TRY(SolveRef(request.ref()));
  const snapshot::MountedFs mounted = LOAM_TRY(options_.job->Mount(fs, stop_.get_token()));
  PatternMatcher matcher;
  if (!request.includepattern().empty()) {
    matcher = LOAM_TRY(PatternMatcher::Create({request.includepattern()}));
  }
  for (const sema::FileStat& file : LOAM_TRY(StateFiles(mounted).List(request.dirpath()))) {
    if (matcher.empty() || matcher.MatchesOrParentMatches(file.path)) {
      SetStat(file, *response.add_entries());
    }
  }
  return {};
}

Result<> BridgeBuild::StatFile(const bridge_api::StatFileRequest& request, bridge_api::StatFileResponse& response) {
  const snapshot::FsRef fs = LOAM_TRY(SolveRef(request.ref()));
  const snapshot::MountedFs mounted = LOAM_TRY(options_.job->Mount(fs, stop_.get_token()));
  sema::FileStat file = LOAM_TRY(StateFiles(mounted).Stat(request.path()));
  file.path = file.path.substr(file.path.rfind('/') + 1);
  SetStat(file, *response.mutable_stat());
  return {};
}

Result<> BridgeBuild::Warn(const bridge_api::WarnRequest& request) {
  solver::WarningEvent warning;
  warning.level = static_cast<std::int32_t>(request.level());
  warning.short_message = request.short_();
  warning.detail.assign(request.detail().begin(), request.detail().end());
  warning.url = request.url();
  warning.file = request.info().filename();
  for (const pb::Range& range : request.ranges()) {
    warning.ranges.push_back(
        {range.start().line(), range.start().character(), range.end().line(), range.end().character()});
  }
  const auto vertex = Digest::Parse(request.digest());
  if (!vertex) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("a warning about `{}`", request.digest()));
  }
  warning.vertex = *vertex;
  options_.job->Warn(std::move(warning));
  return {};
}

Result<> BridgeBuild::Return(const bridge_api::ReturnRequest& request) {
  if (request.has_error() && request.error().code() != 0) {
    const int code = request.error().code();
    Fail(Error(code <= 16 ? static_cast<ErrorCode>(code) : ErrorCode::kUnknown, request.error().message()));
    return {};
  }
  FrontendResult result;
  const bridge_api::Result& wire = request.result();
  const auto add = [&](const std::string& name, const std::string& id) -> Result<> {
    result.refs.emplace_back(name, id.empty() ? snapshot::FsRef() : LOAM_TRY(SolveRef(id)));
    return {};
  };
  const Result<> solved = [&]() -> Result<> {
    switch (wire.result_case()) {
      case bridge_api::Result::kRef:
        return add("", wire.ref().id());
      case bridge_api::Result::kRefDeprecated:
        return add("", wire.refdeprecated());
      case bridge_api::Result::kRefs:
        result.is_map = true;
        for (const auto& [name, ref] : wire.refs().refs()) {
          LOAM_TRY(add(name, ref.id()));
        }
        return {};
      case bridge_api::Result::kRefsDeprecated:
        result.is_map = true;
        for (const auto& [name, id] : wire.refsdeprecated().refs()) {
          LOAM_TRY(add(name, id));
        }
        return {};
      case bridge_api::Result::RESULT_NOT_SET:
        return {};
    }
    return {};
  }();
  if (!solved) {
    Fail(solved.error());
    return {};
  }
  for (const auto& [key, value] : wire.metadata()) {
    result.metadata[key] = value;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!result_) {
      result_.emplace(std::move(result));
    }
  }
  returned_.notify_all();
  return {};
}

void BridgeBuild::Fail(Error error) {
  {
    const std::lock_guard lock(mutex_);
    if (!result_) {
      result_.emplace(Unexpected(std::move(error)));
    }
  }
  returned_.notify_all();
}

Result<FrontendResult> BridgeBuild::WaitForReturn(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (!returned_.wait(lock, std::move(stop), [this] { return result_.has_value(); })) {
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  return *result_;
}

Result<std::shared_ptr<BridgeBuild::Ref>> BridgeBuild::Find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = refs_.find(id);
  if (found == refs_.end()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("no such ref: {}", id));
  }
  return found->second;
}

std::string BridgeBuild::Add(std::shared_ptr<Ref> ref) {
  std::string id = NewRefId();
  const std::lock_guard lock(mutex_);
  refs_.emplace(id, std::move(ref));
  return id;
}

Result<snapshot::FsRef> BridgeBuild::SolveRef(const std::string& id) {
  if (id.empty()) {
    return snapshot::FsRef();
  }
  return SolveRef(*LOAM_TRY(Find(id)));
}

Result<snapshot::FsRef> BridgeBuild::SolveRef(Ref& ref) {
  const std::lock_guard lock(ref.mutex);
  if (!ref.fs) {
    const std::string_view definition = ref.definition;
    ref.fs = LOAM_TRY(options_.job->SolveAll(std::span(&definition, 1), stop_.get_token())).front();
  }
  return *ref.fs;
}

}  // namespace loam::gateway
