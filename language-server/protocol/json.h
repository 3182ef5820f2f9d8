// JSON values of the protocol, and reading them without exceptions: a missing or wrong member is an absent one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "language-server/text/span.h"

namespace loam::lsp {

using Json = nlohmann::json;

// The member, or null (a static one) if `value` is no object or lacks it.
const Json& Member(const Json& value, std::string_view name);
// The member at the end of a path: Path(value, {"textDocument", "uri"}).
const Json& Path(const Json& value, std::initializer_list<std::string_view> names);
std::string StringMember(const Json& value, std::string_view name);
bool BoolMember(const Json& value, std::string_view name, bool otherwise = false);
std::int64_t IntMember(const Json& value, std::string_view name, std::int64_t otherwise = 0);

// A position; negative and too large numbers are clamped.
Position ReadPosition(const Json& value);

// The text, with bytes that are no UTF-8 replaced.
std::string WriteJson(const Json& value);

// Appends `text` as a string of JSON, as WriteJson writes it: for long answers that need no tree of values.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace loam::lsp
