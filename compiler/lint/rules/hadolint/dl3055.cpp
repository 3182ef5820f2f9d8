// DL3055: a label that should be a commit.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsCommit(std::string_view text) {
  return (text.size() == 7 || text.size() == 40 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace

void CheckDL3055(const FileView& file, const Reporter& report) {
  EachLabelOf(file, LabelType::kGitHash,
              [&](const InstructionView& view, std::string_view key, std::string_view value) {
                if (!IsCommit(value)) {
                  report(view, fmt::format("label `{}` is no git commit", key));
                }
              });
}

}  // namespace loam::lint::hadolint
