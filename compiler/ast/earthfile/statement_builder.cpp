#include "compiler/ast/earthfile/statement_builder.h"

#include "base/check.h"
#include "compiler/ast/earthfile/texts.h"

namespace loam::ast::earthfile {

using diag::Kind;
using syntax::earthfile::NodeKind;
using syntax::earthfile::Token;
using syntax::earthfile::TokenKind;

namespace {

CommandKind KindOf(TokenKind keyword) {
  constexpr auto kFirst = static_cast<std::size_t>(TokenKind::kKeywordFrom);
  static_assert(static_cast<std::size_t>(TokenKind::kKeywordProject) - kFirst ==
                static_cast<std::size_t>(CommandKind::kProject));
  return static_cast<CommandKind>(static_cast<std::size_t>(keyword) - kFirst);
}

}  // namespace

Block StatementBuilder::BuildBlock(const std::vector<std::uint32_t>& nodes) {
  std::vector<Statement> out;
  out.reserve(nodes.size());
  for (const std::uint32_t index : nodes) {
    if (node(index).kind == NodeKind::kStatement) {
      out.push_back(BuildStatement(index));
    }
  }
  return tree_.arena().Copy(out);
}

Statement StatementBuilder::BuildStatement(std::uint32_t index) {
  Statement statement;
  statement.location = words_.LocationOf(node(index));
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

void StatementBuilder::BuildCommand(std::uint32_t index, Statement& statement) {
  const std::vector<std::uint32_t> tokens = words_.Tokens(node(index));
  const TokenKind keyword = token(tokens.front()).kind;
  auto* command = tree_.arena().New<Command>();
  statement.kind = StatementKind::kCommand;
  statement.command = command;
  statement.keyword = tree_.RangeOf(token(tokens.front()));
  command->keyword = words_.RawWord(tokens.front());
  command->location = statement.location;
  command->docs = words_.DocsAbove(tokens.front());
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
      command->args = words_.MaybeJson(tokens, 1, &command->exec_mode, &is_null);
      command->null_args = is_null;
      break;
    default: {
      command->args = words_.PlainWords(tokens, 1);
    }
  }
  statement.invalid = command->invalid;
}

void StatementBuilder::BuildKeyValue(const std::vector<std::uint32_t>& tokens, Command& command) {
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
    args.push_back(words_.PlainWord(tokens[i]));
  }
  command.flags = tree_.arena().Copy(args);
  pair.key = words_.RawWord(tokens[key]);
  pair.value = words_.ValueOf(tokens, pair.has_equals && equals == key + 1 ? equals + 1 : key + 1);
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

void StatementBuilder::BuildLabel(const std::vector<std::uint32_t>& tokens, Command& command) {
  std::vector<Word> args;
  std::vector<KeyValue> pairs;
  for (std::size_t i = 1;
       i + 2 < tokens.size() && token(tokens[i]).kind == TokenKind::kWord &&
       token(tokens[i + 1]).kind == TokenKind::kEquals && token(tokens[i + 2]).kind == TokenKind::kWord;
       i += 3) {
    const KeyValue pair{words_.RawWord(tokens[i]), true, words_.RawWord(tokens[i + 2])};
    pairs.push_back(pair);
    args.push_back(pair.key);
    args.push_back({"=", tree_.RangeOf(token(tokens[i + 1]))});
    args.push_back(pair.value);
  }
  command.args = tree_.arena().Copy(args);
  command.pairs = tree_.arena().Copy(pairs);
}

void StatementBuilder::RejectClause(std::uint32_t clause, std::string_view wanted) {
  const Token& keyword = token(node(clause).first_token);
  emitter_.Emit<Kind::kEarthMisplacedClause>(tree_.RangeOf(keyword), tree_.SourceOf(keyword), wanted)
      .Hint("a block is closed by `END`; `ELSE` belongs to `IF`, `CATCH` and `FINALLY` to `TRY`");
}

void StatementBuilder::BuildBlockStatement(std::uint32_t index, Statement& statement) {
  std::uint32_t header = 0;
  std::uint32_t body = 0;
  std::vector<std::uint32_t> clauses;
  SourceRange end;
  for (const std::uint32_t child : words_.Children(index)) {
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
  const std::vector<std::uint32_t> tokens = words_.Tokens(node(header));
  statement.keyword = tree_.RangeOf(token(tokens.front()));
  const Block block = body == 0 ? Block{} : BuildBlock(words_.Children(body));
  const auto clause_tokens = [&](std::uint32_t clause) { return words_.Tokens(node(clause + 1)); };
  const auto clause_block = [&](std::uint32_t clause) {
    for (const std::uint32_t child : words_.Children(clause)) {
      if (node(child).kind == NodeKind::kBlock) {
        return BuildBlock(words_.Children(child));
      }
    }
    return Block{};
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
        with->command.keyword = words_.RawWord(tokens[1]);
        with->command.location = {source::Cover(tree_.RangeOf(token(tokens[1])), tree_.RangeOf(token(tokens.back()))),
                                  token(tokens.back()).begin};
      }
      with->command.args = words_.PlainWords(tokens, 2);
      reject_clauses();
      return;
    }
    case TokenKind::kKeywordFor: {
      auto* loop = tree_.arena().New<For>();
      statement.kind = StatementKind::kFor;
      statement.for_ = loop;
      loop->end = end;
      loop->body = block;
      loop->args = words_.PlainWords(tokens, 1);
      reject_clauses();
      return;
    }
    case TokenKind::kKeywordWait: {
      auto* wait = tree_.arena().New<Wait>();
      statement.kind = StatementKind::kWait;
      statement.wait = wait;
      wait->end = end;
      wait->body = block;
      wait->args = words_.PlainWords(tokens, 1);
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
      branch->condition.words =
          words_.MaybeJson(tokens, 1, &branch->condition.exec_mode, &branch->condition.null_words);
      std::vector<ElseIf> else_ifs;
      for (const std::uint32_t clause : clauses) {
        const Block clause_body = clause_block(clause);
        const Token& keyword = token(node(clause).first_token);
        if (keyword.kind == TokenKind::kKeywordElseIf && !branch->has_else) {
          ElseIf else_if;
          else_if.condition.words =
              words_.MaybeJson(clause_tokens(clause), 1, &else_if.condition.exec_mode, &else_if.condition.null_words);
          else_if.body = clause_body;
          else_if.keyword = tree_.RangeOf(keyword);
          else_if.location = words_.LocationOf(node(clause));
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

}  // namespace loam::ast::earthfile
