#include "runtime-executor/gateway/bridge/bridge_build.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/image_reference.h"
#include "base/json_nesting.h"
#include "base/platform.h"
#include "llb-emit/image_source.h"
#include "proto/frontend/gateway/pb/gateway.pb.h"
#include "runtime-executor/gateway/bridge/error_status.h"
#include "runtime-executor/ops/op_failure.h"

namespace loam::gateway {
namespace {

constexpr std::size_t kMaxNesting = 1000;

std::string NewRefId() {
  static std::atomic<std::uint64_t> next{0};
  return fmt::format("ref{}", ++next);
}

}  // namespace

std::map<std::string, provenance::RequestPtr> RequestsOf(const std::map<std::string, std::string>& inputs,
                                                         const provenance::RequestRegistry* requests) {
  std::map<std::string, provenance::RequestPtr> found;
  for (const auto& [name, definition] : inputs) {
    if (provenance::RequestPtr request = requests == nullptr ? nullptr : requests->Find(definition)) {
      found[name] = std::move(request);
    }
  }
  return found;
}

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
  containers_.ReleaseAll();
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
  worker.set_id(options_.worker.id);
  worker.mutable_labels()->insert(options_.worker.labels.begin(), options_.worker.labels.end());
  for (const Platform& platform : options_.worker.platforms) {
    pb::Platform& wire = *worker.add_platforms();
    wire.set_os(platform.os);
    wire.set_architecture(platform.architecture);
    wire.set_variant(platform.variant);
  }
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
    image.platform = llb::PlatformOf(request.platform());
  }
  image.resolve_mode = request.resolvemode();
  image.log_name = request.logname().empty()
                       ? fmt::format("resolve image config for {}://{}",
                                     request.storeid().empty() ? "docker-image" : "oci-layout", request.ref())
                       : request.logname();
  image.oci_store_id = request.storeid();
  for (const auto& policy : request.sourcepolicies()) {
    image.policies.push_back(policy.SerializeAsString());
  }
  engine::ResolvedImage resolved = LOAM_TRY(options_.job->ResolveImage(image, stop_.get_token()));
  response.set_digest(resolved.digest);
  response.set_config(std::move(resolved.config));
  response.set_ref(request.ref());
  return {};
}

Result<> BridgeBuild::ResolveSourceMeta(const bridge_api::ResolveSourceMetaRequest& request,
                                        bridge_api::ResolveSourceMetaResponse& response) {
  return options_.job->ResolveSourceMeta(request, response, stop_.get_token());
}

Result<> BridgeBuild::Solve(const bridge_api::SolveRequest& request, bridge_api::SolveResponse& response) {
  if (!request.frontend().empty()) {
    return SolveByFrontend(request, response);
  }
  bridge_api::Result& result = *response.mutable_result();
  // No definition is an empty filesystem.
  if (request.definition().def().empty()) {
    if (request.allowresultarrayref()) {
      result.mutable_ref();
    } else {
      result.set_refdeprecated("");
    }
    return {};
  }
  auto ref = std::make_shared<Ref>();
  ref->definition = request.definition().SerializeAsString();
  if (options_.request != nullptr) {
    ref->request = *options_.request;
    LOAM_TRY(Register(ref->definition, ref->request));
  }
  for (const auto& policy : request.sourcepolicies()) {
    ref->policies.push_back(policy.SerializeAsString());
  }
  if (!request.cacheimports().empty()) {
    std::vector<engine::CacheEntry>& imports = ref->imports.emplace();
    for (const bridge_api::CacheOptionsEntry& entry : request.cacheimports()) {
      imports.push_back({entry.type(), {entry.attrs().begin(), entry.attrs().end()}});
    }
  }
  if (request.evaluate()) {
    LOAM_TRY(SolveRef(*ref));
  }
  const std::string id = Add(std::move(ref));
  if (request.allowresultarrayref()) {
    result.mutable_ref()->set_id(id);
    *result.mutable_ref()->mutable_def() = request.definition();
  } else {
    result.set_refdeprecated(id);
  }
  if (!request.allowresultreturn()) {
    response.set_ref(id);
  }
  if (request.final()) {
    return ReturnFinal(id, request.exporterattr());
  }
  return {};
}

