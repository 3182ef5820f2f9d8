#include "compiler/ast/earthfile/build_ast.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "compiler/ast/earthfile/texts.h"
#include "compiler/ast/earthfile/version.h"

namespace loam::ast::earthfile {

namespace {

using diag::Kind;
using syntax::earthfile::IsTrivia;
using syntax::earthfile::IsVirtual;
using syntax::earthfile::Node;
using syntax::earthfile::NodeKind;
using syntax::earthfile::Token;
using syntax::earthfile::TokenKind;
using syntax::earthfile::Tree;

// Versions of the language; 0.0 switches all features off.
constexpr auto kVersions = std::to_array<std::string_view>({"0.0", "0.6", "0.7", "0.8"});

CommandKind KindOf(TokenKind keyword) {
  constexpr auto kFirst = static_cast<std::size_t>(TokenKind::kKeywordFrom);
  static_assert(static_cast<std::size_t>(TokenKind::kKeywordProject) - kFirst ==
                static_cast<std::size_t>(CommandKind::kProject));
  return static_cast<CommandKind>(static_cast<std::size_t>(keyword) - kFirst);
}

class Builder {
 public:
  Builder(Tree& tree, diag::Emitter& emitter)
      : tree_(tree), emitter_(emitter), is_utf8_(IsValidUtf8(tree.buffer().text())) {}

  void Build(Earthfile& file);

 private:
  // A header that waits for its recipe.
  struct Header {
    std::uint32_t token = 0;
    bool has_recipe = false;
    Block recipe;
  };

  [[nodiscard]] const Node& node(std::uint32_t index) const { return tree_.nodes[index]; }
  [[nodiscard]] const Token& token(std::uint32_t index) const { return tree_.tokens[index]; }
  // Indices of the children of a node, in order.
  [[nodiscard]] std::vector<std::uint32_t> Children(std::uint32_t index) const;
  // Significant tokens of a node that take bytes.
  [[nodiscard]] std::vector<std::uint32_t> Tokens(const Node& node) const;
  [[nodiscard]] Location LocationOf(const Node& node) const;

  std::string_view Utf8(std::string_view text) {
    return is_utf8_ ? text : tree_.arena().Copy(ReplaceInvalidUtf8(text));
  }
  [[nodiscard]] Word RawWord(std::uint32_t index) {
    return {Utf8(tree_.SourceOf(token(index))), tree_.RangeOf(token(index))};
  }
  [[nodiscard]] Word PlainWord(std::uint32_t index);
  [[nodiscard]] Word ValueOf(const std::vector<std::uint32_t>& tokens, std::size_t begin);
  // The words from `begin` on, or the strings of the JSON array they are.
  List<Word> MaybeJson(const std::vector<std::uint32_t>& tokens, std::size_t begin, bool* exec_mode, bool* is_null);
  std::string_view DocsAbove(std::uint32_t token);

  Block BuildBlock(const std::vector<std::uint32_t>& statements);
  Statement BuildStatement(std::uint32_t index);
  void BuildCommand(std::uint32_t index, Statement& statement);
  void BuildKeyValue(const std::vector<std::uint32_t>& tokens, Command& command);
  void BuildLabel(const std::vector<std::uint32_t>& tokens, Command& command);
  void BuildBlockStatement(std::uint32_t index, Statement& statement);
  void RejectClause(std::uint32_t clause, std::string_view wanted);

  void CheckVersion(const Earthfile& file, const std::vector<std::uint32_t>& children);
  void BuildRecipe(std::uint32_t index, std::vector<Header>& headers);
  void Finish(Earthfile& file, const std::vector<Header>& headers);

  Tree& tree_;
  diag::Emitter& emitter_;
  bool is_utf8_;
};

// --- tokens and texts
// -------------------------------------------------------------------------------------------------

std::vector<std::uint32_t> Builder::Children(std::uint32_t index) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t child = index + 1; child < node(index).end_node; child = node(child).end_node) {
    out.push_back(child);
  }
  return out;
}

