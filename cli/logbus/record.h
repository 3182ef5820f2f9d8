// Record: a protobuf message written field by field into its two forms at once: the wire format, and JSON as protobuf
// has it (names in lowerCamelCase, numbers of 64 bits as strings, enums by name, bytes in base64).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace loam::cli::logbus {

class Record {
 public:
  // What the JSON has: fields that are set, or all of them. The wire format never has defaults.
  enum class Members : std::uint8_t { kSet, kAll };
  explicit Record(Members members) : members_(members) {}

  Record& Text(std::uint32_t number, const char* name, std::string_view value);
  Record& Bytes(std::uint32_t number, const char* name, std::string_view value);
  Record& Number(std::uint32_t number, const char* name, std::int32_t value);
  Record& Number64(std::uint32_t number, const char* name, std::uint64_t value);
  Record& Bool(std::uint32_t number, const char* name, bool value);
  Record& Enum(std::uint32_t number, const char* name, int value, std::string_view label);
  Record& Texts(std::uint32_t number, const char* name, const std::vector<std::string>& values);
  Record& Message(std::uint32_t number, const char* name, const std::optional<Record>& value);
  Record& Messages(std::uint32_t number, const char* name, const std::vector<Record>& values);
  Record& Map(std::uint32_t number, const char* name, const std::map<std::string, Record>& values);

  [[nodiscard]] const std::string& wire() const { return wire_; }
  [[nodiscard]] const nlohmann::ordered_json& json() const { return json_; }

 private:
  // The member, if the JSON is to have it.
  nlohmann::ordered_json* Member(const char* name, bool is_default);

  Members members_;
  std::string wire_;
  nlohmann::ordered_json json_ = nlohmann::ordered_json::object();
};

}  // namespace loam::cli::logbus
