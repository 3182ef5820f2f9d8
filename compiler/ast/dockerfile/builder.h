// What the builders of single instructions share; private to compiler/ast.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/syntax/tree.h"

namespace loam::ast {

// The significant tokens of one instruction or trigger, and where what is wrong with it goes.
class InstructionBuilder {
 public:
  // `tokens` are those behind the keyword.
  InstructionBuilder(syntax::Tree& tree, diag::Emitter& emitter, Instruction& instruction,
                     std::vector<const syntax::Token*> tokens, bool is_trigger)
      : tree_(tree),
        emitter_(emitter),
        instruction_(instruction),
        tokens_(std::move(tokens)),
        is_trigger_(is_trigger) {}

  // Reports a mistake and marks the instruction invalid. In a trigger of ONBUILD upstream does not notice it at this
  // point: there it is a warning.
  template <diag::Kind kKind, class... Args>
  diag::Emitter::Builder Report(SourceRange range, const Args&... args) {
    instruction_.invalid = true;
    if (!is_trigger_) {
      return emitter_.Emit<kKind>(range, args...);
    }
    constexpr std::string_view kFormat = diag::InfoOf(kKind).format;
    return emitter_.Emit<diag::Kind::kSuspiciousTrigger>(
        range, fmt::format(fmt::runtime(fmt::string_view(kFormat.data(), kFormat.size())), args...));
  }

  [[nodiscard]] syntax::Tree& tree() { return tree_; }
  [[nodiscard]] diag::Emitter& emitter() { return emitter_; }
  [[nodiscard]] Instruction& instruction() { return instruction_; }
  [[nodiscard]] syntax::Arena& arena() { return tree_.arena(); }
  [[nodiscard]] const std::vector<const syntax::Token*>& tokens() const { return tokens_; }
  [[nodiscard]] bool is_trigger() const { return is_trigger_; }

  [[nodiscard]] Text TextOf(const syntax::Token& token) const { return {token.text(), tree_.RangeOf(token)}; }
  // The first token of this kind; an absent text if there is none.
  [[nodiscard]] Text First(syntax::TokenKind kind) const;
  // All of them.
  [[nodiscard]] std::vector<Text> All(syntax::TokenKind kind) const;
  [[nodiscard]] bool Has(syntax::TokenKind kind) const;
  // Words, or the strings of the JSON form.
  [[nodiscard]] std::vector<Text> WordsOrStrings(bool& json) const;
  [[nodiscard]] CommandLine Command();

  // Part [begin, end) of a text: its range is exact unless quotes, escapes or continuations make it unknown; then it is
  // that of the whole.
  [[nodiscard]] Text Part(const Text& whole, std::size_t begin, std::size_t end) const;
  // Around the first `=`; nullopt without one.
  [[nodiscard]] std::optional<std::pair<Text, Text>> SplitEquals(const Text& whole) const;

  // The value of the last flag of this name; absent without one. For the flag table says whether it may be there.
  [[nodiscard]] Text FlagValue(std::string_view name) const;
  [[nodiscard]] bool FlagIsTrue(std::string_view name) const;
  [[nodiscard]] std::optional<bool> OptionalFlag(std::string_view name) const;

 private:
  syntax::Tree& tree_;
  diag::Emitter& emitter_;
  Instruction& instruction_;
  std::vector<const syntax::Token*> tokens_;
  bool is_trigger_;
};

// Checks the flags of the instruction against those its kind has (flags.cpp).
void CheckFlags(InstructionBuilder& builder);
// The comment above that starts with the name: what is behind the name. "" without one.
std::string_view DocComment(List<Text> comments, std::string_view name);

void BuildFileTransfer(InstructionBuilder& builder, FileTransfer& node);
void BuildRun(InstructionBuilder& builder, Run& node);
void BuildHealthcheck(InstructionBuilder& builder, Healthcheck& node);

// Makes the node of the instruction's kind, empty, and fills its arguments in.
Instruction* NewInstruction(syntax::Arena& arena, InstructionKind kind);
void BuildArguments(InstructionBuilder& builder);

}  // namespace loam::ast