std::vector<std::uint32_t> Builder::Tokens(const Node& node) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = node.first_token; i < node.end_token; ++i) {
    if (!IsTrivia(token(i).kind) && !IsVirtual(token(i).kind)) {
      out.push_back(i);
    }
  }
  return out;
}

Location Builder::LocationOf(const Node& node) const {
  Location location;
  for (std::uint32_t i = node.first_token; i < node.end_token; ++i) {
    if (!IsTrivia(token(i).kind) && !IsVirtual(token(i).kind)) {
      location.range = source::Cover(location.range, tree_.RangeOf(token(i)));
      break;
    }
  }
  for (std::uint32_t i = node.end_token; i-- > node.first_token;) {
    if (!IsTrivia(token(i).kind) && !IsVirtual(token(i).kind)) {
      location.range = source::Cover(location.range, tree_.RangeOf(token(i)));
      location.last_token = token(i).begin;
      break;
    }
  }
  return location;
}

Word Builder::PlainWord(std::uint32_t index) {
  Word word = RawWord(index);
  if (MayHaveContinuation(word.text)) {
    word.text = tree_.arena().Copy(RemoveContinuations(word.text));
  }
  return word;
}

// A value may have blanks in it; it is what stands there, but for blanks in front of words that have no meaning.
Word Builder::ValueOf(const std::vector<std::uint32_t>& tokens, std::size_t begin) {
  if (begin < tokens.size() && token(tokens[begin]).kind == TokenKind::kValueBlank) {
    ++begin;
  }
  if (begin >= tokens.size()) {
    return {};
  }
  const std::uint32_t first = token(tokens[begin]).begin;
  const std::uint32_t last = token(tokens.back()).end;
  bool adjacent = true;
  for (std::size_t i = begin + 1; i < tokens.size(); ++i) {
    adjacent = adjacent && token(tokens[i]).begin == token(tokens[i - 1]).end;
  }
  Word value{{}, tree_.buffer().Range(first, last)};
  if (adjacent) {
    value.text = Utf8(tree_.buffer().text().substr(first, last - first));
    return value;
  }
  std::string text;
  for (std::size_t i = begin; i < tokens.size(); ++i) {
    text += tree_.SourceOf(token(tokens[i]));
  }
  value.text = tree_.arena().Copy(is_utf8_ ? text : ReplaceInvalidUtf8(text));
  return value;
}

List<Word> Builder::MaybeJson(const std::vector<std::uint32_t>& tokens, std::size_t begin, bool* exec_mode,
                              bool* is_null) {
  std::vector<Word> words;
  if (begin < tokens.size()) {
    const char first = tree_.SourceOf(token(tokens[begin])).front();
    if (first == '[' || first == 'n') {
      std::string text;
      std::vector<std::size_t> starts;  // of each token in `text`
      for (std::size_t i = begin; i < tokens.size(); ++i) {
        starts.push_back(text.size());
        text += tree_.SourceOf(token(tokens[i]));
      }
      if (const std::optional<JsonWords> json = ParseJsonWords(text)) {
        *exec_mode = true;
        *is_null = json->is_null;
        words.reserve(json->items.size());
        std::size_t token_index = 0;
        for (const JsonWords::Item& item : json->items) {
          // Items are in order: the token of each is looked for from that of the one before.
          while (token_index + 1 < starts.size() && starts[token_index + 1] <= item.begin) {
            ++token_index;
          }
          std::size_t last = token_index;
          while (last + 1 < starts.size() && starts[last + 1] < item.end) {
            ++last;
          }
          const std::uint32_t from =
              token(tokens[begin + token_index]).begin + static_cast<std::uint32_t>(item.begin - starts[token_index]);
          const std::uint32_t to =
              token(tokens[begin + last]).begin + static_cast<std::uint32_t>(item.end - starts[last]);
          words.push_back({tree_.arena().Copy(item.text), tree_.buffer().Range(from, to)});
        }
        return tree_.arena().Copy(words);
      }
    }
  }
  words.reserve(tokens.size());
  for (std::size_t i = begin; i < tokens.size(); ++i) {
    words.push_back(PlainWord(tokens[i]));
  }
  return tree_.arena().Copy(words);
}

