#include "compiler/sema/dockerfile/check_options.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
namespace {

void ReadRules(std::string_view value, bool& all, std::vector<std::string>& rules) {
  if (value == "all") {
    all = true;
    return;
  }
  rules.clear();
  for (const std::string_view rule : Split(value, ',')) {
    rules.emplace_back(TrimSpace(rule));
  }
}

}  // namespace

Result<CheckOptions> ParseCheckOptions(std::string_view text) {
  CheckOptions options;
  text = TrimSpace(text);
  // There are three options; what follows a second `;` belongs to the third.
  for (int i = 0; i < 3 && !text.empty(); ++i) {
    const std::size_t end = i < 2 ? text.find(';') : std::string_view::npos;
    const std::string_view part = text.substr(0, end);
    const auto pair = SplitOnce(part, '=');
    if (!pair) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("`{}` is no check option (skip, error or experimental)", part));
    }
    const std::string_view key = TrimSpace(pair->first);
    const std::string_view value = TrimSpace(pair->second);
    if (key == "skip") {
      ReadRules(value, options.skip_all, options.skip);
    } else if (key == "experimental") {
      ReadRules(value, options.experimental_all, options.experimental);
    } else if (key == "error") {
      const auto flag = ParseBool(value);
      if (!flag) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("`{}` is no boolean in check option `error`", value));
      }
      options.error = *flag;
    } else {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("`{}` is no check option (skip, error or experimental)", key));
    }
    if (end == std::string_view::npos) {
      break;
    }
    text.remove_prefix(end + 1);
    if (text.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "a check option is empty");
    }
  }
  return options;
}

}  // namespace loam::sema
