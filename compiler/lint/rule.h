// Rule: one build check. It overrides what it wants to see, and reports. One object a compilation, so it may keep
// state.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/lint/warning.h"
#include "compiler/sema/dockerfile/observer.h"

namespace loam::lint {

using source::LineSpan;

// What rules share while a file is checked.
class RuleContext {
 public:
  virtual ~RuleContext() = default;
  // Adds a warning, unless the rule is switched off at this place.
  virtual void Report(const RuleInfo& rule, LineSpan lines, std::string message, std::vector<Fix> fixes) = 0;
  // The patterns of the context's ignore file; none if there is no such file or the context is not a directory.
  virtual const std::vector<std::string>& IgnorePatterns() = 0;

  // During OnInstruction and what follows OnInstructionBegin: the instruction, and where it is reported.
  const ast::Instruction* instruction = nullptr;
  LineSpan lines;
};

class Rule : public sema::Observer {
 public:
  Rule(const RuleInfo& info, RuleContext& context) : info_(&info), context_(&context) {}

  // ---- what needs no conversion, called in this order
  virtual void OnText(const ast::Dockerfile& /*file*/) {}
  // Each instruction of the file, `invalid` ones as well; nothing comes after an invalid one.
  virtual void OnInstruction(const ast::Instruction& /*instruction*/) {}
  // Each stage that has a name.
  virtual void OnStageName(const ast::From& /*from*/) {}
  virtual void OnStages(const ast::Dockerfile& /*file*/) {}
  // ---- then the events of sema::Observer

 protected:
  void Report(LineSpan lines, std::string message, std::vector<Fix> fixes = {}) {
    context_->Report(*info_, lines, std::move(message), std::move(fixes));
  }
  // At the current instruction.
  void Report(std::string message, std::vector<Fix> fixes = {}) {
    Report(context_->lines, std::move(message), std::move(fixes));
  }
  // Fixes of one edit.
  static std::vector<Fix> Replace(source::SourceRange range, std::string text, std::string title) {
    return {{std::move(title), {{range, std::move(text)}}, FixSafety::kSafe}};
  }
  [[nodiscard]] RuleContext& context() { return *context_; }
  [[nodiscard]] const ast::Instruction& instruction() const { return *context_->instruction; }

 private:
  const RuleInfo* info_;
  RuleContext* context_;
};

// Name, facts and maker of all rules, in the order of rules.def.
struct RuleEntry {
  RuleInfo info;
  std::unique_ptr<Rule> (*make)(const RuleInfo&, RuleContext&);
};
const std::vector<RuleEntry>& Rules();

#define LOAM_BUILD_CHECK(Name, ...) std::unique_ptr<Rule> Make##Name(const RuleInfo& info, RuleContext& context);
#include "compiler/lint/rules.def"
#undef LOAM_BUILD_CHECK

// At the end of a rule's file: defines its maker.
#define LOAM_DEFINE_RULE(Name)                                                   \
  std::unique_ptr<Rule> Make##Name(const RuleInfo& info, RuleContext& context) { \
    return std::make_unique<Name>(info, context);                                \
  }

}  // namespace loam::lint