std::string_view Builder::DocsAbove(std::uint32_t index) {
  std::vector<std::string_view> comments;
  while (index > 0) {
    const Token& before = token(index - 1);
    if (before.kind == TokenKind::kComment) {
      comments.push_back(tree_.SourceOf(before));
    } else if (before.kind != TokenKind::kBlank && before.kind != TokenKind::kCommentEnd) {
      break;
    }
    --index;
  }
  std::reverse(comments.begin(), comments.end());
  return comments.empty() ? std::string_view{} : tree_.arena().Copy(Utf8(DocsOf(comments)));
}

// --- statements
// -------------------------------------------------------------------------------------------------------

Block Builder::BuildBlock(const std::vector<std::uint32_t>& statements) {
  std::vector<Statement> out;
  out.reserve(statements.size());
  for (const std::uint32_t index : statements) {
    if (node(index).kind == NodeKind::kStatement) {
      out.push_back(BuildStatement(index));
    }
  }
  return tree_.arena().Copy(out);
}

Statement Builder::BuildStatement(std::uint32_t index) {
  Statement statement;
  statement.location = LocationOf(node(index));
  statement.invalid = node(index).has_error;
  const std::uint32_t child = index + 1;
  LOAM_CHECK(child < node(index).end_node, "a statement is a command or a block");
  if (node(child).kind == NodeKind::kCommand) {
    BuildCommand(child, statement);
  } else {
    BuildBlockStatement(child, statement);
  }
  return statement;
}

void Builder::BuildCommand(std::uint32_t index, Statement& statement) {
  const std::vector<std::uint32_t> tokens = Tokens(node(index));
  const TokenKind keyword = token(tokens.front()).kind;
  auto* command = tree_.arena().New<Command>();
  statement.kind = StatementKind::kCommand;
  statement.command = command;
  statement.keyword = tree_.RangeOf(token(tokens.front()));
  command->keyword = RawWord(tokens.front());
  command->location = statement.location;
  command->docs = DocsAbove(tokens.front());
  if (keyword == TokenKind::kUnknown) {
    statement.invalid = command->invalid = true;
    return;
  }
  command->kind = KindOf(keyword);
  command->invalid = statement.invalid;
  if (tokens.size() > 1 && token(tokens[1]).kind == TokenKind::kWord &&
      token(tokens[1]).begin == token(tokens[0]).end) {
    const SourceRange both = source::Cover(command->keyword.range, tree_.RangeOf(token(tokens[1])));
    emitter_
        .Emit<Kind::kEarthGluedKeyword>(both, tree_.buffer().TextOf(both), command->keyword.text,
                                        tree_.SourceOf(token(tokens[1])))
        .Hint("put a blank between them, or correct the command");
  }
  bool is_null = false;
  switch (command->kind) {
    case CommandKind::kEnv:
    case CommandKind::kArg:
    case CommandKind::kSet:
    case CommandKind::kLet:
      BuildKeyValue(tokens, *command);
      break;
    case CommandKind::kLabel:
      BuildLabel(tokens, *command);
      break;
    case CommandKind::kRun:
    case CommandKind::kCmd:
    case CommandKind::kEntrypoint:
    case CommandKind::kVolume:
      command->args = MaybeJson(tokens, 1, &command->exec_mode, &is_null);
      command->null_args = is_null;
      break;
    default: {
      std::vector<Word> words;
      for (std::size_t i = 1; i < tokens.size(); ++i) {
        words.push_back(PlainWord(tokens[i]));
      }
      command->args = tree_.arena().Copy(words);
    }
  }
  statement.invalid = command->invalid;
}

