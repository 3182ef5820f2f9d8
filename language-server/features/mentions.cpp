#include "language-server/features/mentions.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "language-server/workspace/uri.h"

namespace loam::lsp {
namespace {

// Keys and values of a target or service, as far as they matter.
struct Fields {
  std::string name;
  Span name_span;
  std::optional<std::pair<std::string, Span>> context;
  std::optional<std::pair<std::string, Span>> dockerfile;
  std::optional<std::pair<std::string, Span>> target;
  std::vector<std::pair<std::string, Span>> arguments;
  bool builds = false;
};

Mention MentionFrom(const Fields& fields, const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  const std::string uri = UriOfPath(path);
  const std::string context = fields.context ? fields.context->first : ".";
  const std::string file = fields.dockerfile ? fields.dockerfile->first : "Dockerfile";
  Mention mention{uri, fields.name, fields.name_span, {}, {}, {}, {}};
  mention.dockerfile = file.starts_with("/")      ? CleanPath(file)
                       : context.starts_with("/") ? CleanPath(fmt::format("{}/{}", context, file))
                                                  : CleanPath(fmt::format("{}/{}/{}", folder, context, file));
  if (fields.dockerfile) {
    mention.dockerfile_name = MentionedName{uri, fields.dockerfile->first, fields.dockerfile->second};
  }
  if (fields.target) {
    mention.target = MentionedName{uri, fields.target->first, fields.target->second};
  }
  for (const auto& [text, span] : fields.arguments) {
    mention.arguments.push_back({uri, text, span});
  }
  return mention;
}

struct Token {
  enum class Kind : std::uint8_t { kWord, kString, kMark };
  Kind kind = Kind::kMark;
  std::string_view text;  // without quotes
  Span span;
};

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == '/';
}

// Tokens of HCL and JSON: words, strings, marks; comments dropped.
std::vector<Token> Tokenize(std::string_view text) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    std::size_t end = at + 1;
    Token token;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      ++at;
      continue;
    }
    if (c == '#' || text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    if (text.substr(at, 2) == "/*") {
      const std::size_t close = text.find("*/", at + 2);
      at = close == std::string_view::npos ? text.size() : close + 2;
      continue;
    }
    if (c == '"') {
      while (end < text.size() && text[end] != '"' && text[end] != '\n') {
        end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
      }
      token.kind = Token::Kind::kString;
      token.text = text.substr(at + 1, std::min(end, text.size()) - at - 1);
      token.span = {static_cast<std::uint32_t>(at + 1), static_cast<std::uint32_t>(std::min(end, text.size()))};
      end = std::min(end + 1, text.size());
    } else if (IsWordByte(c)) {
      while (end < text.size() && IsWordByte(text[end])) {
        ++end;
      }
      token.kind = Token::Kind::kWord;
      token.text = text.substr(at, end - at);
      token.span = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)};
    } else {
      token.text = text.substr(at, 1);
      token.span = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)};
    }
    tokens.push_back(token);
    at = end;
  }
  return tokens;
}

bool IsMark(const Token& token, char mark) {
  return token.kind == Token::Kind::kMark && token.text[0] == mark;
}

// Reads `key = value` and `"key": value` pairs of the block that opens at `at` (its `{`). Returns the index behind it.
std::size_t ReadBlock(const std::vector<Token>& tokens, std::size_t at, Fields& fields) {
  int depth = 0;
  std::string_view nested;  // the key of the block that we are in at depth 2
  for (; at < tokens.size(); ++at) {
    const Token& token = tokens[at];
    if (IsMark(token, '{') || IsMark(token, '[')) {
      ++depth;
      continue;
    }
    if (IsMark(token, '}') || IsMark(token, ']')) {
      if (--depth == 0) {
        return at + 1;
      }
      continue;
    }
    const bool pair = token.kind != Token::Kind::kMark && at + 1 < tokens.size() &&
                      (IsMark(tokens[at + 1], '=') || IsMark(tokens[at + 1], ':'));
    if (!pair) {
      continue;
    }
    if (depth == 2 && nested == "args") {
      fields.arguments.emplace_back(token.text, token.span);
    }
    if (depth != 1 || at + 2 >= tokens.size()) {
      continue;
    }
    const Token& value = tokens[at + 2];
    nested = token.text;
    if (value.kind == Token::Kind::kString) {
      const auto read = std::pair(std::string(value.text), value.span);
      if (token.text == "context") {
        fields.context = read;
      } else if (token.text == "dockerfile") {
        fields.dockerfile = read;
      } else if (token.text == "target") {
        fields.target = read;
      }
    }
  }
  return at;
}

