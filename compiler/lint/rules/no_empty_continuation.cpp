// NoEmptyContinuation: an empty line inside of an instruction.
#include "base/strings.h"
#include "compiler/lint/rule.h"
#include "compiler/syntax/tree.h"

namespace loam::lint {
namespace {

// Removes the empty lines of the instruction's header.
std::vector<Fix> RemoveLines(const ast::Dockerfile& file, const ast::Instruction& instruction) {
  const source::Buffer& buffer = file.tree->buffer();
  Fix fix{"remove the empty lines", {}, FixSafety::kSafe};
  for (std::uint32_t line = instruction.lines.first + 1; line <= instruction.last_header_line; ++line) {
    if (TrimSpace(buffer.lines().LineText(buffer.text(), line)).empty()) {
      fix.edits.push_back({buffer.Range(buffer.lines().LineBegin(line), buffer.lines().LineBegin(line + 1)), ""});
    }
  }
  return fix.edits.empty() ? std::vector<Fix>() : std::vector<Fix>{std::move(fix)};
}

class NoEmptyContinuation : public Rule {
 public:
  using Rule::Rule;

  void OnText(const ast::Dockerfile& file) override {
    for (const ast::Instruction* each : file.instructions) {
      if (each->has_empty_continuation) {
        Report({each->last_header_line, each->last_header_line}, "Empty continuation line", RemoveLines(file, *each));
      }
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(NoEmptyContinuation)

}  // namespace loam::lint
