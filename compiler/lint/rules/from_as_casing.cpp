// FromAsCasing: `FROM image as name` and `from image AS name`.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class FromAsCasing : public Rule {
 public:
  using Rule::Rule;

  void OnInstruction(const ast::Instruction& instruction) override {
    const auto* from = ast::As<ast::From>(&instruction);
    if (from == nullptr || from->as_keyword.empty()) {
      return;
    }
    const std::string_view keyword = from->keyword.text;
    const std::string_view as = from->as_keyword.text;
    const bool lower = keyword == ToLowerAscii(keyword);
    // A keyword of mixed case is ConsistentInstructionCasing's.
    if (!lower && keyword != ToUpperAscii(keyword)) {
      return;
    }
    if (const std::string wanted = lower ? ToLowerAscii(as) : ToUpperAscii(as); as != wanted) {
      Report(fmt::format("'{}' and '{}' keywords' casing do not match", as, keyword),
             Replace(from->as_keyword.range, wanted, fmt::format("write `{}`", wanted)));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(FromAsCasing)

}  // namespace loam::lint
