#include "compiler/sema/earthfile/words.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace loam::sema::earthfile {

std::vector<Word> ToWords(std::span<const ast::earthfile::Word> words) {
  std::vector<Word> result;
  result.reserve(words.size());
  for (const ast::earthfile::Word& word : words) {
    result.push_back({std::string(word.text), word.range});
  }
  return result;
}

std::vector<std::string> TextsOf(std::span<const Word> words) {
  std::vector<std::string> result;
  result.reserve(words.size());
  for (const Word& word : words) {
    result.push_back(word.text);
  }
  return result;
}

std::vector<Word> RejoinWords(std::span<const Word> words) {
  std::vector<Word> result;
  result.reserve(words.size());
  char open = '\0';
  bool join = false;
  for (const Word& word : words) {
    if (join) {
      result.back().text += ' ';
      result.back().text += word.text;
      result.back().range = source::Cover(result.back().range, word.range);
    } else {
      result.push_back(word);
    }
    for (const char c : word.text) {
      if (open == '\0') {
        if (c == '"' || c == '\'' || c == '(') {
          open = c;
        }
      } else if (c == (open == '(' ? ')' : open)) {
        open = '\0';
      }
    }
    join = open != '\0';
  }
  return result;
}

bool IsInParentheses(std::string_view text) {
  return (text.size() >= 4 && text.starts_with("\"(") && text.ends_with(")\"")) ||
         (text.size() >= 2 && text.starts_with('(') && text.ends_with(')'));
}

Result<std::vector<std::string>> SplitParentheses(std::string_view text) {
  if (!IsInParentheses(text)) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is not in parentheses", text));
  }
  const std::size_t cut = text.starts_with('"') ? 2 : 1;
  text = text.substr(cut, text.size() - 2 * cut);
  std::vector<std::string> parts;
  std::string part;
  bool escaped = false;
  bool quoted = false;
  for (const char c : text) {
    const bool was_escaped = std::exchange(escaped, false);
    if (c == '"') {
      quoted = was_escaped ? quoted : !quoted;
    } else if (c == '\\') {
      escaped = true;
    } else if ((c == ' ' || c == '\t' || c == '\n') && !quoted && !was_escaped) {
      if (!part.empty()) {
        parts.push_back(std::exchange(part, {}));
      }
      continue;
    }
    part += c;
  }
  if (escaped) {
    return Unexpected(ErrorCode::kInvalidArgument, "a backslash before the closing parenthesis escapes nothing");
  }
  if (quoted) {
    return Unexpected(ErrorCode::kInvalidArgument, "a quote inside of the parentheses is not closed");
  }
  if (!part.empty()) {
    parts.push_back(std::move(part));
  }
  if (parts.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "there is nothing in the parentheses");
  }
  return parts;
}

Result<LoadWord> ParseLoadWord(std::string_view text) {
  LoadWord load;
  const std::string_view first = text.substr(0, text.find(' '));
  if (const std::size_t equals = first.find('='); equals != std::string_view::npos) {
    load.image = first.substr(0, equals);
    text.remove_prefix(equals + 1);
  }
  if (IsInParentheses(text)) {
    std::vector<std::string> parts = LOAM_TRY(SplitParentheses(text));
    load.target = std::move(parts.front());
    load.args.assign(std::make_move_iterator(parts.begin() + 1), std::make_move_iterator(parts.end()));
  } else {
    load.target = text;
  }
  return load;
}

KeyValue ParseKeyValue(std::string_view text) {
  KeyValue result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      if (++i < text.size()) {
        result.key += text[i];
      }
    } else if (text[i] == '=') {
      result.value = text.substr(i + 1);
      return result;
    } else {
      result.key += text[i];
    }
  }
  return result;
}

Result<std::vector<std::pair<std::string, std::string>>> ParseReferenceArgs(std::span<const std::string> words) {
  std::vector<std::pair<std::string, std::string>> args;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const std::size_t dashes = std::min(word.find_first_not_of('-'), word.size());
    if (dashes == 0 || dashes > 2) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        dashes == 0 ? fmt::format("`{}` is no arg of the form `--name=value`", word)
                                    : fmt::format("`{}` starts with too many dashes, did you mean `--{}`?",
                                                  word.substr(0, word.find('=')), word.substr(dashes)));
    }
    KeyValue arg = ParseKeyValue(word.substr(dashes));
    if (!arg.value) {
      if (++i == words.size()) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`--{}` has no value", arg.key));
      }
      arg.value = words[i];
    }
    args.emplace_back(std::move(arg.key), std::move(*arg.value));
  }
  return args;
}

std::vector<std::vector<KeyValue>> ExpandMatrix(std::span<const KeyValue> args) {
  std::vector<std::vector<KeyValue>> groups;
  for (const KeyValue& arg : args) {
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.front().key == arg.key; });
    if (group == groups.end()) {
      groups.push_back({arg});
    } else {
      group->push_back(arg);
    }
  }
  std::vector<std::vector<KeyValue>> combinations = {{}};
  for (const std::vector<KeyValue>& group : groups) {
    std::vector<std::vector<KeyValue>> longer;
    longer.reserve(combinations.size() * group.size());
    for (const std::vector<KeyValue>& combination : combinations) {
      for (const KeyValue& value : group) {
        longer.push_back(combination);
        longer.back().push_back(value);
      }
    }
    combinations = std::move(longer);
  }
  return combinations;
}

std::string UnescapePlus(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '+') {
      continue;
    }
    result += text[i];
  }
  return result;
}

}  // namespace loam::sema::earthfile