Result<> BridgeBuild::SolveByFrontend(const bridge_api::SolveRequest& request, bridge_api::SolveResponse& response) {
  std::map<std::string, std::string> inputs;
  for (const auto& [name, definition] : request.frontendinputs()) {
    inputs[name] = definition.SerializeAsString();
  }
  auto asked = std::make_shared<engine::FrontendRequest>();
  asked->frontend = request.frontend();
  asked->options.insert(request.frontendopt().begin(), request.frontendopt().end());
  asked->inputs = RequestsOf(inputs, options_.requests);
  asked->root = options_.root != nullptr ? options_.root : options_.request;
  asked->depth = options_.request == nullptr ? 1 : options_.request->depth + 1;
  Result<FrontendResult> result = options_.run_frontend(asked, inputs);
  if (!result) {
    return Unexpected(NameFilesystems(std::move(result).error()));
  }
  for (const auto& [name, fs] : result->refs) {
    const engine::FrontendRequest& made_by = result->requests.try_emplace(name, *asked).first->second;
    if (const auto definition = result->definitions.find(name); definition != result->definitions.end()) {
      LOAM_TRY(Register(definition->second, made_by));
    }
  }
  if (result->sources != nullptr) {
    const std::lock_guard lock(mutex_);
    nested_sources_.definitions.insert(nested_sources_.definitions.end(), result->sources->definitions.begin(),
                                       result->sources->definitions.end());
    nested_sources_.locals.insert(result->sources->locals.begin(), result->sources->locals.end());
  }
  const std::vector<std::shared_ptr<Ref>> refs = Describe(*std::move(result), request.allowresultarrayref(), response);
  return request.evaluate() ? SolveTogether(refs) : Result<>();
}

Result<> BridgeBuild::Register(const std::string& definition, const engine::FrontendRequest& request) {
  if (options_.requests == nullptr || definition.empty()) {
    return {};
  }
  std::shared_ptr<void> entry =
      options_.requests->Register(definition, LOAM_TRY(options_.job->Describe(request, definition)));
  const std::lock_guard lock(mutex_);
  registered_.push_back(std::move(entry));
  return {};
}

engine::FrontendSources BridgeBuild::OtherSources(const std::vector<std::shared_ptr<Ref>>& returned) {
  std::vector<std::shared_ptr<Ref>> all;
  engine::FrontendSources sources;
  {
    const std::lock_guard lock(mutex_);
    sources = nested_sources_;
    for (const auto& [id, ref] : refs_) {
      all.push_back(ref);
    }
  }
  for (const std::shared_ptr<Ref>& ref : all) {
    const std::lock_guard lock(ref->mutex);
    if (ref->fs && !ref->definition.empty() && std::find(returned.begin(), returned.end(), ref) == returned.end()) {
      sources.definitions.push_back(ref->definition);
    }
  }
  return sources;
}

// As old clients end a build: the last solve's result is the build's, and its attributes come as JSON.
Result<> BridgeBuild::ReturnFinal(const std::string& id, const std::string& attributes) {
  bridge_api::ReturnRequest last;
  last.mutable_result()->mutable_ref()->set_id(id);
  if (!attributes.empty()) {
    const nlohmann::json parsed = nlohmann::json::parse(attributes, nullptr, false);
    if (!parsed.is_object()) {
      return Unexpected(ErrorCode::kInvalidArgument, "the exporter attributes of a final solve are no JSON object");
    }
    for (const auto& [name, value] : parsed.items()) {
      std::optional<std::string> bytes = value.is_string() ? Base64Decode(value.get<std::string>()) : std::nullopt;
      if (!bytes) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the exporter attribute `{}` is no base64", name));
      }
      (*last.mutable_result()->mutable_metadata())[name] = *std::move(bytes);
    }
  }
  return Return(last);
}

