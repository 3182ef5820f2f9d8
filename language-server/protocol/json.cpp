#include "language-server/protocol/json.h"

#include <algorithm>
#include <limits>

namespace loam::lsp {
namespace {

std::uint32_t ReadUnsigned(const Json& value) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (value.is_number_unsigned()) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(value.get<std::uint64_t>(), kMost));
  }
  return value.is_number_integer()
             ? static_cast<std::uint32_t>(std::clamp<std::int64_t>(value.get<std::int64_t>(), 0, kMost))
             : 0;
}

}  // namespace

const Json& Member(const Json& value, std::string_view name) {
  static const Json kNull;
  if (!value.is_object()) {
    return kNull;
  }
  const auto found = value.find(name);
  return found == value.end() ? kNull : *found;
}

const Json& Path(const Json& value, std::initializer_list<std::string_view> names) {
  const Json* at = &value;
  for (const std::string_view name : names) {
    at = &Member(*at, name);
  }
  return *at;
}

std::string StringMember(const Json& value, std::string_view name) {
  const Json& member = Member(value, name);
  return member.is_string() ? member.get<std::string>() : std::string();
}

bool BoolMember(const Json& value, std::string_view name, bool otherwise) {
  const Json& member = Member(value, name);
  return member.is_boolean() ? member.get<bool>() : otherwise;
}

std::int64_t IntMember(const Json& value, std::string_view name, std::int64_t otherwise) {
  const Json& member = Member(value, name);
  return member.is_number_integer() ? member.get<std::int64_t>() : otherwise;
}

Position ReadPosition(const Json& value) {
  return {ReadUnsigned(Member(value, "line")), ReadUnsigned(Member(value, "character"))};
}

std::string WriteJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void AppendJsonString(std::string& out, std::string_view text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (!plain) {
    out += WriteJson(Json(text));
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

}  // namespace loam::lsp
