#include "runtime-executor/session/client/call_metadata.h"

#include <cctype>

namespace loam::session {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string QueryUnescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> MetadataOf(const grpc::ServerContext& context, const std::string& key) {
  const auto& metadata = context.client_metadata();
  const auto encoded = metadata.find(key + "-encoded");
  const bool decode = encoded != metadata.end() && encoded->second == "1";
  std::vector<std::string> values;
  for (auto [item, end] = metadata.equal_range(key); item != end; ++item) {
    const std::string value(item->second.data(), item->second.size());
    values.push_back(decode ? QueryUnescape(value) : value);
  }
  return values;
}

std::string MetadataValue(const grpc::ServerContext& context, const std::string& key) {
  const std::vector<std::string> values = MetadataOf(context, key);
  return values.empty() ? std::string() : values.back();
}

}  // namespace loam::session
