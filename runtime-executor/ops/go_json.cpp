#include "runtime-executor/ops/go_json.h"

#include <fmt/format.h>

namespace loam::ops {

namespace {

// Length of the UTF-8 sequence at the start of `text`, 0 if there is none.
std::size_t SequenceLength(std::string_view text) {
  auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return continues(1) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    const bool second = continues(1) && (first != 0xE0 || byte(1) >= 0xA0) && (first != 0xED || byte(1) < 0xA0);
    return second && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool second = continues(1) && (first != 0xF0 || byte(1) >= 0x90) && (first != 0xF4 || byte(1) < 0x90);
    return second && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string GoJsonString(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    if (length == 0) {
      out += "\\ufffd";
      text.remove_prefix(1);
      continue;
    }
    const std::string_view sequence = text.substr(0, length);
    const char c = sequence[0];
    if (length == 1) {
      switch (c) {
        case '"':
          out += "\\\"";
          break;
        case '\\':
          out += "\\\\";
          break;
        case '\b':
          out += "\\b";
          break;
        case '\f':
          out += "\\f";
          break;
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        case '<':
        case '>':
        case '&':
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
          break;
        default:
          if (static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
          } else {
            out += c;
          }
      }
    } else if (sequence == "\xE2\x80\xA8") {
      out += "\\u2028";
    } else if (sequence == "\xE2\x80\xA9") {
      out += "\\u2029";
    } else {
      out += sequence;
    }
    text.remove_prefix(length);
  }
  return out + "\"";
}

std::string GoJsonBase64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text = "\"";
  text.reserve((bytes.size() + 2) / 3 * 4 + 2);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j <= bytes.size() ? kAlphabet[group >> (18 - 6 * j) & 63U] : '=';
    }
  }
  return text + "\"";
}

GoJsonObject& GoJsonObject::Always(std::string_view name, std::string_view json) {
  if (text_.size() > 1) {
    text_ += ',';
  }
  text_ += GoJsonString(name);
  text_ += ':';
  text_ += json;
  return *this;
}

GoJsonObject& GoJsonObject::Add(std::string_view name, std::string_view text) {
  return text.empty() ? *this : Always(name, GoJsonString(text));
}

GoJsonObject& GoJsonObject::Add(std::string_view name, std::int64_t number) {
  return number == 0 ? *this : Always(name, std::to_string(number));
}

GoJsonObject& GoJsonObject::AddFlag(std::string_view name, bool flag) {
  return flag ? Always(name, "true") : *this;
}

GoJsonObject& GoJsonObject::AddBytes(std::string_view name, std::string_view bytes) {
  return bytes.empty() ? *this : Always(name, GoJsonBase64(bytes));
}

}  // namespace loam::ops
