#include "frontend/gateway_client.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "compiler/sema/build_host.h"
#include "frontend/status.h"

namespace loam::frontend {
namespace {

constexpr std::string_view kImageScheme = "docker-image://";
constexpr std::string_view kOciScheme = "oci-layout://";
// ResolveImageConfigRequest.ResolverType
constexpr int kOciLayoutResolver = 1;
// A stream of directories is long; everything else is small.
constexpr const char* kCacheImports = "cache-imports";
constexpr const char* kCacheFrom = "cache-from";

template <class Request, class Response>
Result<Response> Call(api::LLBBridge::StubInterface& bridge,
                      grpc::Status (api::LLBBridge::StubInterface::*method)(grpc::ClientContext*, const Request&,
                                                                            Response*),
                      const Request& request) {
  grpc::ClientContext context;
  Response response;
  const grpc::Status status = (bridge.*method)(&context, request, &response);
  if (!status.ok()) {
    return Unexpected(FromGrpcStatus(status));
  }
  return response;
}

std::vector<api::CacheOptionsEntry> CacheImportsOf(const std::map<std::string, std::string>& options) {
  std::vector<api::CacheOptionsEntry> made;
  if (const auto found = options.find(kCacheImports); found != options.end()) {
    const nlohmann::json list = nlohmann::json::parse(found->second, nullptr, false);
    for (const nlohmann::json& item : list.is_array() ? list : nlohmann::json::array()) {
      api::CacheOptionsEntry& entry = made.emplace_back();
      entry.set_type(item.value("Type", ""));
      if (const auto attrs = item.find("Attrs"); attrs != item.end() && attrs->is_object()) {
        for (const auto& [key, value] : attrs->items()) {
          (*entry.mutable_attrs())[key] = value.is_string() ? value.get<std::string>() : value.dump();
        }
      }
    }
  }
  if (const auto found = options.find(kCacheFrom); found != options.end() && !found->second.empty()) {
    for (const std::string_view ref : Split(found->second, ',')) {
      api::CacheOptionsEntry& entry = made.emplace_back();
      entry.set_type("registry");
      (*entry.mutable_attrs())["ref"] = std::string(ref);
    }
  }
  return made;
}

Ref RefOf(const api::Ref& wire) {
  return {wire.id(), wire.has_def() ? wire.def().SerializeAsString() : std::string()};
}

}  // namespace

GatewayClient::GatewayClient(std::unique_ptr<api::LLBBridge::StubInterface> bridge,
                             std::map<std::string, std::string> options)
    : bridge_(std::move(bridge)), options_(std::move(options)), cache_imports_(CacheImportsOf(options_)) {}

Result<> GatewayClient::Connect() {
  const api::PongResponse pong = LOAM_TRY_CONTEXT(
      "ask the daemon what it can", Call(*bridge_, &api::LLBBridge::StubInterface::Ping, api::PingRequest()));
  for (const auto& cap : pong.frontendapicaps()) {
    if (cap.enabled()) {
      caps_.insert(cap.id());
    }
  }
  for (const auto& cap : pong.llbcaps()) {
    if (cap.enabled()) {
      llb_caps_.insert(cap.id());
    }
  }
  if (!Has("return")) {
    return Unexpected(ErrorCode::kUnimplemented,
                      "the daemon is too old for this frontend: it takes no returned result");
  }
  return {};
}

Result<api::SolveResponse> GatewayClient::SolveRaw(api::SolveRequest request) {
  request.set_allowresultreturn(true);
  request.set_allowresultarrayref(true);
  for (const api::CacheOptionsEntry& entry : cache_imports_) {
    *request.add_cacheimports() = entry;
  }
  return Call(*bridge_, &api::LLBBridge::StubInterface::Solve, request);
}

Result<Ref> GatewayClient::Solve(const std::string& definition) {
  api::SolveRequest request;
  if (!request.mutable_definition()->ParseFromString(definition)) {
    return Unexpected(ErrorCode::kInternal, "what is to be solved is no definition");
  }
  for (const auto& [digest, metadata] : request.definition().metadata()) {
    for (const auto& [cap, wanted] : metadata.caps()) {
      if (wanted && !HasLlb(cap)) {
        return Unexpected(ErrorCode::kUnimplemented,
                          fmt::format("requested feature {} is not supported by the build server, please update", cap));
      }
    }
  }
  const api::SolveResponse response = LOAM_TRY(SolveRaw(std::move(request)));
  if (!response.has_result()) {
    return Ref{response.ref(), {}};
  }
  switch (response.result().result_case()) {
    case api::Result::kRef:
      return RefOf(response.result().ref());
    case api::Result::kRefDeprecated:
      return Ref{response.result().refdeprecated(), {}};
    case api::Result::kRefs:
    case api::Result::kRefsDeprecated:
      return Unexpected(ErrorCode::kInternal, "one definition gave several references");
    case api::Result::RESULT_NOT_SET:
      break;
  }
  return Ref{};
}

Result<api::Result> GatewayClient::SolveFrontend(const std::string& frontend,
                                                 const std::map<std::string, std::string>& options,
                                                 const std::map<std::string, std::string>& inputs) {
  api::SolveRequest request;
  request.set_frontend(frontend);
  for (const auto& [key, value] : options) {
    (*request.mutable_frontendopt())[key] = value;
  }
  for (const auto& [name, definition] : inputs) {
    if (!(*request.mutable_frontendinputs())[name].ParseFromString(definition)) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("input `{}` is no definition", name));
    }
  }
  api::SolveResponse response = LOAM_TRY(SolveRaw(std::move(request)));
  if (!response.has_result() && !response.ref().empty()) {
    response.mutable_result()->set_refdeprecated(response.ref());
  }
  return std::move(*response.mutable_result());
}

