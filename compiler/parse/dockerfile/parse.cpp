// Joins the lexer to the parser that ANTLR generates.
#include "compiler/parse/parse.h"

#include <array>

#include "base/check.h"
#include "compiler/parse/antlr_stream.h"
#include "compiler/parse/dockerfile/lexer.h"
#include "compiler/parse/dockerfile/shape_errors.h"
#include "grammar/DockerfileParser.h"

namespace loam::parse {

namespace {

using grammar::DockerfileParser;
using syntax::Node;
using syntax::NodeKind;
using syntax::TokenKind;

constexpr std::size_t kTokenKinds = static_cast<std::size_t>(TokenKind::kEnd) + 1;

// The grammar's number of each kind of token; 0 for trivia.
constexpr std::array<std::uint8_t, kTokenKinds> MakeGrammarTypes() {
  std::array<std::uint8_t, kTokenKinds> types{};
  constexpr std::size_t kFirst = static_cast<std::size_t>(TokenKind::kSkipped) + 1;
  static_assert(DockerfileParser::KeywordAdd == 1 && DockerfileParser::End == kTokenKinds - kFirst,
                "the grammar lists the tokens of tokens.def in the same order");
  for (std::size_t i = kFirst; i < kTokenKinds; ++i) {
    types[i] = static_cast<std::uint8_t>(i - kFirst + DockerfileParser::KeywordAdd);
  }
  return types;
}
constexpr auto kGrammarTypes = MakeGrammarTypes();
static_assert(kGrammarTypes[static_cast<std::size_t>(TokenKind::kHash)] == DockerfileParser::Hash);
static_assert(kGrammarTypes[static_cast<std::size_t>(TokenKind::kJsonOther)] == DockerfileParser::JsonOther);
static_assert(static_cast<std::size_t>(NodeKind::kHeredoc) == DockerfileParser::RuleHeredoc &&
                  static_cast<std::size_t>(NodeKind::kBody) == DockerfileParser::RuleBody,
              "node kinds are the rules of the grammar, in the same order");

class RecordingParser final : public RecordingParserBase<DockerfileParser, syntax::Tree, Node, NodeKind> {
 public:
  using RecordingParserBase::RecordingParserBase;

  // The body a syntax error is in, or behind: its node, and whether it is the trigger of an ONBUILD.
  struct ErrorPlace {
    std::uint32_t body = 0;
    bool is_trigger = false;
  };
  // The rules that are open are `context` and those around it.
  ErrorPlace FindError(antlr4::ParserRuleContext* context) {
    LeaveUntil(context);
    std::uint32_t instruction = 0;
    for (const OpenRule& open : open_) {
      instruction = tree_.nodes[open.node].kind == NodeKind::kInstruction ? open.node : instruction;
    }
    // A body is the first node of an instruction, a trigger the first of a body; both may be complete already.
    const std::uint32_t body = instruction + 1;
    const bool is_trigger = body + 1 < tree_.nodes.size() && tree_.nodes[body + 1].kind == NodeKind::kBody;
    return {is_trigger ? body + 1 : body, is_trigger};
  }
  // Without `is_error` (a warning was due), only the trigger itself is marked.
  void MarkError(const ErrorPlace& place, bool is_error) {
    tree_.nodes[place.body].has_error = true;
    if (is_error) {
      for (std::size_t i = 1; i < open_.size(); ++i) {
        tree_.nodes[open_[i].node].has_error = true;
      }
    }
  }
};

// Reports an instruction that does not fit the grammar, and goes on behind it. Nothing is inserted or deleted.
class InstructionRecovery final : public antlr4::ANTLRErrorStrategy {
 public:
  InstructionRecovery(RecordingParser& parser, SignificantStream& stream, const syntax::Tree& tree,
                      diag::Emitter& emitter)
      : parser_(parser), stream_(stream), tree_(tree), emitter_(emitter) {}

  void reset(antlr4::Parser*) override {}
  antlr4::Token* recoverInline(antlr4::Parser* parser) override { throw antlr4::InputMismatchException(parser); }
  void sync(antlr4::Parser*) override {}
  bool inErrorRecoveryMode(antlr4::Parser*) override { return false; }
  void reportMatch(antlr4::Parser*) override {}

  void reportError(antlr4::Parser* parser, const antlr4::RecognitionException&) override {
    LOAM_CHECK(stream_.Current().index() < tree_.tokens.size(), "the lexer ends every instruction");
    const RecordingParser::ErrorPlace place = parser_.FindError(parser->getRuleContext());
    const bool is_error = ReportShapeError(tree_, tree_.nodes[place.body].first_token, stream_.Current().index(),
                                           place.is_trigger, emitter_);
    parser_.MarkError(place, is_error);
  }
  void recover(antlr4::Parser*, std::exception_ptr) override {
    while (stream_.LA(1) != DockerfileParser::End && stream_.LA(1) != antlr4::Token::EOF) {
      stream_.consume();
    }
    // The rule `instruction` itself failed in front of its End: take it, nobody else will.
    if (parser_.getRuleContext()->getRuleIndex() == DockerfileParser::RuleInstruction) {
      stream_.consume();
    }
  }

 private:
  RecordingParser& parser_;
  SignificantStream& stream_;
  const syntax::Tree& tree_;
  diag::Emitter& emitter_;
};

}  // namespace

ParseResult ParseDockerfile(const source::Buffer& buffer, diag::Emitter& emitter, const ParseOptions& /*options*/) {
  ParseResult result{std::make_shared<syntax::Tree>(buffer)};
  syntax::Tree& tree = *result.tree;
  Lex(tree, emitter);
  tree.nodes.reserve(tree.logical_lines.size() * 3 + 1);
  SignificantStream stream(tree.tokens,
                           [](TokenKind kind) { return std::size_t{kGrammarTypes[static_cast<std::size_t>(kind)]}; });
  RecordingParser parser(stream, tree);
  parser.setErrorHandler(std::make_shared<InstructionRecovery>(parser, stream, tree, emitter));
  try {
    parser.file();
  } catch (const antlr4::RuntimeException&) {
    LOAM_UNREACHABLE("the generated parser left its grammar");
  }
  parser.Finish();
  return result;
}

}  // namespace loam::parse
