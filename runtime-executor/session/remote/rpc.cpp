#include "runtime-executor/session/remote/rpc.h"

#include <algorithm>

#include <fmt/format.h>

namespace loam::session {
namespace {

// As Go's url.QueryEscape.
std::string QueryEscape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

Error FromGrpcStatus(const grpc::Status& status, std::string_view doing) {
  const int code = static_cast<int>(status.error_code());
  const ErrorCode known = code >= 1 && code <= 16 ? static_cast<ErrorCode>(code) : ErrorCode::kUnknown;
  return Error(known, fmt::format("{}: {}", doing, status.error_message()));
}

Result<> CheckGrpcStatus(const grpc::Status& status, std::string_view doing) {
  if (status.ok()) {
    return {};
  }
  return Unexpected(FromGrpcStatus(status, doing));
}

void AddMetadata(grpc::ClientContext& context, const std::string& key, const std::vector<std::string>& values) {
  const bool encode = !std::all_of(values.begin(), values.end(), IsAscii);
  for (const std::string& value : values) {
    context.AddMetadata(key, encode ? QueryEscape(value) : value);
  }
  if (encode) {
    context.AddMetadata(key + "-encoded", "1");
  }
}

}  // namespace loam::session