void Builder::BuildKeyValue(const std::vector<std::uint32_t>& tokens, Command& command) {
  // Behind the keyword: words, the last of which is the key (ENV: the first), `=`, value.
  std::size_t equals = 1;
  while (equals < tokens.size() && token(tokens[equals]).kind == TokenKind::kWord) {
    ++equals;
  }
  KeyValue pair;
  pair.has_equals = equals < tokens.size() && token(tokens[equals]).kind == TokenKind::kEquals;
  const std::size_t key = command.kind == CommandKind::kEnv ? 1 : equals - 1;
  if (key == 0 || key >= tokens.size() || token(tokens[key]).kind != TokenKind::kWord) {
    command.invalid = true;
    return;
  }
  std::vector<Word> args;
  for (std::size_t i = 1; i < key; ++i) {
    args.push_back(PlainWord(tokens[i]));
  }
  command.flags = tree_.arena().Copy(args);
  pair.key = RawWord(tokens[key]);
  pair.value = ValueOf(tokens, pair.has_equals && equals == key + 1 ? equals + 1 : key + 1);
  if (!IsVariableName(pair.key.text) && !command.invalid) {
    command.invalid = true;
    auto report = emitter_.Emit<Kind::kEarthBadName>(pair.key.range, pair.key.text);
    report.Hint("a name has letters, digits and `_`, and does not start with a digit");
    if (pair.key.text.starts_with("$")) {
      report.Hint("the name of a variable cannot be computed");
    }
  }
  args.push_back(pair.key);
  if (pair.value.present()) {
    args.push_back({"=", pair.has_equals ? tree_.RangeOf(token(tokens[equals])) : pair.value.range});
    args.push_back(pair.value);
  }
  command.args = tree_.arena().Copy(args);
  command.pairs = tree_.arena().Copy(std::vector<KeyValue>{pair});
}

void Builder::BuildLabel(const std::vector<std::uint32_t>& tokens, Command& command) {
  std::vector<Word> args;
  std::vector<KeyValue> pairs;
  for (std::size_t i = 1;
       i + 2 < tokens.size() && token(tokens[i]).kind == TokenKind::kWord &&
       token(tokens[i + 1]).kind == TokenKind::kEquals && token(tokens[i + 2]).kind == TokenKind::kWord;
       i += 3) {
    const KeyValue pair{RawWord(tokens[i]), true, RawWord(tokens[i + 2])};
    pairs.push_back(pair);
    args.push_back(pair.key);
    args.push_back({"=", tree_.RangeOf(token(tokens[i + 1]))});
    args.push_back(pair.value);
  }
  command.args = tree_.arena().Copy(args);
  command.pairs = tree_.arena().Copy(pairs);
}

void Builder::RejectClause(std::uint32_t clause, std::string_view wanted) {
  const Token& keyword = token(node(clause).first_token);
  emitter_.Emit<Kind::kEarthMisplacedClause>(tree_.RangeOf(keyword), tree_.SourceOf(keyword), wanted)
      .Hint("a block is closed by `END`; `ELSE` belongs to `IF`, `CATCH` and `FINALLY` to `TRY`");
}

