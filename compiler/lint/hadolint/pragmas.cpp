#include "compiler/lint/hadolint/pragmas.h"

#include <algorithm>

#include "base/strings.h"
#include "compiler/syntax/tree.h"

namespace loam::lint::hadolint {
namespace {

bool IsRuleName(std::string_view name) {
  const std::size_t digits = name.find_first_of("0123456789");
  return digits == 2 && name[0] >= 'A' && name[0] <= 'Z' && name[1] >= 'A' && name[1] <= 'Z' &&
         std::all_of(name.begin() + 2, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool TakeWord(std::string_view& text, std::string_view word) {
  text = TrimSpace(text);
  if (!text.starts_with(word)) {
    return false;
  }
  text.remove_prefix(word.size());
  return true;
}

// False if it is no pragma, or a wrong one.
bool ParsePragma(std::string_view comment, Pragma& pragma) {
  std::string_view text = TrimSpace(comment.substr(std::min(comment.find_first_not_of('#'), comment.size())));
  if (!TakeWord(text, "hadolint") || text.empty() || (text[0] != ' ' && text[0] != '\t')) {
    return false;
  }
  text = TrimSpace(text.substr(0, text.find('#')));
  pragma.kind = Pragma::Kind::kIgnore;
  if (TakeWord(text, "global ")) {
    pragma.kind = Pragma::Kind::kGlobalIgnore;
  } else if (TakeWord(text, "stage ")) {
    pragma.kind = Pragma::Kind::kStageIgnore;
  }
  if (TakeWord(text, "shell")) {
    pragma.kind = Pragma::Kind::kShell;
  } else if (!TakeWord(text, "ignore")) {
    return false;
  }
  if (!TakeWord(text, "=")) {
    return false;
  }
  text = TrimSpace(text);
  if (pragma.kind == Pragma::Kind::kShell) {
    pragma.shell = std::string(text);
    return !text.empty();
  }
  for (const std::string_view part : Split(text, ',')) {
    const std::string_view name = TrimSpace(part);
    if (!IsRuleName(name)) {
      return false;
    }
    pragma.rules.emplace_back(name);
  }
  return true;
}

}  // namespace

Pragmas::Pragmas(const ast::Dockerfile& file, const source::Buffer& buffer, bool enabled) : enabled_(enabled) {
  is_comment_.resize(buffer.lines().line_count() + 2);
  for (const syntax::Token& token : file.tree->tokens) {
    if (token.kind != syntax::TokenKind::kComment) {
      continue;
    }
    const std::uint32_t line = buffer.lines().Line(token.begin);
    is_comment_[line] = true;
    Pragma pragma;
    pragma.line = line;
    if (ParsePragma(TrimSpace(file.tree->SourceOf(token)), pragma)) {
      all_.push_back(std::move(pragma));
    }
  }
  for (const ast::Stage& stage : file.stages) {
    stage_lines_.push_back(stage_lines_.empty() ? 0 : FirstCommentAbove(stage.from->lines.first));
  }
  for (const Pragma& pragma : all_) {
    for (const std::string& rule : pragma.rules) {
      switch (pragma.kind) {
        case Pragma::Kind::kIgnore:
          lines_[pragma.line].push_back(rule);
          break;
        case Pragma::Kind::kStageIgnore:
          stages_.emplace(StageOf(pragma.line), rule);
          break;
        case Pragma::Kind::kGlobalIgnore:
          global_.insert(rule);
          break;
        case Pragma::Kind::kShell:
          break;
      }
    }
  }
}

std::uint32_t Pragmas::FirstCommentAbove(std::uint32_t line) const {
  while (line > 1 && line - 1 < is_comment_.size() && is_comment_[line - 1]) {
    --line;
  }
  return line;
}

std::size_t Pragmas::StageOf(std::uint32_t line) const {
  return static_cast<std::size_t>(std::upper_bound(stage_lines_.begin(), stage_lines_.end(), line) -
                                  stage_lines_.begin());
}

bool Pragmas::Ignores(std::string_view rule, std::uint32_t line) const {
  if (!enabled_ || all_.empty()) {
    return false;
  }
  if (global_.contains(rule) || stages_.contains({StageOf(line), std::string(rule)})) {
    return true;
  }
  const auto end = lines_.lower_bound(line);
  for (auto each = lines_.lower_bound(FirstCommentAbove(line)); each != end; ++each) {
    if (std::find(each->second.begin(), each->second.end(), rule) != each->second.end()) {
      return true;
    }
  }
  return false;
}

}  // namespace loam::lint::hadolint
