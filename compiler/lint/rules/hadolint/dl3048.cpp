// DL3048: label keys that Docker's guidelines forbid.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool IsValid(std::string_view key) {
  for (const std::string_view reserved : {"com.docker.", "io.docker.", "org.dockerproject."}) {
    if (key.starts_with(reserved)) {
      return false;
    }
  }
  if (key.empty() || key[0] < 'a' || key[0] > 'z' || !IsLowerOrDigit(key.back())) {
    return false;
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool separator = key[i] == '.' || key[i] == '-' || key[i] == '_';
    if ((!separator && !IsLowerOrDigit(key[i])) || (separator && key[i] == key[i + 1])) {
      return false;
    }
  }
  return true;
}

}  // namespace

void CheckDL3048(const FileView& file, const Reporter& report) {
  Each<ast::Label>(file, [&](const InstructionView& view, const ast::Label& label) {
    for (const ast::KeyValue& pair : label.pairs) {
      const std::string_view key = Unquote(pair.key.text);
      if (!IsValid(key)) {
        report(view, fmt::format("invalid label key `{}`", key));
      }
    }
  });
}

}  // namespace loam::lint::hadolint
