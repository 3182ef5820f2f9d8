#include "frontend/status.h"

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "compiler/driver/frontend/dockerfile_frontend.h"
#include "proto/google/rpc/status.pb.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::frontend {
namespace {

constexpr const char* kFrontendCapUrl = "github.com/moby/buildkit/errdefs.FrontendCap+json";
constexpr const char* kSubrequestUrl = "github.com/moby/buildkit/errdefs.Subrequest+json";
constexpr const char* kSourceUrl = "github.com/moby/buildkit/errdefs.Source+json";

// As upstream writes messages into details: encoding/json of the generated structs.
nlohmann::json JsonOf(const pb::Definition& definition) {
  auto json = nlohmann::json::object();
  for (const std::string& op : definition.def()) {
    json["def"].push_back(Base64Encode(op));
  }
  for (const auto& [digest, metadata] : definition.metadata()) {
    auto& item = json["metadata"][digest] = nlohmann::json::object();
    for (const auto& [key, value] : metadata.description()) {
      item["description"][key] = value;
    }
  }
  return json;
}

std::string JsonOf(const SourceDetail& source) {
  nlohmann::json info{{"filename", source.filename}, {"data", Base64Encode(source.text)}};
  if (!source.language.empty()) {
    info["language"] = source.language;
  }
  pb::Definition definition;
  if (!source.definition.empty() && definition.ParseFromString(source.definition)) {
    info["definition"] = JsonOf(definition);
  }
  auto ranges = nlohmann::json::array();
  for (const auto& [first, last] : source.lines) {
    ranges.push_back({{"start", {{"line", first}}}, {"end", {{"line", last}}}});
  }
  return nlohmann::json{{"info", std::move(info)}, {"ranges", std::move(ranges)}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void Add(google::rpc::Status& status, const std::string& url, const std::string& value) {
  auto& any = *status.add_details();
  any.set_type_url(url);
  any.set_value(value);
}

}  // namespace

Error FromGrpcStatus(const grpc::Status& status) {
  auto code = static_cast<ErrorCode>(status.error_code());
  const std::string message = status.error_message();
  if (code == ErrorCode::kUnknown && message.find("no such file or directory") != std::string::npos) {
    code = ErrorCode::kNotFound;
  }
  Error error(code, message);
  google::rpc::Status wire;
  if (status.error_details().empty() || !wire.ParseFromString(status.error_details())) {
    return error;
  }
  auto detail = std::make_shared<StatusDetail>();
  for (const auto& any : wire.details()) {
    detail->details.emplace_back(any.type_url(), any.value());
  }
  return std::move(error).WithDetail(std::move(detail));
}

Error WithDefinition(Error error, std::string_view definition) {
  auto detail = std::make_shared<SolvedDetail>();
  detail->definition = definition;
  detail->inner = error.detail();
  return std::move(error).WithDetail(std::move(detail));
}

void SetStatus(const Error& error, google::rpc::Status& status) {
  status.set_code(static_cast<int>(error.code()));
  status.set_message(error.hint().empty() ? error.message() : error.message() + "\n" + error.hint());
  if (const auto* const detail = error.Detail<StatusDetail>()) {
    for (const auto& [url, value] : detail->details) {
      Add(status, url, value);
    }
  }
  if (const auto* const refused = error.Detail<driver::NotSupported>()) {
    const bool capability = refused->kind == driver::NotSupported::Kind::kCapability;
    Add(status, capability ? kFrontendCapUrl : kSubrequestUrl, nlohmann::json{{"name", refused->name}}.dump());
  }
  if (const auto* const source = error.Detail<SourceDetail>()) {
    Add(status, kSourceUrl, JsonOf(*source));
  }
}

}  // namespace loam::frontend
