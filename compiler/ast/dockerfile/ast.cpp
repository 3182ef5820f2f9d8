#include "compiler/ast/dockerfile/ast.h"

#include "base/strings.h"
#include "base/utf8.h"

namespace loam::ast {

std::string_view KeywordOf(InstructionKind kind) {
  switch (kind) {
#define LOAM_INSTRUCTION(Name, KEYWORD) \
  case InstructionKind::k##Name:        \
    return KEYWORD;
#include "compiler/syntax/instructions.def"
#undef LOAM_INSTRUCTION
    case InstructionKind::kUnknown:
      return "";
  }
  return "";
}

std::string_view Instruction::code() const {
  return TrimUnicodeSpace(original);
}

const Flag* Instruction::FindFlag(std::string_view name) const {
  for (std::size_t i = flags.size(); i > 0; --i) {
    if (flags[i - 1].name.text == name) {
      return &flags[i - 1];
    }
  }
  return nullptr;
}

const Directive* Dockerfile::FindDirective(std::string_view name) const {
  for (const Directive& directive : directives) {
    if (EqualsIgnoreCase(directive.name.text, name)) {
      return &directive;
    }
  }
  return nullptr;
}

}  // namespace loam::ast
