// SecretsUsedInArgOrEnv: an ARG or ENV whose name says that it holds a secret.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/go_quote.h"
#include "base/strings.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

// Words between the underscores of a name.
constexpr std::string_view kSecret[] = {"apikey", "auth",     "credential", "credentials", "key",
                                        "pword",  "password", "passwd",     "secret",      "token"};
constexpr std::string_view kHarmless[] = {"public", "file", "version"};

bool HasWord(std::string_view name, std::span<const std::string_view> words) {
  const auto parts = Split(name, '_');
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return std::find(words.begin(), words.end(), ToLowerAscii(part)) != words.end();
  });
}

class SecretsUsedInArgOrEnv : public Rule {
 public:
  using Rule::Rule;

  void OnVariable(std::string_view key, bool /*legacy*/) override {
    const ast::InstructionKind kind = instruction().kind;
    if (kind != ast::InstructionKind::kArg && kind != ast::InstructionKind::kEnv) {
      return;
    }
    if (HasWord(key, kSecret) && !HasWord(key, kHarmless)) {
      Report(fmt::format("Do not use ARG or ENV instructions for sensitive data ({} {})", ast::KeywordOf(kind),
                         GoQuoted(key)));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(SecretsUsedInArgOrEnv)

}  // namespace loam::lint
