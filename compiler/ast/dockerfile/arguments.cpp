// The arguments of the instructions that need little: everything but COPY, ADD, RUN and HEALTHCHECK.
#include "base/check.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "compiler/ast/dockerfile/builder.h"

namespace loam::ast {

namespace {

using syntax::TokenKind;

bool IsStageName(std::string_view name) {
  if (name.empty() || name.front() < 'a' || name.front() > 'z') {
    return false;
  }
  for (const char c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!fits) {
      return false;
    }
  }
  return true;
}

// The name with what a stage name cannot hold replaced; "" if nothing is left.
std::string NearestStageName(std::string_view name) {
  std::string fixed;
  for (const char c : ToLowerAscii(name)) {
    if (IsStageName(fixed + c)) {
      fixed.push_back(c);
    } else if (!fixed.empty() && fixed.back() != '-') {
      fixed.push_back('-');
    }
  }
  while (fixed.ends_with('-')) {
    fixed.pop_back();
  }
  return fixed;
}

void BuildFrom(InstructionBuilder& builder, From& node) {
  const std::vector<Text> words = builder.All(TokenKind::kWord);
  node.base = words.front();
  node.platform = builder.FlagValue("platform");
  node.as_keyword = builder.First(TokenKind::kAs);
  if (!node.as_keyword.present()) {
    return;
  }
  node.stage_name = words[1];
  const std::string id = ToLowerAscii(node.stage_name.text);
  node.stage_id = id == node.stage_name.text ? node.stage_name.text : builder.arena().Copy(id);
  node.doc_comment = DocComment(node.comments, node.stage_id);
  if (!IsStageName(node.stage_id)) {
    constexpr std::size_t kLongestFix = 64;
    auto report = builder.Report<diag::Kind::kBadStageName>(node.stage_name.range, node.stage_name.text);
    report.Hint("a name starts with a letter and holds letters, digits, `-`, `_` and `.`");
    const std::string fixed = id.size() <= kLongestFix ? NearestStageName(id) : "";
    if (!fixed.empty() && node.stage_name.text.find('$') == std::string_view::npos) {
      report.Fix(fmt::format("name it `{}`", fixed), node.stage_name.range, fixed);
    }
  }
}

void BuildArg(InstructionBuilder& builder, Arg& node) {
  std::vector<ArgItem> items;
  for (const syntax::Token* token : builder.tokens()) {
    if (token->kind != TokenKind::kPair && token->kind != TokenKind::kWord) {
      continue;
    }
    ArgItem item;
    item.item = builder.TextOf(*token);
    item.key = item.item;
    if (const auto sides = builder.SplitEquals(item.item)) {
      item.key = sides->first;
      item.has_value = true;
      item.value = sides->second;
      if (item.key.empty()) {
        builder.Report<diag::Kind::kBlankName>(item.item.range, "ARG").Hint("write `ARG name=value`");
      }
    }
    item.doc_comment = DocComment(node.comments, item.key.text);
    items.push_back(item);
  }
  node.items = builder.arena().Copy(items);
}

List<KeyValue> BuildPairs(InstructionBuilder& builder) {
  std::vector<KeyValue> pairs;
  const std::string keyword = ToUpperAscii(builder.instruction().keyword.text);
  if (const Text name = builder.First(TokenKind::kName); name.present()) {
    pairs.push_back({name, builder.First(TokenKind::kText), true});
  }
  for (const Text& pair : builder.All(TokenKind::kPair)) {
    const auto sides = builder.SplitEquals(pair);
    LOAM_CHECK(sides.has_value(), "the lexer saw a `=` in the pair");
    pairs.push_back({sides->first, sides->second, false});
    if (sides->first.empty()) {
      builder.Report<diag::Kind::kBlankName>(pair.range, keyword).Hint(fmt::format("write `{} name=value`", keyword));
    }
  }
  return builder.arena().Copy(pairs);
}

void BuildVolume(InstructionBuilder& builder, Volume& node) {
  std::vector<Text> paths = builder.WordsOrStrings(node.json);
  if (paths.empty()) {
    builder.Report<diag::Kind::kMissingArgument>(node.range, "VOLUME", "at least one path");
  }
  for (Text& path : paths) {
    path.text = TrimUnicodeSpace(path.text);
    if (path.empty()) {
      builder.Report<diag::Kind::kEmptyVolumePath>(path.range);
    }
  }
  node.paths = builder.arena().Copy(paths);
}

void BuildShell(InstructionBuilder& builder, Shell& node) {
  node.command = builder.Command();
  if (node.command.args.empty()) {
    builder.Report<diag::Kind::kMissingArgument>(node.range, "SHELL", "at least one argument");
  }
}

template <class T>
T& Cast(Instruction& instruction) {
  return static_cast<T&>(instruction);
}

}  // namespace