void ReadHcl(const std::vector<Token>& tokens, const std::string& path, std::vector<Mention>& mentions) {
  for (std::size_t at = 0; at + 2 < tokens.size();) {
    if (tokens[at].kind == Token::Kind::kWord && tokens[at].text == "target" &&
        tokens[at + 1].kind == Token::Kind::kString && IsMark(tokens[at + 2], '{')) {
      Fields fields;
      fields.name = tokens[at + 1].text;
      fields.name_span = tokens[at + 1].span;
      at = ReadBlock(tokens, at + 2, fields);
      mentions.push_back(MentionFrom(fields, path));
    } else {
      ++at;
    }
  }
}

// {"target": {"name": {…}, …}}
void ReadBakeJson(const std::vector<Token>& tokens, const std::string& path, std::vector<Mention>& mentions) {
  int depth = 0;
  bool in_targets = false;
  for (std::size_t at = 0; at < tokens.size();) {
    if (IsMark(tokens[at], '{')) {
      ++depth;
    } else if (IsMark(tokens[at], '}')) {
      --depth;
      in_targets = in_targets && depth > 1;
    } else if (tokens[at].kind == Token::Kind::kString && at + 2 < tokens.size() && IsMark(tokens[at + 1], ':') &&
               IsMark(tokens[at + 2], '{')) {
      if (depth == 1) {
        in_targets = tokens[at].text == "target";
      } else if (depth == 2 && in_targets) {
        Fields fields;
        fields.name = tokens[at].text;
        fields.name_span = tokens[at].span;
        at = ReadBlock(tokens, at + 2, fields);
        mentions.push_back(MentionFrom(fields, path));
        continue;
      }
    }
    ++at;
  }
}

// One line of YAML: its indentation, its key, and its value without quotes and comments.
struct YamlLine {
  std::size_t indent = 0;
  bool item = false;  // "- …"
  std::string_view key;
  Span key_span;
  std::string_view value;
  Span value_span;
};

std::optional<YamlLine> ReadYamlLine(std::string_view text, std::size_t begin, std::size_t end) {
  YamlLine line;
  std::size_t at = begin;
  while (at < end && text[at] == ' ') {
    ++at;
  }
  line.indent = at - begin;
  if (at < end && text[at] == '-' && (at + 1 == end || text[at + 1] == ' ')) {
    line.item = true;
    at = std::min(text.find_first_not_of(' ', at + 1), end);
  }
  while (end > at && (text[end - 1] == ' ' || text[end - 1] == '\r')) {
    --end;
  }
  if (at >= end || text[at] == '#') {
    return std::nullopt;
  }
  std::size_t colon = at;
  while (colon < end && !(text[colon] == ':' && (colon + 1 == end || text[colon + 1] == ' '))) {
    ++colon;
  }
  const auto span = [](std::size_t a, std::size_t b) {
    return Span{static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b)};
  };
  std::size_t value = at;
  if (colon < end) {
    line.key = text.substr(at, colon - at);
    line.key_span = span(at, colon);
    value = std::min(text.find_first_not_of(' ', colon + 1), end);
  }
  std::size_t value_end = end;
  if (value < end && (text[value] == '"' || text[value] == '\'')) {
    const std::size_t close = text.find(text[value], value + 1);
    value_end = close == std::string_view::npos || close > end ? end : close;
    ++value;
  } else if (const std::size_t comment = text.substr(0, end).find(" #", value); comment != std::string_view::npos) {
    value_end = comment;
  }
  value = std::min(value, value_end);
  line.value = text.substr(value, value_end - value);
  line.value_span = span(value, value_end);
  return line;
}