void Builder::BuildBlockStatement(std::uint32_t index, Statement& statement) {
  std::uint32_t header = 0;
  std::uint32_t body = 0;
  std::vector<std::uint32_t> clauses;
  SourceRange end;
  for (const std::uint32_t child : Children(index)) {
    switch (node(child).kind) {
      case NodeKind::kBlockHeader:
        header = child;
        break;
      case NodeKind::kBlock:
        body = child;
        break;
      case NodeKind::kClause:
        clauses.push_back(child);
        break;
      case NodeKind::kBlockEnd:
        if (!node(child).has_error) {
          end = tree_.RangeOf(token(node(child).first_token));
        }
        break;
      default:
        break;
    }
  }
  LOAM_CHECK(header != 0, "a block has a header");
  statement.invalid = statement.invalid || node(header).has_error || !end.valid();
  const std::vector<std::uint32_t> tokens = Tokens(node(header));
  statement.keyword = tree_.RangeOf(token(tokens.front()));
  const Block block = body == 0 ? Block{} : BuildBlock(Children(body));
  const auto clause_tokens = [&](std::uint32_t clause) { return Tokens(node(clause + 1)); };
  const auto clause_block = [&](std::uint32_t clause) {
    for (const std::uint32_t child : Children(clause)) {
      if (node(child).kind == NodeKind::kBlock) {
        return BuildBlock(Children(child));
      }
    }
    return Block{};
  };
  const auto words = [&](std::size_t begin) {
    std::vector<Word> out;
    for (std::size_t i = begin; i < tokens.size(); ++i) {
      out.push_back(PlainWord(tokens[i]));
    }
    return tree_.arena().Copy(out);
  };
  const auto reject_clauses = [&] {
    for (const std::uint32_t clause : clauses) {
      statement.invalid = true;
      clause_block(clause);  // for what is wrong in it
      RejectClause(clause, token(node(clause).first_token).kind == TokenKind::kKeywordElse ||
                                   token(node(clause).first_token).kind == TokenKind::kKeywordElseIf
                               ? "an open `IF`"
                               : "an open `TRY`");
    }
  };
  switch (token(tokens.front()).kind) {
    case TokenKind::kKeywordWith: {
      auto* with = tree_.arena().New<With>();
      statement.kind = StatementKind::kWith;
      statement.with = with;
      with->end = end;
      with->body = block;
      with->command.kind = CommandKind::kDocker;
      with->command.invalid = node(header).has_error;
      if (tokens.size() > 1) {
        with->command.keyword = RawWord(tokens[1]);
        with->command.location = {source::Cover(tree_.RangeOf(token(tokens[1])), tree_.RangeOf(token(tokens.back()))),
                                  token(tokens.back()).begin};
      }
      with->command.args = words(2);
      reject_clauses();
      return;
    }
    case TokenKind::kKeywordFor: {
      auto* loop = tree_.arena().New<For>();
      statement.kind = StatementKind::kFor;
      statement.for_ = loop;
      loop->end = end;
      loop->body = block;
      loop->args = words(1);
      reject_clauses();
      return;
    }
    case TokenKind::kKeywordWait: {
      auto* wait = tree_.arena().New<Wait>();
      statement.kind = StatementKind::kWait;
      statement.wait = wait;
      wait->end = end;
      wait->body = block;
      wait->args = words(1);
      wait->has_args = !wait->args.empty();
      reject_clauses();
      return;
    }
    case TokenKind::kKeywordTry: {
      auto* attempt = tree_.arena().New<Try>();
      statement.kind = StatementKind::kTry;
      statement.try_ = attempt;
      attempt->end = end;
      attempt->body = block;
      for (const std::uint32_t clause : clauses) {
        const Block clause_body = clause_block(clause);
        const Token& keyword = token(node(clause).first_token);
        if (keyword.kind == TokenKind::kKeywordCatch && !attempt->has_catch && !attempt->has_finally) {
          attempt->has_catch = true;
          attempt->catch_body = clause_body;
          attempt->catch_keyword = tree_.RangeOf(keyword);
        } else if (keyword.kind == TokenKind::kKeywordFinally && !attempt->has_finally) {
          attempt->has_finally = true;
          attempt->finally_body = clause_body;
          attempt->finally_keyword = tree_.RangeOf(keyword);
        } else {
          statement.invalid = true;
          RejectClause(clause, keyword.kind == TokenKind::kKeywordCatch     ? "a `TRY` directly in front"
                               : keyword.kind == TokenKind::kKeywordFinally ? "a `TRY` of its own"
                                                                            : "an open `IF`");
        }
      }
      return;
    }
    case TokenKind::kKeywordIf: {
      auto* branch = tree_.arena().New<If>();
      statement.kind = StatementKind::kIf;
      statement.if_ = branch;
      branch->end = end;
      branch->body = block;
      branch->condition.words = MaybeJson(tokens, 1, &branch->condition.exec_mode, &branch->condition.null_words);
      std::vector<ElseIf> else_ifs;
      for (const std::uint32_t clause : clauses) {
        const Block clause_body = clause_block(clause);
        const Token& keyword = token(node(clause).first_token);
        if (keyword.kind == TokenKind::kKeywordElseIf && !branch->has_else) {
          ElseIf else_if;
          else_if.condition.words =
              MaybeJson(clause_tokens(clause), 1, &else_if.condition.exec_mode, &else_if.condition.null_words);
          else_if.body = clause_body;
          else_if.keyword = tree_.RangeOf(keyword);
          else_if.location = LocationOf(node(clause));
          else_ifs.push_back(else_if);
        } else if (keyword.kind == TokenKind::kKeywordElse && !branch->has_else) {
          branch->has_else = true;
          branch->else_body = clause_body;
          branch->else_keyword = tree_.RangeOf(keyword);
        } else {
          statement.invalid = true;
          RejectClause(clause, branch->has_else && keyword.kind <= TokenKind::kKeywordElse
                                   ? "an `IF` of its own: the `ELSE` of this one is in front"
                                   : "an open `TRY`");
        }
      }
      branch->else_ifs = tree_.arena().Copy(else_ifs);
      return;
    }
    default:
      LOAM_UNREACHABLE("no other keyword opens a block");
  }
}

