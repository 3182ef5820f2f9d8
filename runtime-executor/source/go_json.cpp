#include "runtime-executor/source/go_json.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace loam::source {

std::string GoJsonString(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    const char c = text.front();
    if (rune.value == kReplacementRune && rune.size == 1) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\b') {
      out += "\\b";
    } else if (c == '\f') {
      out += "\\f";
    } else if (rune.value < 0x20 || c == '<' || c == '>' || c == '&' || rune.value == 0x2028 || rune.value == 0x2029) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(rune.value));
    } else {
      out += text.substr(0, rune.size);
    }
    text.remove_prefix(rune.size);
  }
  return out + "\"";
}

}  // namespace loam::source