std::vector<std::shared_ptr<BridgeBuild::Ref>> BridgeBuild::Describe(FrontendResult result, bool array_refs,
                                                                     bridge_api::SolveResponse& response) {
  bridge_api::Result& wire = *response.mutable_result();
  std::vector<std::shared_ptr<Ref>> refs;
  const auto add = [this, &result, &refs](const std::string& name, snapshot::FsRef fs, bridge_api::Ref& to) {
    auto ref = std::make_shared<Ref>();
    if (const auto definition = result.definitions.find(name); definition != result.definitions.end()) {
      ref->definition = definition->second;
      to.mutable_def()->ParseFromString(definition->second);
    }
    if (!result.lazy || ref->definition.empty()) {
      ref->fs = std::move(fs);
    }
    ref->request = std::move(result.requests[name]);
    refs.push_back(ref);
    to.set_id(Add(std::move(ref)));
  };
  if (result.is_map) {
    for (auto& [name, fs] : result.refs) {
      if (array_refs) {
        add(name, std::move(fs), (*wire.mutable_refs()->mutable_refs())[name]);
      } else {
        bridge_api::Ref ref;
        add(name, std::move(fs), ref);
        (*wire.mutable_refsdeprecated()->mutable_refs())[name] = ref.id();
      }
    }
  } else if (!result.refs.empty()) {
    bridge_api::Ref ref;
    add(result.refs.front().first, std::move(result.refs.front().second), ref);
    response.set_ref(ref.id());
    if (array_refs) {
      *wire.mutable_ref() = std::move(ref);
    } else {
      wire.set_refdeprecated(ref.id());
    }
  } else if (array_refs) {
    wire.mutable_ref();
  }
  for (auto& [key, value] : result.metadata) {
    (*wire.mutable_metadata())[key] = std::move(value);
  }
  return refs;
}

Result<> BridgeBuild::Evaluate(const bridge_api::EvaluateRequest& request) {
  LOAM_TRY(SolveRef(request.ref()));
  return {};
}

Result<> BridgeBuild::NewContainer(const bridge_api::NewContainerRequest& request) {
  ops::ContainerOptions options;
  for (const pb::Mount& mount : request.mounts()) {
    ops::ContainerMount made;
    made.mount = mount;
    if (!mount.resultid().empty()) {
      made.fs = LOAM_TRY_CONTEXT(fmt::format("failed to find ref {} for \"{}\" mount", mount.resultid(), mount.dest()),
                                 SolveRef(mount.resultid()));
    }
    options.mounts.push_back(std::move(made));
  }
  options.network = request.network();
  options.hostname = request.hostname();
  options.windows = request.platform().os() == "windows";
  for (const pb::HostIP& host : request.extrahosts()) {
    options.extra_hosts.push_back({host.host(), host.ip()});
  }
  return containers_.Add(request.containerid(),
                         LOAM_TRY(options_.job->NewContainer(std::move(options), stop_.get_token())));
}

Result<> BridgeBuild::ReleaseContainer(const bridge_api::ReleaseContainerRequest& request) {
  return containers_.Release(request.containerid());
}

Result<> BridgeBuild::ExecProcess(ExecStream& stream) {
  return ExecSession(containers_, stream).Run(stop_.get_token());
}