// --- the file
// ---------------------------------------------------------------------------------------------------------

void Builder::CheckVersion(const Earthfile& file, const std::vector<std::uint32_t>& children) {
  bool is_first = true;
  for (const std::uint32_t child : children) {
    if (node(child).kind == NodeKind::kVersion && !is_first) {
      emitter_.Emit<Kind::kEarthMisplacedVersion>(tree_.RangeOf(token(node(child).first_token)))
          .Hint("move it to the first line");
    }
    is_first = false;
  }
  if (file.version == nullptr) {
    return;
  }
  const bool was_reported =
      !children.empty() && node(children.front()).kind == NodeKind::kVersion && node(children.front()).has_error;
  if (file.version->args.empty()) {
    if (!was_reported) {
      emitter_.Emit<Kind::kEarthMissingVersionNumber>(file.version->range).Hint("write `VERSION 0.8`");
    }
    return;
  }
  const Word& number = file.version->args.back();
  if (std::find(kVersions.begin(), kVersions.end(), number.text) == kVersions.end()) {
    emitter_.Emit<Kind::kEarthBadVersion>(number.range, number.text)
        .Hint("there are 0.6, 0.7 and 0.8; the number stands last, behind the flags");
  }
}

void Builder::BuildRecipe(std::uint32_t index, std::vector<Header>& headers) {
  const std::vector<std::uint32_t> children = Children(index);
  const bool has_header = !headers.empty() && !headers.back().has_recipe;
  std::vector<std::uint32_t> statements;
  bool reported = false;
  for (const std::uint32_t child : children) {
    const Token& first = token(node(child).first_token);
    switch (node(child).kind) {
      case NodeKind::kStatement:
        statements.push_back(child);
        if (!has_header && !reported) {
          reported = true;
          emitter_.Emit<Kind::kEarthIndentedBase>(tree_.RangeOf(first), tree_.SourceOf(first))
              .Hint(headers.empty() ? "in front of the first target, commands start their lines"
                                    : "a command or comment that is not indented ended the target above");
        }
        break;
      case NodeKind::kHeader:
        emitter_.Emit<Kind::kEarthIndentedHeader>(tree_.RangeOf(first), tree_.SourceOf(first))
            .Hint("remove the blanks in front of it");
        break;
      case NodeKind::kVersion:
        emitter_.Emit<Kind::kEarthMisplacedVersion>(tree_.RangeOf(first))
            .Hint("move it to the first line, without blanks in front of it");
        break;
      default:
        emitter_.Emit<Kind::kEarthMisplacedClause>(tree_.RangeOf(first), tree_.SourceOf(first), "an open block")
            .Hint("the block was closed before, or its first line is wrong");
        break;
    }
  }
  const Block block = BuildBlock(statements);
  if (has_header) {
    headers.back().has_recipe = true;
    headers.back().recipe = block;
  }
}

