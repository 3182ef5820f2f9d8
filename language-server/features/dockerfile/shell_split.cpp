#include "language-server/features/dockerfile/shell_split.h"

#include <algorithm>

#include "language-server/features/dockerfile/logical.h"

namespace loam::lsp::dockerfile {
namespace {

bool ChangesShell(std::string_view command) {
  const std::size_t first = command.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return true;
  }
  command.remove_prefix(first);
  const std::string_view word = command.substr(0, command.find_first_of(" \t\n\r"));
  static constexpr std::string_view kWords[] = {"cd",   "export", "set",  "unset", "alias", "umask", ".",    "source",
                                                "exec", "trap",   "eval", "if",    "for",   "while", "case", "until",
                                                "{",    "local",  "read", "shopt", "pushd", "ulimit"};
  if (std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords)) {
    return true;
  }
  const std::size_t equals = word.find('=');
  return equals != std::string_view::npos && word.substr(0, equals).find_first_of("\"'/$-") == std::string_view::npos;
}

}  // namespace

std::vector<Span> SplitAtAnd(std::string_view source, Span span, char escape) {
  const LogicalView view = MakeLogicalView(source, span, escape);
  const std::string_view text = view.text;
  const std::vector<Span> whole{span};
  std::vector<Span> parts;
  std::vector<std::string_view> commands;
  std::size_t begin = 0;
  const auto finish = [&](std::size_t end) {
    std::size_t from = begin;
    while (from < end && (text[from] == ' ' || text[from] == '\t')) {
      ++from;
    }
    while (end > from && (text[end - 1] == ' ' || text[end - 1] == '\t')) {
      --end;
    }
    commands.push_back(text.substr(from, end - from));
    parts.push_back(view.SpanOf(from, end));
    return end > from;
  };
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\') {
      ++at;
    } else if (c == '\'' || c == '"' || c == '`') {
      std::size_t close = at + 1;
      while (close < text.size() && text[close] != c) {
        close += c != '\'' && text[close] == '\\' ? 2 : 1;
      }
      if (close >= text.size()) {
        return whole;
      }
      at = close;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (depth > 0) {
      continue;
    } else if (c == '&' && text.substr(at, 2) == "&&") {
      if (!finish(at)) {
        return whole;
      }
      begin = at + 2;
      ++at;
    } else if (c == ';' || c == '|' || c == '\n' ||
               (c == '&' && (at == 0 || text[at - 1] != '>') && (at + 1 >= text.size() || text[at + 1] != '>'))) {
      return whole;
    }
  }
  if (depth != 0 || !finish(text.size())) {
    return whole;
  }
  const bool changes = std::any_of(commands.begin(), commands.end(), ChangesShell);
  return changes ? whole : parts;
}

}  // namespace loam::lsp::dockerfile