Result<> BridgeBuild::Warn(const bridge_api::WarnRequest& request) {
  solver::WarningEvent warning;
  warning.level = static_cast<std::int32_t>(request.level());
  warning.short_message = request.short_();
  warning.detail.assign(request.detail().begin(), request.detail().end());
  warning.url = request.url();
  warning.file = request.info().filename();
  warning.file_data = request.info().data();
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
    Fail(FromRpcStatus(request.error()));
    return {};
  }
  FrontendResult result;
  const bridge_api::Result& wire = request.result();
  std::vector<std::pair<std::string, std::string>> named;
  switch (wire.result_case()) {
    case bridge_api::Result::kRef:
      named.emplace_back("", wire.ref().id());
      break;
    case bridge_api::Result::kRefDeprecated:
      named.emplace_back("", wire.refdeprecated());
      break;
    case bridge_api::Result::kRefs:
      result.is_map = true;
      for (const auto& [name, ref] : wire.refs().refs()) {
        named.emplace_back(name, ref.id());
      }
      break;
    case bridge_api::Result::kRefsDeprecated:
      result.is_map = true;
      named.assign(wire.refsdeprecated().refs().begin(), wire.refsdeprecated().refs().end());
      break;
    case bridge_api::Result::RESULT_NOT_SET:
      break;
  }
  std::sort(named.begin(), named.end());
  std::vector<std::shared_ptr<Ref>> refs;
  for (const auto& [name, id] : named) {
    refs.push_back(id.empty() ? nullptr : LOAM_TRY(Find(id)));
  }
  if (const Result<> solved = SolveTogether(refs, options_.lazy); !solved) {
    Fail(solved.error());
    return {};
  }
  result.lazy = options_.lazy;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    const std::string& name = named[i].first;
    if (refs[i] == nullptr) {
      result.refs.emplace_back(name, snapshot::FsRef());
      continue;
    }
    const bool open = options_.lazy && CanWait(*refs[i]);
    result.refs.emplace_back(name, open ? snapshot::FsRef() : LOAM_TRY(SolveRef(*refs[i])));
    result.requests[name] = refs[i]->request;
    if (!refs[i]->definition.empty()) {
      result.definitions[name] = refs[i]->definition;
    }
  }
  result.sources = std::make_shared<const engine::FrontendSources>(OtherSources(refs));
  for (const auto& [key, value] : wire.metadata()) {
    // JSON that is read more than once.
    if ((key.starts_with("containerimage.") || key.starts_with("refs.")) && JsonNestsDeeperThan(value, kMaxNesting)) {
      Fail(Error(ErrorCode::kInvalidArgument, fmt::format("{} of the result is nested too deeply", key)));
      return {};
    }
    result.metadata[key] = value;
  }
  if (const Result<> read = ReadAttestations(wire, result); !read) {
    Fail(read.error());
    return {};
  }
  {
    const std::lock_guard lock(mutex_);
    if (result_) {
      return Unexpected(ErrorCode::kUnknown, "gateway result is already set");
    }
    result_.emplace(std::move(result));
    for (const auto& [name, id] : named) {
      if (!id.empty()) {
        returned_refs_.push_back(id);
      }
    }
  }
  returned_.notify_all();
  return {};
}

// Whether its definition is all that it takes to solve it later, by another build.
bool BridgeBuild::CanWait(const Ref& ref) {
  return !ref.definition.empty() && ref.policies.empty() && !ref.imports;
}

// What is not solved yet, in parallel; each then has its filesystem. `lazy`: only what cannot wait.
Result<> BridgeBuild::SolveTogether(const std::vector<std::shared_ptr<Ref>>& refs, bool lazy) {
  std::vector<std::string_view> definitions;
  std::vector<Ref*> open;
  for (const std::shared_ptr<Ref>& ref : refs) {
    if (ref == nullptr || (lazy && CanWait(*ref))) {
      continue;
    }
    const std::lock_guard lock(ref->mutex);
    // Those with policies or caches of their own are solved on their own.
    if (!ref->fs && ref->policies.empty() && !ref->imports &&
        std::find(open.begin(), open.end(), ref.get()) == open.end()) {
      definitions.push_back(ref->definition);
      open.push_back(ref.get());
    }
  }
  if (open.empty()) {
    return {};
  }
  Result<std::vector<snapshot::FsRef>> solved = options_.job->SolveAll(definitions, stop_.get_token());
  if (!solved) {
    return Unexpected(NameFilesystems(std::move(solved).error()));
  }
  for (std::size_t i = 0; i < open.size(); ++i) {
    const std::lock_guard lock(open[i]->mutex);
    open[i]->fs = (*solved)[i];
  }
  return {};
}

