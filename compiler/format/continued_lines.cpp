#include "compiler/format/continued_lines.h"

#include <algorithm>

#include "compiler/ast/earthfile/texts.h"

namespace loam::format {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

std::size_t SkipBlanks(std::string_view text, std::size_t pos) {
  while (pos < text.size() && IsBlank(text[pos])) {
    ++pos;
  }
  return pos;
}

// Behind the line end at `pos`; npos if there is none.
std::size_t BehindLineEnd(std::string_view text, std::size_t pos) {
  if (pos >= text.size()) {
    return std::string_view::npos;
  }
  if (text[pos] == '\n') {
    return pos + 1;
  }
  return text[pos] == '\r' ? pos + (text.substr(pos).starts_with("\r\n") ? 2 : 1) : std::string_view::npos;
}

// A line in a continuation: behind the backslash, or one of those that follow.
struct Part {
  std::string_view comment;  // "" if there is none
  bool ended = false;        // by a line end
};

// The continuation whose backslash is at `begin`, up to the blanks in front of what follows (`indent_begin`, `end`).
struct Continuation {
  std::size_t begin = 0;
  std::size_t indent_begin = 0;
  std::size_t end = 0;
  std::vector<Part> parts;
};

std::optional<Continuation> ContinuationAt(std::string_view text, std::size_t begin) {
  Continuation found{begin, 0, 0, {}};
  for (std::size_t pos = begin + 1;;) {
    const std::size_t line = pos;
    pos = SkipBlanks(text, pos);
    Part part;
    std::size_t comment_end = pos;
    if (pos < text.size() && text[pos] == '#') {
      comment_end = std::min(text.find_first_of("\r\n", pos), text.size());
      part.comment = TrimBlanksRight(text.substr(pos, comment_end - pos));
    }
    const std::size_t behind = BehindLineEnd(text, comment_end);
    // Only the end of the text ends a comment otherwise; such a comment belongs to the continuation if it has begun.
    if (behind == std::string_view::npos && (found.parts.empty() || part.comment.empty())) {
      if (found.parts.empty()) {
        return std::nullopt;
      }
      found.indent_begin = line;
      found.end = pos;
      return found;
    }
    part.ended = behind != std::string_view::npos;
    found.parts.push_back(part);
    pos = part.ended ? behind : comment_end;
    if (!part.ended) {
      found.indent_begin = found.end = pos;
      return found;
    }
  }
}

template <class Visit>
void EachContinuation(std::string_view text, const Visit& visit) {
  for (std::size_t pos = text.find('\\'); pos != std::string_view::npos; pos = text.find('\\', pos)) {
    if (const auto found = ContinuationAt(text, pos)) {
      visit(*found);
      pos = std::max(found->end, pos + 1);
    } else {
      ++pos;
    }
  }
}

}  // namespace

std::string_view TrimBlanksRight(std::string_view text) {
  while (!text.empty() && IsBlank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::string_view TrimBlanks(std::string_view text) {
  return TrimBlanksRight(text.substr(SkipBlanks(text, 0)));
}

int WidthOf(std::string_view blanks) {
  int width = 0;
  for (const char c : blanks) {
    width += c == '\t' ? 4 - width % 4 : 1;
  }
  return width;
}

bool IsContinued(std::string_view text) {
  bool continued = false;
  EachContinuation(text, [&](const Continuation&) { continued = true; });
  return continued;
}

std::optional<int> ContinuedIndent(std::string_view text) {
  std::optional<int> least;
  EachContinuation(text, [&](const Continuation& each) {
    // Blanks with nothing behind them indent nothing.
    if (each.parts.back().ended && each.end < text.size()) {
      const int width = WidthOf(text.substr(each.indent_begin, each.end - each.indent_begin));
      least = least ? std::min(*least, width) : width;
    }
  });
  return least;
}

void AppendContinuedComments(std::string_view text, std::vector<std::string>& comments) {
  EachContinuation(text, [&](const Continuation& each) {
    for (const Part& part : each.parts) {
      if (!part.comment.empty()) {
        comments.emplace_back(part.comment);
      }
    }
  });
}

std::string ContinuedLines::Reindent(std::string_view text) const {
  std::string out;
  std::size_t done = 0;
  EachContinuation(text, [&](const Continuation& each) {
    out += text.substr(done, each.begin - done);
    out += '\\';
    const int width = WidthOf(text.substr(each.indent_begin, each.end - each.indent_begin)) + shift_;
    const std::string indent(static_cast<std::size_t>(std::max(width, 0)), ' ');
    bool blank_line = false;
    for (std::size_t i = 0; i < each.parts.size(); ++i) {
      const Part& part = each.parts[i];
      if (i == 0) {
        out += part.comment.empty() ? "" : " ";
        out += part.comment;
        out += line_end_;
      } else if (part.comment.empty()) {
        blank_line = true;
      } else {
        out += blank_line ? line_end_ : "";
        blank_line = false;
        out += indent;
        out += part.comment;
        out += part.ended ? line_end_ : "";
      }
    }
    out += blank_line ? line_end_ : "";
    out += each.parts.back().ended ? indent : "";
    done = each.end;
  });
  out += text.substr(done);
  return out;
}

std::string ContinuedLines::Gap(std::string_view text) const {
  const std::size_t backslash = text.find('\\');
  const std::string_view front = text.substr(0, backslash);
  return (keep_blanks_ ? std::string(front) : std::string(" ")) + Reindent(text.substr(backslash));
}

std::string ContinuedLines::Word(std::string_view text) const {
  if (!ast::earthfile::MayHaveContinuation(text)) {
    return std::string(text);
  }
  std::string moved = Reindent(text);
  return ast::earthfile::RemoveContinuations(moved) == ast::earthfile::RemoveContinuations(text) ? moved
                                                                                                 : std::string(text);
}

}  // namespace loam::format
