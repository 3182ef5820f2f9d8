#include "compiler/ast/dockerfile/build_ast.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "compiler/ast/dockerfile/builder.h"

namespace loam::ast {

namespace {

using syntax::LogicalLine;
using syntax::Node;
using syntax::NodeKind;
using syntax::Token;
using syntax::TokenKind;

InstructionKind KindOfKeyword(TokenKind kind) {
  LOAM_CHECK(IsKeyword(kind), "a body starts with a keyword");
  return static_cast<InstructionKind>(static_cast<int>(kind) - static_cast<int>(TokenKind::kKeywordAdd));
}
static_assert(static_cast<int>(TokenKind::kKeywordUnknown) - static_cast<int>(TokenKind::kKeywordAdd) ==
              static_cast<int>(InstructionKind::kUnknown));

class AstBuilder {
 public:
  AstBuilder(std::shared_ptr<syntax::Tree> tree, const source::Buffer& buffer, diag::Emitter& emitter,
             const BuildOptions& options)
      : tree_(*tree), buffer_(buffer), emitter_(emitter), options_(options) {
    result_.tree = std::move(tree);
    result_.file = buffer.id();
    result_.escape = tree_.escape;
  }

  Dockerfile Run() {
    instructions_.reserve(tree_.logical_lines.size());
    std::size_t line = 0;
    for (std::uint32_t i = 1; i < tree_.nodes.size(); i = tree_.nodes[i].end_node) {
      const Node& node = tree_.nodes[i];
      if (node.kind == NodeKind::kDirective) {
        AddDirective(node);
      } else if (node.kind == NodeKind::kInstruction) {
        LOAM_CHECK(line < tree_.logical_lines.size(), "every instruction has its logical line");
        AddToStage(BuildInstruction(i, tree_.logical_lines[line++]));
      }
    }
    EndStage();
    result_.instructions = tree_.arena().Copy(instructions_);
    result_.directives = tree_.arena().Copy(directives_);
    result_.global_args = tree_.arena().Copy(global_args_);
    result_.stages = tree_.arena().Copy(stages_);
    return std::move(result_);
  }

 private:
  void AddDirective(const Node& node) {
    Directive directive;
    for (std::uint32_t i = node.first_token; i < node.end_token; ++i) {
      const Token& token = tree_.tokens[i];
      if (token.kind == TokenKind::kDirectiveName) {
        directive.name = {token.text(), tree_.RangeOf(token)};
      } else if (token.kind == TokenKind::kDirectiveValue) {
        directive.value = {token.text(), tree_.RangeOf(token)};
      }
    }
    directive.line = buffer_.lines().Line(directive.name.range.begin);
    // Only the first of a name takes effect; the lexer reported the others.
    const bool is_first = std::none_of(directives_.begin(), directives_.end(), [&](const Directive& other) {
      return EqualsIgnoreCase(other.name.text, directive.name.text);
    });
    if (is_first) {
      directives_.push_back(directive);
    }
  }

  const Instruction* BuildInstruction(std::uint32_t node_index, const LogicalLine& line) {
    const Node& node = tree_.nodes[node_index];
    // The tokens of the instruction; a second keyword starts the trigger of an ONBUILD.
    std::vector<const Token*> tokens;
    std::vector<const Token*> heredoc_tokens;
    std::uint32_t trigger_token = 0;
    std::vector<const Token*> trigger_tokens;
    for (std::uint32_t i = line.keyword_token + 1; i < node.end_token; ++i) {
      const Token& token = tree_.tokens[i];
      if (IsTrivia(token.kind) || token.kind == TokenKind::kEnd) {
        continue;
      }
      if (token.kind == TokenKind::kHeredocBody || token.kind == TokenKind::kHeredocEnd) {
        heredoc_tokens.push_back(&token);
      } else if (IsKeyword(token.kind)) {
        trigger_token = i;
      } else {
        (trigger_token != 0 ? trigger_tokens : tokens).push_back(&token);
      }
    }
    const List<Heredoc> heredocs = BuildHeredocs(line, heredoc_tokens);
    SourceRange range = tree_.RangeOf(tree_.tokens[line.keyword_token]);
    for (const std::vector<const Token*>* list : {&tokens, &trigger_tokens, &heredoc_tokens}) {
      if (!list->empty()) {
        range = source::Cover(range, tree_.RangeOf(*list->back()));
      }
    }
    if (trigger_token != 0) {
      range = source::Cover(range, tree_.RangeOf(tree_.tokens[trigger_token]));
    }

    Instruction* instruction = MakeHeader(tree_.tokens[line.keyword_token], line, heredocs, range, line.text);
    instruction->comments = Comments(line);
    instruction->has_empty_continuation = line.has_empty_continuation;
    Finish(*instruction, node.has_error, std::move(tokens), false);
    if (instruction->kind == InstructionKind::kOnbuild) {
      auto& onbuild = static_cast<Onbuild&>(*instruction);
      onbuild.expression = Expression(onbuild);
      if (trigger_token != 0) {
        const SourceRange trigger_range{range.file, tree_.tokens[trigger_token].begin, range.end};
        onbuild.trigger = BuildTrigger(onbuild, tree_.tokens[trigger_token], line, trigger_range,
                                       tree_.nodes[node_index + 2].has_error, std::move(trigger_tokens));
      }
    }
    return instruction;
  }

