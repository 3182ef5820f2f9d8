// LegacyKeyValueFormat: `ENV name value` and `LABEL name value`.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

// The value as a word that means the same: in quotes if it has blanks, and those escaped one by one if it has quotes.
std::string AsOneWord(std::string_view value) {
  constexpr std::string_view kBlanks = " \t";
  if (value.empty()) {
    return "\"\"";
  }
  if (value.find_first_of(kBlanks) == std::string_view::npos) {
    return std::string(value);
  }
  if (value.find_first_of("\"'\\`") == std::string_view::npos) {
    return fmt::format("\"{}\"", value);
  }
  std::string word;
  char quote = '\0';
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\' && quote != '\'' && i + 1 < value.size()) {
      word.push_back(c);
      word.push_back(value[++i]);
      continue;
    }
    if (quote == '\0' ? c == '"' || c == '\'' : c == quote) {
      quote = quote == '\0' ? c : '\0';
    }
    if (quote == '\0' && kBlanks.find(c) != std::string_view::npos) {
      word.push_back('\\');
    }
    word.push_back(c);
  }
  return word;
}

class LegacyKeyValueFormat : public Rule {
 public:
  using Rule::Rule;

  std::vector<Fix> Fixes() const {
    const auto* env = ast::As<ast::Env>(&instruction());
    const auto* label = ast::As<ast::Label>(&instruction());
    const ast::List<ast::KeyValue> pairs = env != nullptr     ? env->pairs
                                           : label != nullptr ? label->pairs
                                                              : ast::List<ast::KeyValue>();
    // What goes on in further lines would have to be told from what was removed there.
    if (pairs.size() != 1 || !pairs[0].legacy || instruction().lines.first != instruction().last_header_line) {
      return {};
    }
    const ast::Text& key = pairs[0].key;
    const ast::Text& value = pairs[0].value;
    const std::string text = fmt::format("{}={}", key.text, AsOneWord(TrimSpace(value.text)));
    return Replace({key.range.file, key.range.begin, value.range.end}, text, fmt::format("write `{}`", text));
  }

  void OnVariable(std::string_view /*key*/, bool legacy) override {
    if (legacy) {
      const std::string_view keyword = instruction().keyword.text;
      Report(fmt::format("\"{} key=value\" should be used instead of legacy \"{} key value\" format", keyword, keyword),
             Fixes());
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(LegacyKeyValueFormat)

}  // namespace loam::lint
