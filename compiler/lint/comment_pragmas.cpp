#include "compiler/lint/comment_pragmas.h"

#include <optional>

#include "base/strings.h"

namespace loam::lint {
namespace {

struct Found {
  std::string_view rules;
  bool whole_file = false;
};

std::optional<Found> Read(std::string_view comment) {
  comment = TrimSpace(comment);
  const auto behind = [&](std::string_view word) -> std::optional<std::string_view> {
    if (!comment.starts_with(word)) {
      return std::nullopt;
    }
    return TrimSpace(comment.substr(word.size()));
  };
  if (const auto rest = behind("loam:")) {
    if (rest->starts_with("ignore-file=")) {
      return Found{rest->substr(12), true};
    }
    if (rest->starts_with("ignore=")) {
      return Found{rest->substr(7), false};
    }
    return std::nullopt;
  }
  if (const auto rest = behind("hadolint"); rest && rest->starts_with("ignore=")) {
    return Found{rest->substr(7), false};
  }
  if (const auto rest = behind("check=")) {
    const std::string_view first = rest->substr(0, rest->find(';'));
    if (first.starts_with("skip=")) {
      return Found{first.substr(5), false};
    }
  }
  return std::nullopt;
}

}  // namespace

CommentPragmas::CommentPragmas(const source::Buffer& buffer) {
  std::uint32_t number = 0;
  bool at_head = true;  // nothing but comments and blank lines so far
  for (const std::string_view line : Split(buffer.text(), '\n')) {
    ++number;
    const std::string_view text = TrimSpace(line);
    const bool is_comment = text.starts_with('#');
    if (is_comment) {
      comment_lines_.insert(number);
    }
    at_head = at_head && (is_comment || text.empty());
    // Behind a command a comment starts at the last ` #`.
    const std::size_t hash = is_comment ? 0 : text.rfind(" #");
    if (hash == std::string_view::npos) {
      continue;
    }
    const auto found = Read(text.substr(text.find('#', hash) + 1));
    if (!found) {
      continue;
    }
    const bool for_file = found->whole_file || (at_head && text.find("check=") != std::string_view::npos);
    for (const std::string_view rule : Split(found->rules.substr(0, found->rules.find_first_of(" \t;")), ',')) {
      (for_file ? file_ : lines_[number]).emplace(rule);
    }
  }
}

bool CommentPragmas::Ignores(std::string_view rule, source::LineSpan lines) const {
  const auto names = [&](const std::set<std::string, std::less<>>& rules) {
    return rules.contains(rule) || rules.contains("all");
  };
  if (names(file_)) {
    return true;
  }
  for (auto found = lines_.lower_bound(lines.first); found != lines_.end() && found->first <= lines.last; ++found) {
    if (names(found->second)) {
      return true;
    }
  }
  for (std::uint32_t line = lines.first; line > 1 && comment_lines_.contains(line - 1); --line) {
    if (const auto found = lines_.find(line - 1); found != lines_.end() && names(found->second)) {
      return true;
    }
  }
  return false;
}

}  // namespace loam::lint
