#include "compiler/ast/earthfile/tree_words.h"

#include <algorithm>
#include <string>

#include "compiler/ast/earthfile/texts.h"

namespace loam::ast::earthfile {

using syntax::earthfile::IsTrivia;
using syntax::earthfile::IsVirtual;
using syntax::earthfile::TokenKind;

std::vector<std::uint32_t> TreeWords::Children(std::uint32_t index) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t child = index + 1; child < node(index).end_node; child = node(child).end_node) {
    out.push_back(child);
  }
  return out;
}

std::vector<std::uint32_t> TreeWords::Tokens(const Node& node) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = node.first_token; i < node.end_token; ++i) {
    if (!IsTrivia(token(i).kind) && !IsVirtual(token(i).kind)) {
      out.push_back(i);
    }
  }
  return out;
}

Location TreeWords::LocationOf(const Node& node) const {
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

Word TreeWords::PlainWord(std::uint32_t index) const {
  Word word = RawWord(index);
  if (MayHaveContinuation(word.text)) {
    word.text = tree_.arena().Copy(RemoveContinuations(word.text));
  }
  return word;
}

// A value may have blanks in it; it is what stands there, but for blanks in front of words that have no meaning.
Word TreeWords::ValueOf(const std::vector<std::uint32_t>& tokens, std::size_t begin) const {
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
  value.text = tree_.arena().Copy(is_utf8_ ? text : ToUtf8(text));
  return value;
}

List<Word> TreeWords::MaybeJson(const std::vector<std::uint32_t>& tokens, std::size_t begin, bool* exec_mode,
                                bool* is_null) const {
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
        std::vector<Word> words;
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
  return PlainWords(tokens, begin);
}

List<Word> TreeWords::PlainWords(const std::vector<std::uint32_t>& tokens, std::size_t begin) const {
  std::vector<Word> words;
  words.reserve(tokens.size());
  for (std::size_t i = begin; i < tokens.size(); ++i) {
    words.push_back(PlainWord(tokens[i]));
  }
  return tree_.arena().Copy(words);
}

std::string_view TreeWords::DocsAbove(std::uint32_t index) const {
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

}  // namespace loam::ast::earthfile