Result<> BridgeBuild::ReadAttestations(const bridge_api::Result& wire, FrontendResult& result) {
  for (const auto& [platform, list] : wire.attestations()) {
    for (const bridge_api::Attestation& from : list.attestation()) {
      exporter::Attestation& attestation = result.attestations[platform].emplace_back();
      attestation.bundle = from.kind() == bridge_api::Bundle;
      for (const auto& [key, value] : from.metadata()) {
        attestation.metadata[key] = value;
      }
      if (!from.ref().id().empty()) {
        attestation.fs = LOAM_TRY(SolveRef(from.ref().id()));
      }
      attestation.path = from.path();
      attestation.predicate_type = from.intotopredicatetype();
      for (const bridge_api::InTotoSubject& subject : from.intotosubjects()) {
        attestation.subjects.push_back(
            {subject.kind() == bridge_api::Self, subject.name(), {subject.digest().begin(), subject.digest().end()}});
      }
    }
  }
  return {};
}

std::vector<std::string> BridgeBuild::Offer(const FrontendResult& result) {
  std::vector<std::string> ids;
  for (const auto& [name, fs] : result.refs) {
    auto ref = std::make_shared<Ref>();
    ref->fs = fs;
    ids.push_back(fs.is_scratch() ? std::string() : Add(std::move(ref)));
  }
  return ids;
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

std::vector<std::string> BridgeBuild::ReturnedRefs() const {
  const std::lock_guard lock(mutex_);
  return returned_refs_;
}

std::optional<Result<FrontendResult>> BridgeBuild::Returned() const {
  const std::lock_guard lock(mutex_);
  return result_;
}

Error BridgeBuild::NameFilesystems(Error error) {
  const auto* const op = error.Detail<ops::FailedOpDetail>();
  if (op == nullptr || error.Detail<SolveDetail>() != nullptr) {
    return error;
  }
  errdefs::Solve solve;
  *solve.mutable_op() = *op->op;
  solve.mutable_description()->insert(op->description.begin(), op->description.end());
  if (const auto* const left = error.Detail<ops::FailedFilesystemsDetail>()) {
    const auto name = [this](const std::optional<snapshot::FsRef>& fs) {
      if (!fs) {
        return std::string();
      }
      auto ref = std::make_shared<Ref>();
      ref->fs = *fs;
      return Add(std::move(ref));
    };
    for (const auto& fs : left->filesystems.inputs) {
      solve.add_inputids(name(fs));
    }
    for (const auto& fs : left->filesystems.outputs) {
      solve.add_mountids(name(fs));
    }
    if (left->filesystems.file_action) {
      solve.mutable_file()->set_index(*left->filesystems.file_action);
    }
    if (left->filesystems.content_input) {
      solve.mutable_cache()->set_index(*left->filesystems.content_input);
    }
  }
  return ops::WithOuterDetail<SolveDetail>(std::move(error), std::move(solve));
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
    const std::span definitions(&definition, 1);
    Result<std::vector<snapshot::FsRef>> solved =
        ref.imports ? options_.job->SolveAll(definitions, *ref.imports, stop_.get_token(), ref.policies)
                    : options_.job->SolveAll(definitions, stop_.get_token(), ref.policies);
    if (!solved) {
      return Unexpected(NameFilesystems(std::move(solved).error()));
    }
    ref.fs = solved->front();
  }
  return *ref.fs;
}

}  // namespace loam::gateway
