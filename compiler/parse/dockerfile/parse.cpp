// Joins the lexer to the parser that ANTLR generates. The runtime's token, stream and error classes are replaced by
// lean ones and no parse tree of its own is built, because its usual ones cost more than all the rest of the compiler:
// the parser reports each rule it enters, and that becomes the lossless tree.
#include "compiler/parse/parse.h"

#include <array>

#include "base/check.h"
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

class StreamToken final : public antlr4::Token {
 public:
  StreamToken(std::size_t type, std::uint32_t index) : type_(type), index_(index) {}
  // In Tree::tokens.
  [[nodiscard]] std::uint32_t index() const { return index_; }

  [[nodiscard]] std::size_t getType() const override { return type_; }
  [[nodiscard]] std::string getText() const override { return {}; }
  [[nodiscard]] std::size_t getLine() const override { return 0; }
  [[nodiscard]] std::size_t getCharPositionInLine() const override { return 0; }
  [[nodiscard]] std::size_t getChannel() const override { return DEFAULT_CHANNEL; }
  [[nodiscard]] std::size_t getTokenIndex() const override { return index_; }
  [[nodiscard]] std::size_t getStartIndex() const override { return 0; }
  [[nodiscard]] std::size_t getStopIndex() const override { return 0; }
  [[nodiscard]] antlr4::TokenSource* getTokenSource() const override { return nullptr; }
  [[nodiscard]] antlr4::CharStream* getInputStream() const override { return nullptr; }
  [[nodiscard]] std::string toString() const override { return {}; }

 private:
  std::size_t type_;
  std::uint32_t index_;
};

// The significant tokens of a tree, and EOF.
class Stream final : public antlr4::TokenStream {
 public:
  explicit Stream(const syntax::Tree& tree) {
    tokens_.reserve(tree.tokens.size() + 1);
    for (std::uint32_t i = 0; i < tree.tokens.size(); ++i) {
      if (const std::uint8_t type = kGrammarTypes[static_cast<std::size_t>(tree.tokens[i].kind)]; type != 0) {
        tokens_.emplace_back(type, i);
      }
    }
    tokens_.emplace_back(antlr4::Token::EOF, static_cast<std::uint32_t>(tree.tokens.size()));
  }

  [[nodiscard]] const StreamToken& Current() const { return tokens_[pos_]; }

  void consume() override { pos_ += pos_ + 1 < tokens_.size() ? 1 : 0; }
  std::size_t LA(ssize_t k) override { return At(k).getType(); }
  antlr4::Token* LT(ssize_t k) override { return k < 0 && pos_ == 0 ? nullptr : &At(k); }
  ssize_t mark() override { return 0; }
  void release(ssize_t) override {}
  std::size_t index() override { return pos_; }
  void seek(std::size_t pos) override { pos_ = std::min(pos, tokens_.size() - 1); }
  std::size_t size() override { return tokens_.size(); }
  [[nodiscard]] std::string getSourceName() const override { return {}; }
  [[nodiscard]] antlr4::Token* get(std::size_t i) const override { return const_cast<StreamToken*>(&tokens_.at(i)); }
  [[nodiscard]] antlr4::TokenSource* getTokenSource() const override { return nullptr; }
  std::string getText(const antlr4::misc::Interval&) override { return {}; }
  std::string getText() override { return {}; }
  std::string getText(antlr4::RuleContext*) override { return {}; }
  std::string getText(antlr4::Token*, antlr4::Token*) override { return {}; }

 private:
  // k = 1 is the next token, -1 the one before.
  StreamToken& At(ssize_t k) {
    const std::size_t i = k > 0 ? pos_ + static_cast<std::size_t>(k) - 1 : pos_ - static_cast<std::size_t>(-k);
    return tokens_[std::min(i, tokens_.size() - 1)];
  }

  std::vector<StreamToken> tokens_;
  std::size_t pos_ = 0;
};

class RecordingParser final : public DockerfileParser {
 public:
  RecordingParser(Stream& stream, syntax::Tree& tree) : DockerfileParser(&stream), tree_(tree) {
    setBuildParseTree(false);
    removeErrorListeners();
  }

  void enterRule(antlr4::ParserRuleContext* context, std::size_t state, std::size_t rule) override {
    DockerfileParser::enterRule(context, state, rule);
    LeaveUntil(context->parent);
    const std::uint32_t first = static_cast<StreamToken*>(context->start)->index();
    open_.push_back({context, static_cast<std::uint32_t>(tree_.nodes.size())});
    tree_.nodes.push_back({static_cast<NodeKind>(rule), false, first, first, 0});
  }

  void Finish() {
    LeaveUntil(nullptr);
    Node& file = tree_.nodes.front();
    file.first_token = 0;
    file.end_token = static_cast<std::uint32_t>(tree_.tokens.size());
  }

  // The body a syntax error is in, or behind: its node, and whether it is the trigger of an ONBUILD.
  struct ErrorPlace {
    std::uint32_t body = 0;
    bool is_trigger = false;
  };
  // The rules that are open are `context` and those around it.
  ErrorPlace FindError(antlr4::ParserRuleContext* context) {
    LeaveUntil(context);
    std::uint32_t instruction = 0;
    for (const Open& open : open_) {
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

 private:
  struct Open {
    antlr4::ParserRuleContext* context;
    std::uint32_t node;
  };

  // Rules leave silently: whatever is open below `context` has been left.
  void LeaveUntil(const antlr4::tree::ParseTree* context) {
    while (!open_.empty() && open_.back().context != context) {
      Node& node = tree_.nodes[open_.back().node];
      if (const auto* stop = static_cast<const StreamToken*>(open_.back().context->stop);
          stop != nullptr && stop->index() >= node.first_token) {
        node.end_token = std::min(stop->index() + 1, static_cast<std::uint32_t>(tree_.tokens.size()));
      }
      node.end_node = static_cast<std::uint32_t>(tree_.nodes.size());
      open_.pop_back();
    }
  }

  syntax::Tree& tree_;
  std::vector<Open> open_;
};

// Reports an instruction that does not fit the grammar, and goes on behind it. Nothing is inserted or deleted.
class InstructionRecovery final : public antlr4::ANTLRErrorStrategy {
 public:
  InstructionRecovery(RecordingParser& parser, Stream& stream, const syntax::Tree& tree, diag::Emitter& emitter)
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
  Stream& stream_;
  const syntax::Tree& tree_;
  diag::Emitter& emitter_;
};

}  // namespace

ParseResult ParseDockerfile(const source::Buffer& buffer, diag::Emitter& emitter, const ParseOptions& /*options*/) {
  ParseResult result{std::make_shared<syntax::Tree>(buffer)};
  syntax::Tree& tree = *result.tree;
  Lex(tree, emitter);
  tree.nodes.reserve(tree.logical_lines.size() * 3 + 1);
  Stream stream(tree);
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