void ReadCompose(std::string_view text, const std::string& path, std::vector<Mention>& mentions) {
  std::vector<std::pair<std::size_t, std::string_view>> open;  // indentation and key of the blocks we are in
  Fields service;
  bool in_service = false;
  const auto finish = [&] {
    if (in_service && service.builds) {
      mentions.push_back(MentionFrom(service, path));
    }
    service = Fields();
    in_service = false;
  };
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const auto line = ReadYamlLine(text, begin, end);
    begin = end + 1;
    if (!line) {
      continue;
    }
    while (!open.empty() && open.back().first >= line->indent && !(line->item && open.back().first == line->indent)) {
      open.pop_back();
    }
    const auto within = [&](std::initializer_list<std::string_view> keys) {
      // open: services, <name>, …
      if (open.size() != keys.size() + 2 || open[0].second != "services") {
        return false;
      }
      return std::equal(keys.begin(), keys.end(), open.begin() + 2,
                        [](std::string_view key, const auto& block) { return key == block.second; });
    };
    const auto value = std::pair(std::string(line->value), line->value_span);
    if (open.size() == 1 && open[0].second == "services" && !line->key.empty()) {
      finish();
      in_service = true;
      service.name = line->key;
      service.name_span = line->key_span;
    } else if (open.empty()) {
      finish();
    }
    if (in_service && within({}) && line->key == "build") {
      service.builds = true;
      if (!line->value.empty()) {
        service.context = value;
      }
    } else if (in_service && within({"build"}) && !line->value.empty()) {
      if (line->key == "context") {
        service.context = value;
      } else if (line->key == "dockerfile") {
        service.dockerfile = value;
      } else if (line->key == "target") {
        service.target = value;
      }
    } else if (in_service && within({"build", "args"})) {
      if (!line->key.empty()) {
        service.arguments.emplace_back(line->key, line->key_span);
      } else if (line->item) {
        const std::size_t equals = std::min(line->value.find('='), line->value.size());
        service.arguments.emplace_back(
            line->value.substr(0, equals),
            Span{line->value_span.begin, static_cast<std::uint32_t>(line->value_span.begin + equals)});
      }
    }
    if (!line->key.empty() && line->value.empty()) {
      open.emplace_back(line->indent, line->key);
    }
  }
  finish();
}

}  // namespace

std::vector<Mention> MentionsIn(FileRole role, const std::string& path, std::string_view text) {
  std::vector<Mention> mentions;
  switch (role) {
    case FileRole::kBake:
      if (path.ends_with(".json")) {
        ReadBakeJson(Tokenize(text), path, mentions);
      } else {
        ReadHcl(Tokenize(text), path, mentions);
      }
      break;
    case FileRole::kCompose:
      ReadCompose(text, path, mentions);
      break;
    case FileRole::kDockerfile:
    case FileRole::kEarthfile:
    case FileRole::kOther:
      break;
  }
  return mentions;
}

std::vector<Mention> MentionsOfFile(Workspace& workspace, std::string_view path) {
  std::vector<Mention> found;
  if (path.empty()) {
    return found;
  }
  for (const FileRole role : {FileRole::kBake, FileRole::kCompose}) {
    for (const std::string& file : workspace.Files(role)) {
      const auto text = workspace.ReadText(file);
      for (Mention& mention : MentionsIn(role, file, text.value_or(""))) {
        if (mention.dockerfile == path) {
          found.push_back(std::move(mention));
        }
      }
    }
  }
  return found;
}

}  // namespace loam::lsp