Result<> GatewayClient::Evaluate(const Ref& ref) {
  if (ref.id.empty()) {
    return {};
  }
  if (!Has("gateway.evaluate")) {
    LOAM_TRY(StatFile(ref, "."));
    return {};
  }
  api::EvaluateRequest request;
  request.set_ref(ref.id);
  LOAM_TRY(Call(*bridge_, &api::LLBBridge::StubInterface::Evaluate, request));
  return {};
}

Result<std::string> GatewayClient::ReadFile(const Ref& ref, std::string_view path, std::uint64_t limit) {
  if (ref.id.empty()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("{}: the filesystem is empty", path));
  }
  api::ReadFileRequest request;
  request.set_ref(ref.id);
  request.set_filepath(std::string(path));
  if (limit != 0) {
    request.mutable_range()->set_length(static_cast<std::int64_t>(limit));
  }
  api::ReadFileResponse response = LOAM_TRY(Call(*bridge_, &api::LLBBridge::StubInterface::ReadFile, request));
  return std::move(*response.mutable_data());
}

Result<fsutil::types::Stat> GatewayClient::StatFile(const Ref& ref, std::string_view path) {
  if (ref.id.empty()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("{}: the filesystem is empty", path));
  }
  api::StatFileRequest request;
  request.set_ref(ref.id);
  request.set_path(std::string(path));
  api::StatFileResponse response = LOAM_TRY(Call(*bridge_, &api::LLBBridge::StubInterface::StatFile, request));
  return std::move(*response.mutable_stat());
}

Result<std::vector<fsutil::types::Stat>> GatewayClient::ReadDir(const Ref& ref, std::string_view path,
                                                                std::string_view include_pattern) {
  if (ref.id.empty()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("{}: the filesystem is empty", path));
  }
  api::ReadDirRequest request;
  request.set_ref(ref.id);
  request.set_dirpath(std::string(path));
  request.set_includepattern(std::string(include_pattern));
  const api::ReadDirResponse response = LOAM_TRY(Call(*bridge_, &api::LLBBridge::StubInterface::ReadDir, request));
  return std::vector<fsutil::types::Stat>(response.entries().begin(), response.entries().end());
}

Result<api::ResolveSourceMetaResponse> GatewayClient::ResolveSource(const api::ResolveSourceMetaRequest& request) {
  if (!Has("source.metaresolver")) {
    return Unexpected(ErrorCode::kUnimplemented, "the daemon does not tell the metadata of sources");
  }
  return Call(*bridge_, &api::LLBBridge::StubInterface::ResolveSourceMeta, request);
}

Result<ImageConfig> GatewayClient::ResolveImage(const api::ResolveSourceMetaRequest& request) {
  std::string_view ref = request.source().identifier();
  const bool is_oci = ref.starts_with(kOciScheme);
  ref.remove_prefix(is_oci ? kOciScheme.size() : kImageScheme.size());
  if (Has("source.metaresolver")) {
    api::ResolveSourceMetaResponse response = LOAM_TRY(ResolveSource(request));
    std::string_view changed = response.source().identifier();
    if (changed.starts_with(is_oci ? kOciScheme : kImageScheme)) {
      changed.remove_prefix(is_oci ? kOciScheme.size() : kImageScheme.size());
    } else if (!changed.empty()) {
      return Unexpected(Error(ErrorCode::kInvalidArgument,
                              fmt::format("the source {} was changed to {}, which is no image", ref, changed))
                            .WithDetail(std::make_shared<sema::ImageReplaced>(std::string(changed))));
    }
    return ImageConfig{std::string(changed.empty() ? ref : changed), response.image().digest(),
                       response.image().config()};
  }
  api::ResolveImageConfigRequest old;
  old.set_ref(std::string(ref));
  if (request.has_platform()) {
    *old.mutable_platform() = request.platform();
  }
  old.set_resolvemode(request.resolvemode());
  old.set_logname(request.logname());
  if (is_oci) {
    old.set_resolvertype(kOciLayoutResolver);
    old.set_storeid(request.source().attrs().count("oci.store") != 0 ? request.source().attrs().at("oci.store") : "");
    old.set_sessionid(request.source().attrs().count("oci.session") != 0 ? request.source().attrs().at("oci.session")
                                                                         : "");
  }
  const api::ResolveImageConfigResponse response =
      LOAM_TRY(Call(*bridge_, &api::LLBBridge::StubInterface::ResolveImageConfig, old));
  return ImageConfig{response.ref().empty() ? std::string(ref) : response.ref(), response.digest(), response.config()};
}

Result<std::map<std::string, std::string>> GatewayClient::Inputs() {
  std::map<std::string, std::string> inputs;
  if (!Has("frontend.inputs")) {
    return inputs;
  }
  const api::InputsResponse response = LOAM_TRY_CONTEXT(
      "failed to get frontend inputs", Call(*bridge_, &api::LLBBridge::StubInterface::Inputs, api::InputsRequest()));
  for (const auto& [name, definition] : response.definitions()) {
    inputs[name] = definition.SerializeAsString();
  }
  return inputs;
}

Result<> GatewayClient::Warn(const api::WarnRequest& request) {
  if (Has("gateway.warnings")) {
    LOAM_TRY(Call(*bridge_, &api::LLBBridge::StubInterface::Warn, request));
  }
  return {};
}

Result<> GatewayClient::Return(const api::ReturnRequest& request) {
  LOAM_TRY(Call(*bridge_, &api::LLBBridge::StubInterface::Return, request));
  return {};
}

}  // namespace loam::frontend
