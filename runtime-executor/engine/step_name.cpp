#include "runtime-executor/engine/step_name.h"

#include <charconv>

#include "base/strings.h"

namespace loam::engine {

StepName ParseStepName(std::string_view name) {
  StepName parts;
  parts.text = name;
  const std::size_t close = name.find("] ");
  if (!name.empty() && name.front() == '[' && close != std::string_view::npos) {
    parts.stage = name.substr(1, close - 1);
    parts.text = name.substr(close + 2);
    const std::size_t blank = parts.stage.rfind(' ');
    const std::string_view last = blank == std::string_view::npos ? parts.stage : parts.stage.substr(blank + 1);
    int position = 0;
    const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), position);
    if (error == std::errc() && end != last.data() + last.size() && *end == '/') {
      parts.position = position;
      parts.fraction = last;
      parts.stage = blank == std::string_view::npos ? std::string_view() : parts.stage.substr(0, blank);
    }
    // Stages without a name are "stage-1" in some places and nothing in others; padding is no part of a name.
    parts.stage = TrimSpace(parts.stage);
  }
  parts.instruction = parts.text.substr(0, parts.text.find(' '));
  return parts;
}

}  // namespace loam::engine
