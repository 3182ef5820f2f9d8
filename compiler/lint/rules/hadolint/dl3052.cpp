// DL3052: a label that should be a URL.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsUrl(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0 || colon + 3 == text.size()) {
    return false;
  }
  const auto scheme = text.substr(0, colon);
  return std::all_of(scheme.begin(), scheme.end(),
                     [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
                              c == '-' || c == '.';
                     }) &&
         text.find_first_of(" \t<>\"") == std::string_view::npos;
}

}  // namespace

void CheckDL3052(const FileView& file, const Reporter& report) {
  EachLabelOf(file, LabelType::kUrl, [&](const InstructionView& view, std::string_view key, std::string_view value) {
    if (!IsUrl(value)) {
      report(view, fmt::format("label `{}` is no URL", key));
    }
  });
}

}  // namespace loam::lint::hadolint
