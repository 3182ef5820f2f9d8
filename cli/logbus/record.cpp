#include "cli/logbus/record.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "llb-emit/wire.h"

namespace loam::cli::logbus {
nlohmann::ordered_json* Record::Member(const char* name, bool is_default) {
  return is_default && members_ == Members::kSet ? nullptr : &json_[name];
}

Record& Record::Text(std::uint32_t number, const char* name, std::string_view value) {
  const std::string text = ToUtf8(value);
  llb::WireWriter(wire_).String(number, text);
  if (auto* const member = Member(name, text.empty())) {
    *member = text;
  }
  return *this;
}

Record& Record::Bytes(std::uint32_t number, const char* name, std::string_view value) {
  llb::WireWriter(wire_).Bytes(number, value);
  if (auto* const member = Member(name, value.empty())) {
    *member = Base64Encode(value);
  }
  return *this;
}

Record& Record::Number(std::uint32_t number, const char* name, std::int32_t value) {
  llb::WireWriter(wire_).Int(number, value);
  if (auto* const member = Member(name, value == 0)) {
    *member = value;
  }
  return *this;
}

Record& Record::Number64(std::uint32_t number, const char* name, std::uint64_t value) {
  llb::WireWriter(wire_).Int(number, static_cast<std::int64_t>(value));
  if (auto* const member = Member(name, value == 0)) {
    *member = std::to_string(value);
  }
  return *this;
}

Record& Record::Bool(std::uint32_t number, const char* name, bool value) {
  llb::WireWriter(wire_).Bool(number, value);
  if (auto* const member = Member(name, !value)) {
    *member = value;
  }
  return *this;
}

Record& Record::Enum(std::uint32_t number, const char* name, int value, std::string_view label) {
  llb::WireWriter(wire_).Int(number, value);
  if (auto* const member = Member(name, value == 0)) {
    *member = label;
  }
  return *this;
}

Record& Record::Texts(std::uint32_t number, const char* name, const std::vector<std::string>& values) {
  auto* const member = Member(name, values.empty());
  if (member != nullptr) {
    *member = nlohmann::ordered_json::array();
  }
  for (const std::string& value : values) {
    const std::string text = ToUtf8(value);
    llb::WireWriter(wire_).AlwaysString(number, text);
    member->push_back(text);
  }
  return *this;
}

Record& Record::Message(std::uint32_t number, const char* name, const std::optional<Record>& value) {
  if (value) {
    llb::WireWriter(wire_).Raw(number, value->wire_);
  }
  if (auto* const member = Member(name, !value)) {
    *member = value ? value->json_ : nlohmann::ordered_json(nullptr);
  }
  return *this;
}

Record& Record::Messages(std::uint32_t number, const char* name, const std::vector<Record>& values) {
  auto* const member = Member(name, values.empty());
  if (member != nullptr) {
    *member = nlohmann::ordered_json::array();
  }
  for (const Record& value : values) {
    llb::WireWriter(wire_).Raw(number, value.wire_);
    member->push_back(value.json_);
  }
  return *this;
}

Record& Record::Map(std::uint32_t number, const char* name, const std::map<std::string, Record>& values) {
  auto* const member = Member(name, values.empty());
  if (member != nullptr) {
    *member = nlohmann::ordered_json::object();
  }
  llb::WireWriter writer(wire_);
  for (const auto& [key, value] : values) {
    const std::size_t start = writer.Begin(number);
    writer.AlwaysString(1, key);
    writer.Raw(2, value.wire_);
    writer.End(start);
    (*member)[key] = value.json_;
  }
  return *this;
}

}  // namespace loam::cli::logbus
