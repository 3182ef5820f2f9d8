// DL3064: names of secrets in ARG and ENV.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsSecret(std::string_view name) {
  static constexpr std::string_view kSecret[] = {"apikey", "auth",     "credential", "credentials", "key",
                                                 "pword",  "password", "passwd",     "secret",      "token"};
  bool secret = false;
  for (const std::string_view part : Split(name, '_')) {
    const std::string word = ToLowerAscii(part);
    if (IsOneOf(word, {"public", "file", "version"})) {
      return false;
    }
    secret = secret || std::find(std::begin(kSecret), std::end(kSecret), word) != std::end(kSecret);
  }
  return secret;
}

}  // namespace

void CheckDL3064(const FileView& file, const Reporter& report) {
  for (const InstructionView& view : file.instructions) {
    std::vector<std::string_view> names;
    if (const auto* arg = view.As<ast::Arg>()) {
      for (const ast::ArgItem& item : arg->items) {
        names.push_back(item.key.text);
      }
    } else if (const auto* env = view.As<ast::Env>()) {
      for (const ast::KeyValue& pair : env->pairs) {
        names.push_back(pair.key.text);
      }
    }
    const auto secret = std::find_if(names.begin(), names.end(), IsSecret);
    if (secret != names.end()) {
      report(view, fmt::format("ARG and ENV are no place for secrets: `{}`", *secret));
    }
  }
}

}  // namespace loam::lint::hadolint
