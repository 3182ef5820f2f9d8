#include "base/go_json.h"

#include "base/base64.h"
#include "base/utf8.h"

namespace loam {

namespace {

constexpr char kHex[] = "0123456789abcdef";

void AppendEscape(std::string& out, unsigned char byte) {
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
  }
}

}  // namespace

void AppendGoJsonString(std::string& out, std::string_view text) {
  out += '"';
  // Start of what needs no escape and is not yet copied.
  std::size_t plain = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const auto byte = static_cast<unsigned char>(text[pos]);
    if (byte < 0x80) {
      if (byte < 0x20 || byte == '"' || byte == '\\' || byte == '<' || byte == '>' || byte == '&') {
        out += text.substr(plain, pos - plain);
        AppendEscape(out, byte);
        plain = pos + 1;
      }
      ++pos;
      continue;
    }
    const Rune rune = DecodeRune(text.substr(pos));
    if (rune.size == 1 || rune.value == 0x2028 || rune.value == 0x2029) {
      out += text.substr(plain, pos - plain);
      out += rune.size == 1 ? "\\ufffd" : rune.value == 0x2028 ? "\\u2028" : "\\u2029";
      plain = pos + rune.size;
    }
    pos += rune.size;
  }
  out += text.substr(plain);
  out += '"';
}

std::string GoJsonString(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  AppendGoJsonString(out, text);
  return out;
}

std::string GoJsonBase64(std::string_view bytes) {
  return '"' + Base64Encode(bytes) + '"';
}

GoJsonObject& GoJsonObject::Always(std::string_view name, std::string_view json) {
  if (text_.size() > 1) {
    text_ += ',';
  }
  AppendGoJsonString(text_, name);
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

std::string EscapeLikeGo(std::string text) {
  if (text.find_first_of("<>&\xe2") == std::string::npos) {
    return text;
  }
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = std::string_view(text).substr(i);
    if (rest.front() == '<') {
      escaped += "\\u003c";
    } else if (rest.front() == '>') {
      escaped += "\\u003e";
    } else if (rest.front() == '&') {
      escaped += "\\u0026";
    } else if (rest.starts_with("\xe2\x80\xa8")) {
      escaped += "\\u2028";
      i += 2;
    } else if (rest.starts_with("\xe2\x80\xa9")) {
      escaped += "\\u2029";
      i += 2;
    } else {
      escaped += rest.front();
    }
  }
  return escaped;
}

}  // namespace loam
