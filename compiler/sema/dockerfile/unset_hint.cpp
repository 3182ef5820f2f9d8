#include "compiler/sema/dockerfile/unset_hint.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/word_expander.h"

namespace loam::sema {

std::string UnsetVariableHint(std::string_view word, const Environment& env, char escape,
                              const std::vector<std::string_view>& declared) {
  WordExpander expander(env, {.escape = escape});
  std::string ignored;
  if (!expander.Expand(word, ignored) || expander.unmatched().empty()) {
    return {};
  }
  const std::string& name = expander.unmatched().front();
  const std::vector<std::string> names(declared.begin(), declared.end());
  for (const std::string& other : names) {
    if (other == name) {
      return fmt::format("`{}` has no value: give its ARG a default, or pass --build-arg {}=…", name, name);
    }
  }
  if (const auto near = NearestWord(name, names)) {
    return fmt::format("`{}` is not set; did you mean `{}`?", name, *near);
  }
  return fmt::format("`{}` is not set: FROM sees only ARGs that stand before the first FROM", name);
}

}  // namespace loam::sema
