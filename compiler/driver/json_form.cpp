#include "compiler/driver/json_form.h"

#include <algorithm>

namespace loam::driver {

nlohmann::ordered_json JsonLocation(source::LineSpan lines) {
  auto location = nlohmann::ordered_json::object();
  if (lines.first == 0) {
    return location;
  }
  auto& ranges = location["ranges"] = nlohmann::ordered_json::array();
  for (auto line = lines.first; line <= std::max(lines.first, lines.last); ++line) {
    ranges.push_back({{"start", {{"line", line}}}, {"end", {{"line", line}}}});
  }
  return location;
}

std::string JsonText(const nlohmann::ordered_json& json) {
  // None of them has a meaning in JSON outside of strings.
  const std::string text = json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = std::string_view(text).substr(i, 3);
    if (rest == "\xE2\x80\xA8" || rest == "\xE2\x80\xA9") {
      out += rest[2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
      continue;
    }
    switch (const char c = text[i]) {
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out += c;
    }
  }
  return out + "\n";
}

}  // namespace loam::driver