Instruction* NewInstruction(syntax::Arena& arena, InstructionKind kind) {
  Instruction* made = nullptr;
  switch (kind) {
#define LOAM_INSTRUCTION(Name, KEYWORD) \
  case InstructionKind::k##Name:        \
    made = arena.New<Name>();           \
    break;
#include "compiler/syntax/instructions.def"
#undef LOAM_INSTRUCTION
    case InstructionKind::kUnknown:
      made = arena.New<Unknown>();
      break;
  }
  made->kind = kind;
  return made;
}

void BuildArguments(InstructionBuilder& builder) {
  Instruction& node = builder.instruction();
  switch (node.kind) {
    case InstructionKind::kAdd: {
      auto& add = Cast<Add>(node);
      BuildFileTransfer(builder, add);
      add.checksum = builder.FlagValue("checksum");
      add.keep_git_dir = builder.OptionalFlag("keep-git-dir");
      add.unpack = builder.OptionalFlag("unpack");
      return;
    }
    case InstructionKind::kCopy: {
      auto& copy = Cast<Copy>(node);
      BuildFileTransfer(builder, copy);
      copy.from = builder.FlagValue("from");
      copy.parents = builder.FlagIsTrue("parents");
      return;
    }
    case InstructionKind::kArg:
      return BuildArg(builder, Cast<Arg>(node));
    case InstructionKind::kCmd:
      Cast<Cmd>(node).command = builder.Command();
      return;
    case InstructionKind::kEntrypoint:
      Cast<Entrypoint>(node).command = builder.Command();
      return;
    case InstructionKind::kEnv:
      Cast<Env>(node).pairs = BuildPairs(builder);
      return;
    case InstructionKind::kLabel:
      Cast<Label>(node).pairs = BuildPairs(builder);
      return;
    case InstructionKind::kExpose:
      Cast<Expose>(node).ports = builder.arena().Copy(builder.All(TokenKind::kWord));
      return;
    case InstructionKind::kFrom:
      return BuildFrom(builder, Cast<From>(node));
    case InstructionKind::kHealthcheck:
      return BuildHealthcheck(builder, Cast<Healthcheck>(node));
    case InstructionKind::kMaintainer:
      Cast<Maintainer>(node).name = builder.First(TokenKind::kText);
      return;
    case InstructionKind::kOnbuild:
      return;  // the trigger is a node of its own: build_ast.cpp
    case InstructionKind::kRun:
      return BuildRun(builder, Cast<Run>(node));
    case InstructionKind::kShell:
      return BuildShell(builder, Cast<Shell>(node));
    case InstructionKind::kStopSignal:
      Cast<StopSignal>(node).signal = builder.First(TokenKind::kText);
      return;
    case InstructionKind::kUser:
      Cast<User>(node).user = builder.First(TokenKind::kText);
      return;
    case InstructionKind::kVolume:
      return BuildVolume(builder, Cast<Volume>(node));
    case InstructionKind::kWorkdir:
      Cast<Workdir>(node).path = builder.First(TokenKind::kText);
      return;
    case InstructionKind::kUnknown:
      Cast<Unknown>(node).arguments = builder.First(TokenKind::kText);
      return;
  }
}

}  // namespace loam::ast