  const Instruction* BuildTrigger(Onbuild& onbuild, const Token& keyword, const LogicalLine& line, SourceRange range,
                                  bool has_error, std::vector<const Token*> tokens) {
    // Its own logical line: from its keyword, which is a part of the line's text, to the last byte that is no white
    // space.
    const std::string_view whole = TrimUnicodeSpaceRight(onbuild.original);
    const std::string_view rest = whole.substr(static_cast<std::size_t>(keyword.text_data - whole.data()));
    Instruction* trigger = MakeHeader(keyword, line, onbuild.heredocs, range, rest);
    if (trigger->kind == InstructionKind::kOnbuild || trigger->kind == InstructionKind::kFrom ||
        trigger->kind == InstructionKind::kMaintainer) {
      onbuild.invalid = trigger->invalid = true;
      emitter_.Emit<diag::Kind::kForbiddenTrigger>(trigger->keyword.range, KeywordOf(trigger->kind));
      return trigger;
    }
    Finish(*trigger, has_error, std::move(tokens), true);
    return trigger;
  }

  // Behind ONBUILD and blanks, as upstream cuts it off.
  static std::string_view TrimSpaceAfterKeyword(std::string_view original) {
    constexpr std::string_view kSpace = " \t\n\f\r";
    original.remove_prefix(std::min(KeywordOf(InstructionKind::kOnbuild).size(), original.size()));
    original.remove_prefix(std::min(original.find_first_not_of(kSpace), original.size()));
    return original;
  }

  std::string_view Expression(const Onbuild& onbuild) {
    const std::string_view text = TrimSpaceAfterKeyword(onbuild.original);
    if (onbuild.heredocs.empty()) {
      return text;
    }
    std::string expression(text);
    for (const Heredoc& heredoc : onbuild.heredocs) {
      expression.push_back('\n');
      expression += heredoc.content;
      expression += heredoc.name;
    }
    return tree_.arena().Copy(expression);
  }

  Instruction* MakeHeader(const Token& keyword, const LogicalLine& line, List<Heredoc> heredocs, SourceRange range,
                          std::string_view original) {
    Instruction* instruction = NewInstruction(tree_.arena(), KindOfKeyword(keyword.kind));
    instruction->keyword = {keyword.text(), tree_.RangeOf(keyword)};
    instruction->original = original;
    instruction->range = range;
    instruction->lines = line.lines;
    instruction->last_header_line = line.last_header_line;
    instruction->heredocs = heredocs;
    return instruction;
  }

  void Finish(Instruction& instruction, bool has_error, std::vector<const Token*> tokens, bool is_trigger) {
    InstructionBuilder builder(tree_, emitter_, instruction, std::move(tokens), is_trigger);
    instruction.flags = BuildFlags(builder);
    if (instruction.kind == InstructionKind::kUnknown) {
      ReportUnknown(builder);
    }
    if (has_error) {
      instruction.invalid = true;
    } else {
      BuildArguments(builder);
    }
    CheckFlags(builder);
  }