void Builder::Build(Earthfile& file) {
  file.version = ScanVersion(tree_, emitter_);
  const std::vector<std::uint32_t> children = Children(0);
  CheckVersion(file, children);
  std::vector<Header> headers;
  std::vector<std::uint32_t> base;
  std::uint32_t last_not_indented = 0;
  for (const std::uint32_t child : children) {
    const Token& first = token(node(child).first_token);
    switch (node(child).kind) {
      case NodeKind::kVersion:
        break;
      case NodeKind::kStatement:
        if (headers.empty()) {
          base.push_back(child);
          break;
        }
        // Once for neighbours.
        if (last_not_indented == 0 || last_not_indented != child) {
          emitter_.Emit<Kind::kEarthNotIndented>(tree_.RangeOf(first), tree_.SourceOf(first))
              .Hint("indent it, or move it in front of the first target");
        }
        last_not_indented = node(child).end_node;
        BuildStatement(child);  // for what is wrong in it
        break;
      case NodeKind::kHeader:
        headers.push_back({node(child).first_token, false, {}});
        break;
      case NodeKind::kRecipe:
        BuildRecipe(child, headers);
        break;
      default:
        emitter_.Emit<Kind::kEarthMisplacedClause>(tree_.RangeOf(first), tree_.SourceOf(first), "an open block")
            .Hint("the block was closed before, or its first line is wrong");
        break;
    }
  }
  file.base_recipe = BuildBlock(base);
  Finish(file, headers);
}

void Builder::Finish(Earthfile& file, const std::vector<Header>& headers) {
  std::vector<Target> targets;
  std::vector<Function> functions;
  std::unordered_map<std::string_view, SourceRange> seen;
  // Stops are recorded for all headers, those that are indented by mistake too.
  std::size_t stop = 0;
  std::uint32_t scanned = 0;
  for (const Header& header : headers) {
    for (; scanned < header.token; ++scanned) {
      const TokenKind kind = token(scanned).kind;
      stop += kind == TokenKind::kTargetName || kind == TokenKind::kFunctionName ? 1 : 0;
    }
    const Token& name_token = token(header.token);
    const bool is_target = name_token.kind == TokenKind::kTargetName;
    const SourceRange range = tree_.RangeOf(name_token);
    const SourceRange name_range = tree_.buffer().Range(range.begin, range.end - 1);
    const std::string_view name = Utf8(tree_.buffer().TextOf(name_range));
    Location location{range, stop < tree_.recipe_stops.size() ? tree_.recipe_stops[stop] : range.begin};
    if (!header.recipe.empty()) {
      location.range = source::Cover(location.range, header.recipe.back().location.range);
    }
    const std::string_view docs = DocsAbove(header.token);
    if (!is_target) {
      functions.push_back({name, docs, header.recipe, name_range, location});
      continue;
    }
    targets.push_back({name, docs, header.recipe, name_range, location});
    if (name == "base") {
      emitter_.Emit<Kind::kEarthReservedTarget>(name_range, name).Hint("give the target another name");
    }
    const auto [other, is_new] = seen.emplace(name, name_range);
    if (!is_new) {
      emitter_.Emit<Kind::kEarthDuplicateTarget>(name_range, name)
          .Label(other->second, "first defined here")
          .Hint("rename or remove one of them");
    }
  }
  file.targets = tree_.arena().Copy(targets);
  file.functions = tree_.arena().Copy(functions);
}

}  // namespace

Earthfile BuildEarthfile(std::shared_ptr<Tree> tree, diag::Emitter& emitter) {
  Earthfile file;
  file.file = tree->buffer().id();
  Builder(*tree, emitter).Build(file);
  file.tree = std::move(tree);
  return file;
}

}  // namespace loam::ast::earthfile
