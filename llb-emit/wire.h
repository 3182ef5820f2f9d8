// WireWriter: protobuf's wire format, written straight into one buffer, byte for byte as upstream's encoder does for
// LLB: fields in the order of the calls (by number, the member of a oneof last), default values left out, maps sorted
// by their caller, keys and values of map entries always there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace loam::llb {

class WireWriter {
 public:
  // Appends to `out`, which must outlive the writer.
  explicit WireWriter(std::string& out) : out_(out) {}

  // Scalars: nothing is written for the default value (0, false, "").
  void Int(std::uint32_t field, std::int64_t value) {
    if (value != 0) {
      AlwaysInt(field, value);
    }
  }
  void Bool(std::uint32_t field, bool value) { Int(field, value ? 1 : 0); }
  void String(std::uint32_t field, std::string_view value) {
    if (!value.empty()) {
      AlwaysString(field, value);
    }
  }
  void Bytes(std::uint32_t field, std::string_view value) {
    if (!value.empty()) {
      Raw(field, value);
    }
  }

  // Scalars with presence: members of a oneof, elements of a repeated field, keys and values of a map.
  void AlwaysInt(std::uint32_t field, std::int64_t value) {
    Varint(field << 3);
    Varint(static_cast<std::uint64_t>(value));
  }
  void AlwaysString(std::uint32_t field, std::string_view value) {
    valid_utf8_ = valid_utf8_ && IsUtf8(value);
    Raw(field, value);
  }
  // A string in two parts, the first of them ASCII.
  void JoinedString(std::uint32_t field, std::string_view ascii, std::string_view rest) {
    valid_utf8_ = valid_utf8_ && IsUtf8(rest);
    Varint(field << 3 | kLengthDelimited);
    Varint(ascii.size() + rest.size());
    out_.append(ascii);
    out_.append(rest);
  }
  // A string that is known to be ASCII, such as a digest.
  void Raw(std::uint32_t field, std::string_view value) {
    Varint(field << 3 | kLengthDelimited);
    Varint(value.size());
    out_.append(value);
  }
  template <class Range>
  void Strings(std::uint32_t field, const Range& values) {
    for (const auto& value : values) {
      AlwaysString(field, value);
    }
  }
  // A packed repeated field.
  template <class Range>
  void PackedInts(std::uint32_t field, const Range& values) {
    if (values.empty()) {
      return;
    }
    const std::size_t start = Begin(field);
    for (const auto& value : values) {
      Varint(static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
    }
    End(start);
  }

  // A message: what is written between Begin and End(what Begin gave). Messages nest.
  [[nodiscard]] std::size_t Begin(std::uint32_t field) {
    Varint(field << 3 | kLengthDelimited);
    out_.push_back('\0');  // the length; End makes room if one byte is too few
    return out_.size();
  }
  void End(std::size_t start);

  template <class Body>
  void Message(std::uint32_t field, Body&& body) {
    const std::size_t start = Begin(field);
    body();
    End(start);
  }
  void MapEntry(std::uint32_t field, std::string_view key, std::string_view value) {
    const std::size_t start = Begin(field);
    AlwaysString(1, key);
    AlwaysString(2, value);
    End(start);
  }

  // False once a string was not valid UTF-8.
  [[nodiscard]] bool valid_utf8() const { return valid_utf8_; }
  [[nodiscard]] std::size_t size() const { return out_.size(); }

 private:
  static constexpr std::uint32_t kLengthDelimited = 2;

  void Varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }

  std::string& out_;
  bool valid_utf8_ = true;
};

}  // namespace loam::llb
