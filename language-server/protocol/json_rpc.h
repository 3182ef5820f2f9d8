// JSON-RPC 2.0 as the protocol uses it: messages, and the error codes.
#pragma once

#include <string>

#include "language-server/protocol/json.h"

namespace loam::lsp {

enum class RpcCode : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternalError = -32603,
  kServerNotInitialized = -32002,
  kRequestFailed = -32803,
  kContentModified = -32801,
  kRequestCancelled = -32800,
};

struct RpcError {
  RpcCode code = RpcCode::kInternalError;
  std::string message;
};

inline std::string RequestBody(const Json& id, std::string_view method, Json params) {
  return WriteJson({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
}
inline std::string NotificationBody(std::string_view method, Json params) {
  return WriteJson({{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
}
// `params` is JSON already.
inline std::string RawNotificationBody(std::string_view method, std::string_view params) {
  std::string body = R"({"jsonrpc":"2.0","method":)";
  AppendJsonString(body, method);
  body += R"(,"params":)";
  body += params;
  body += '}';
  return body;
}
inline std::string ErrorBody(const Json& id, const RpcError& error) {
  return WriteJson({{"jsonrpc", "2.0"},
                    {"id", id},
                    {"error", {{"code", static_cast<int>(error.code)}, {"message", error.message}}}});
}
// `result` is JSON already.
inline std::string ResponseBody(const Json& id, std::string_view result) {
  std::string body = R"({"jsonrpc":"2.0","id":)";
  body += WriteJson(id);
  body += R"(,"result":)";
  body += result;
  body += '}';
  return body;
}

}  // namespace loam::lsp
