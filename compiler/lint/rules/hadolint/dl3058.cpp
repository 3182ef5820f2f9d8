// DL3058: a label that should be an email address.
#include <re2/re2.h>

#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsEmail(std::string_view text) {
  static const re2::RE2 kEmail(R"(([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*|"[^"]+")@)"
                               R"([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*)");
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), kEmail);
}

}  // namespace

void CheckDL3058(const FileView& file, const Reporter& report) {
  EachLabelOf(file, LabelType::kEmail, [&](const InstructionView& view, std::string_view key, std::string_view value) {
    if (!IsEmail(value)) {
      report(view, fmt::format("label `{}` is no email address", key));
    }
  });
}

}  // namespace loam::lint::hadolint
