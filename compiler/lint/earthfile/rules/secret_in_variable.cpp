// SecretInVariable: an ARG, LET or ENV whose name says that it holds a secret.
#include "compiler/lint/earthfile/rule.h"

#include <algorithm>
#include <iterator>

#include "base/strings.h"

namespace loam::lint::earthfile {

namespace {

// Words between the underscores of a name.
constexpr std::string_view kSecret[] = {"apikey", "auth",     "credential", "credentials", "key",    "pword",
                                        "passwd", "password", "secret",     "token",       "private"};
constexpr std::string_view kHarmless[] = {"public", "file", "version", "path", "id", "name", "url"};

template <std::size_t kCount>
bool HasWord(std::string_view name, const std::string_view (&words)[kCount]) {
  const auto parts = Split(name, '_');
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return std::find(std::begin(words), std::end(words), ToLowerAscii(part)) != std::end(words);
  });
}

}  // namespace

void CheckSecretInVariable(const FileView& file, const Reporter& report) {
  for (const sema::VariableDefinition& variable : file.symbols.variables) {
    if (variable.kind != sema::VariableKind::kFor && HasWord(variable.name, kSecret) &&
        !HasWord(variable.name, kHarmless)) {
      report(variable.name_range,
             fmt::format("the value of `{0} {1}` stays in the cache and in logs: use `RUN --secret {1}`",
                         sema::KeywordOf(variable.kind), variable.name));
    }
  }
}

}  // namespace loam::lint::earthfile