  List<Flag> BuildFlags(const InstructionBuilder& builder) {
    std::vector<Flag> flags;
    for (const Token* token : builder.tokens()) {
      if (token->kind != TokenKind::kFlag) {
        continue;
      }
      const Text whole = builder.TextOf(*token);
      Flag flag;
      flag.range = whole.range;
      Text name = whole;
      if (const auto sides = builder.SplitEquals(whole)) {
        name = sides->first;
        flag.has_value = true;
        flag.value = sides->second;
      }
      flag.name = {name.text.substr(std::min<std::size_t>(2, name.text.size())), name.range};
      flag.name.range.begin = std::min(flag.name.range.begin + 2, flag.name.range.end);
      flags.push_back(flag);
    }
    return tree_.arena().Copy(flags);
  }

  List<Heredoc> BuildHeredocs(const LogicalLine& line, const std::vector<const Token*>& tokens) {
    std::vector<Heredoc> heredocs;
    for (std::uint32_t i = line.first_heredoc, token = 0; i < line.end_heredoc && token + 1 < tokens.size();
         ++i, token += 2) {
      const syntax::HeredocWord& word = tree_.heredocs[i];
      heredocs.push_back({word.name, word.expand, word.chomp, word.fd, tokens[token]->text(), word.range,
                          tree_.RangeOf(*tokens[token]), tree_.RangeOf(*tokens[token + 1])});
    }
    return tree_.arena().Copy(heredocs);
  }

  List<Text> Comments(const LogicalLine& line) {
    std::vector<Text> comments;
    for (std::uint32_t i = line.first_comment; i < line.end_comment; ++i) {
      comments.push_back({tree_.comments[i].text, tree_.comments[i].range});
    }
    return tree_.arena().Copy(comments);
  }

  void ReportUnknown(InstructionBuilder& builder) {
    const Text& keyword = builder.instruction().keyword;
    if (keyword.empty()) {
      builder.Report<diag::Kind::kLoneContinuation>(keyword.range).Hint("remove the escape character");
      return;
    }
    static const std::vector<std::string> kKeywords = {
#define LOAM_INSTRUCTION(Name, KEYWORD) KEYWORD,
#include "compiler/syntax/instructions.def"
#undef LOAM_INSTRUCTION
    };
    auto report = builder.Report<diag::Kind::kUnknownInstruction>(keyword.range, keyword.text);
    if (const auto near = NearestWord(keyword.text, kKeywords)) {
      report.Hint(fmt::format("did you mean `{}`?", *near)).Fix(fmt::format("write `{}`", *near), keyword.range, *near);
    }
  }

  void AddToStage(const Instruction* instruction) {
    instructions_.push_back(instruction);
    if (const auto* from = As<From>(instruction)) {
      EndStage();
      from_ = from;
      return;
    }
    if (from_ != nullptr) {
      stage_instructions_.push_back(instruction);
      return;
    }
    if (const auto* arg = As<Arg>(instruction)) {
      global_args_.push_back(arg);
      return;
    }
    if (options_.trigger || reported_before_from_ || instruction->kind == InstructionKind::kUnknown) {
      return;
    }
    // Once: those that follow have the same reason.
    reported_before_from_ = true;
    emitter_.Emit<diag::Kind::kInstructionBeforeFrom>(instruction->keyword.range, KeywordOf(instruction->kind))
        .Hint("start the stage with `FROM image`; only `ARG` may stand before it");
  }

  void EndStage() {
    if (from_ != nullptr) {
      stages_.push_back({from_, tree_.arena().Copy(stage_instructions_)});
    }
    stage_instructions_.clear();
    from_ = nullptr;
  }

  syntax::Tree& tree_;
  const source::Buffer& buffer_;
  diag::Emitter& emitter_;
  BuildOptions options_;
  Dockerfile result_;

  std::vector<Directive> directives_;
  std::vector<const Instruction*> instructions_;
  std::vector<const Arg*> global_args_;
  std::vector<Stage> stages_;
  // The stage at hand.
  const From* from_ = nullptr;
  std::vector<const Instruction*> stage_instructions_;
  bool reported_before_from_ = false;
};

}  // namespace

Dockerfile BuildDockerfile(std::shared_ptr<syntax::Tree> tree, const source::Buffer& buffer, diag::Emitter& emitter,
                           const BuildOptions& options) {
  return AstBuilder(std::move(tree), buffer, emitter, options).Run();
}

}  // namespace loam::ast
