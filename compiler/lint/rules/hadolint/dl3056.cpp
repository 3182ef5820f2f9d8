// DL3056: a label that should be a semantic version.
#include <re2/re2.h>

#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsSemanticVersion(std::string_view text) {
  static const re2::RE2 kVersion(
      R"((0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?)");
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), kVersion);
}

}  // namespace

void CheckDL3056(const FileView& file, const Reporter& report) {
  EachLabelOf(file, LabelType::kSemver, [&](const InstructionView& view, std::string_view key, std::string_view value) {
    if (!IsSemanticVersion(value)) {
      report(view, fmt::format("label `{}` is no semantic version", key));
    }
  });
}

}  // namespace loam::lint::hadolint
