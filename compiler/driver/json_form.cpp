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
  // None of the three has a meaning in JSON outside of strings.
  std::string out;
  for (const char c : json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) {
    switch (c) {
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
