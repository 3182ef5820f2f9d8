// DL3053: a label that should be a time.
#include <re2/re2.h>

#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsTime(std::string_view text) {
  static const re2::RE2 kTime(
      R"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]\d\d:\d\d))");
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), kTime);
}

}  // namespace

void CheckDL3053(const FileView& file, const Reporter& report) {
  EachLabelOf(file, LabelType::kRfc3339,
              [&](const InstructionView& view, std::string_view key, std::string_view value) {
                if (!IsTime(value)) {
                  report(view, fmt::format("label `{}` is no time as RFC 3339 writes it", key));
                }
              });
}

}  // namespace loam::lint::hadolint
