// Lean replacements for ANTLR's token, stream and tree building, because its usual ones cost more than all the rest of
// the compiler: a token is a type and an index, and the parser reports each rule it enters, which becomes the lossless
// tree. Private to compiler/parse, and the one header that shows ANTLR.
#pragma once

#include <antlr4-runtime.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace loam::parse {

class StreamToken final : public antlr4::Token {
 public:
  StreamToken(std::size_t type, std::uint32_t index) : type_(type), index_(index) {}
  // In the tree's tokens.
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
class SignificantStream final : public antlr4::TokenStream {
 public:
  // `type_of` gives the grammar's number of a kind of token, 0 for trivia.
  template <class Tokens, class TypeOf>
  SignificantStream(const Tokens& tokens, const TypeOf& type_of) {
    tokens_.reserve(tokens.size() + 1);
    for (std::uint32_t i = 0; i < tokens.size(); ++i) {
      if (const std::size_t type = type_of(tokens[i].kind); type != 0) {
        tokens_.emplace_back(type, i);
      }
    }
    tokens_.emplace_back(antlr4::Token::EOF, static_cast<std::uint32_t>(tokens.size()));
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

// A generated parser that writes the rules it enters as nodes of `Tree`. Node kinds are the rules of the grammar, in
// the same order.
template <class Parser, class Tree, class Node, class NodeKind>
class RecordingParserBase : public Parser {
 public:
  RecordingParserBase(SignificantStream& stream, Tree& tree) : Parser(&stream), tree_(tree) {
    this->setBuildParseTree(false);
    this->removeErrorListeners();
  }

  void enterRule(antlr4::ParserRuleContext* context, std::size_t state, std::size_t rule) override {
    Parser::enterRule(context, state, rule);
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

 protected:
  struct OpenRule {
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

  Tree& tree_;
  std::vector<OpenRule> open_;
};

}  // namespace loam::parse
