// Joins the lexer to the parser that ANTLR generates.
#include <array>

#include "base/check.h"
#include "compiler/parse/antlr_stream.h"
#include "compiler/parse/earthfile.h"
#include "compiler/parse/earthfile/lexer.h"
#include "compiler/parse/earthfile/shape_errors.h"
#include "grammar/EarthfileParser.h"

namespace loam::parse {

namespace {

using grammar::EarthfileParser;
using syntax::earthfile::Node;
using syntax::earthfile::NodeKind;
using syntax::earthfile::TokenKind;
using syntax::earthfile::Tree;

constexpr auto kFirstSignificant = static_cast<std::size_t>(TokenKind::kSkipped) + 1;
static_assert(EarthfileParser::KeywordVersion == 1 &&
                  EarthfileParser::End == static_cast<std::size_t>(TokenKind::kEnd) + 1 - kFirstSignificant &&
                  EarthfileParser::KeywordProject ==
                      static_cast<std::size_t>(TokenKind::kKeywordProject) + 1 - kFirstSignificant &&
                  EarthfileParser::Word == static_cast<std::size_t>(TokenKind::kWord) + 1 - kFirstSignificant,
              "the grammar lists the tokens of earth_tokens.def in the same order");
static_assert(static_cast<std::size_t>(NodeKind::kBlockEnd) == EarthfileParser::RuleBlockEnd &&
                  static_cast<std::size_t>(NodeKind::kCommand) == EarthfileParser::RuleCommand &&
                  static_cast<std::size_t>(NodeKind::kRecipe) == EarthfileParser::RuleRecipe,
              "node kinds are the rules of the grammar, in the same order");

std::size_t GrammarType(TokenKind kind) {
  const auto number = static_cast<std::size_t>(kind);
  return number < kFirstSignificant ? 0 : number + 1 - kFirstSignificant;
}

class RecordingParser final : public RecordingParserBase<EarthfileParser, Tree, Node, NodeKind> {
 public:
  using RecordingParserBase::RecordingParserBase;

  // Marks the statement or line that is being read. The rules that are open are `context` and those around it.
  void MarkError(antlr4::ParserRuleContext* context) {
    LeaveUntil(context);
    for (std::size_t i = open_.size(); i-- > 0;) {
      Node& node = tree_.nodes[open_[i].node];
      if (node.kind == NodeKind::kBlock || node.kind == NodeKind::kRecipe || node.kind == NodeKind::kFile) {
        return;
      }
      node.has_error = true;
    }
  }
  // The first token of the innermost open block statement.
  [[nodiscard]] std::uint32_t OpeningToken() const {
    for (std::size_t i = open_.size(); i-- > 0;) {
      if (tree_.nodes[open_[i].node].kind == NodeKind::kBlockStatement) {
        return tree_.nodes[open_[i].node].first_token;
      }
    }
    LOAM_UNREACHABLE("a block's end outside a block");
  }
};

// Reports a line that does not fit, and goes on behind it; a block without END ends where its recipe ends.
class LineRecovery final : public antlr4::ANTLRErrorStrategy {
 public:
  LineRecovery(RecordingParser& parser, SignificantStream& stream, const Tree& tree, diag::Emitter& emitter)
      : parser_(parser), stream_(stream), tree_(tree), emitter_(emitter) {}

  void reset(antlr4::Parser*) override {}
  antlr4::Token* recoverInline(antlr4::Parser* parser) override { throw antlr4::InputMismatchException(parser); }
  void sync(antlr4::Parser*) override {}
  bool inErrorRecoveryMode(antlr4::Parser*) override { return false; }
  void reportMatch(antlr4::Parser*) override {}

  void reportError(antlr4::Parser* parser, const antlr4::RecognitionException&) override {
    antlr4::ParserRuleContext* context = parser->getRuleContext();
    parser_.MarkError(context);
    const std::uint32_t offending = stream_.Current().index();
    if (context->getRuleIndex() == EarthfileParser::RuleBlockEnd && context->start == stream_.LT(1)) {
      earthfile::ReportMissingEnd(tree_, parser_.OpeningToken(), offending, emitter_);
    } else {
      earthfile::ReportLine(tree_, offending, emitter_);
    }
  }
  void recover(antlr4::Parser* parser, std::exception_ptr) override {
    antlr4::ParserRuleContext* context = parser->getRuleContext();
    switch (context->getRuleIndex()) {
      case EarthfileParser::RuleFile:
        SkipTo(antlr4::Token::EOF);
        return;
      case EarthfileParser::RuleRecipe:
        SkipTo(EarthfileParser::Dedent);
        Take(EarthfileParser::Dedent);
        return;
      case EarthfileParser::RuleValue:
        SkipTo(EarthfileParser::End);
        return;
      case EarthfileParser::RuleBlockEnd:
        // Nothing was taken: the END is missing, and what is here belongs to the rules around.
        if (context->start == stream_.LT(1)) {
          return;
        }
        break;
      default:
        break;
    }
    SkipTo(EarthfileParser::End);
    Take(EarthfileParser::End);
  }

 private:
  void SkipTo(std::size_t type) {
    while (stream_.LA(1) != type && stream_.LA(1) != antlr4::Token::EOF) {
      stream_.consume();
    }
  }
  void Take(std::size_t type) {
    if (stream_.LA(1) == type) {
      stream_.consume();
    }
  }

  RecordingParser& parser_;
  SignificantStream& stream_;
  const Tree& tree_;
  diag::Emitter& emitter_;
};

}  // namespace

std::shared_ptr<Tree> ParseEarthfile(const source::Buffer& buffer, diag::Emitter& emitter) {
  auto tree = std::make_shared<Tree>(buffer);
  earthfile::Lex(*tree, emitter);
  tree->nodes.reserve(tree->tokens.size() / 2 + 1);
  SignificantStream stream(tree->tokens, GrammarType);
  RecordingParser parser(stream, *tree);
  parser.setErrorHandler(std::make_shared<LineRecovery>(parser, stream, *tree, emitter));
  try {
    parser.file();
  } catch (const antlr4::RuntimeException&) {
    LOAM_UNREACHABLE("the generated parser left its grammar");
  }
  parser.Finish();
  return tree;
}

}  // namespace loam::parse
