#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/features.h"

namespace loam::lsp::dockerfile {
namespace {

// Whether a line is a comment by itself; those inside of instructions and heredocs are told apart by the caller.
bool IsCommentLine(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first != std::string_view::npos && line[first] == '#';
}

}  // namespace

// Runs of comments, instructions of several lines, heredocs, and stages.
std::vector<Fold> Folds(const Query& query) {
  const DockerfileAnalysis& analysis = DockerfileAnalysis::Of(query.document);
  const ast::Dockerfile& file = analysis.file();
  const Text& text = query.document.text();
  std::vector<Fold> folds;
  const auto add = [&](std::uint32_t first, std::uint32_t last, FoldKind kind) {
    if (last > first) {
      folds.push_back({{text.LineSpan(first).end, text.LineSpan(last).end}, kind});
    }
  };
  const auto line_of = [&](std::uint32_t offset) { return text.LineAt(offset); };

  std::uint32_t line = 0;
  for (const ast::Directive& directive : file.directives) {
    line = std::max(line, line_of(directive.name.range.begin) + 1);
  }
  std::size_t next = 0;
  while (line < text.line_count()) {
    while (next < file.instructions.size() && line_of(file.instructions[next]->range.end) < line) {
      ++next;
    }
    if (next < file.instructions.size() && line_of(file.instructions[next]->range.begin) <= line) {
      line = line_of(file.instructions[next]->range.end) + 1;
      continue;
    }
    std::uint32_t end = line;
    while (end < text.line_count() && IsCommentLine(text.LineText(end))) {
      ++end;
    }
    if (end > line) {
      add(line, end - 1, FoldKind::kComment);
      line = end;
    } else {
      ++line;
    }
  }
  for (const ast::Instruction* instruction : file.instructions) {
    const std::uint32_t first = line_of(instruction->range.begin);
    add(first, line_of(instruction->range.end), FoldKind::kNone);
    // Comments between the lines of an instruction.
    std::uint32_t run = 0;
    const std::uint32_t last = instruction->heredocs.empty() ? line_of(instruction->range.end) : first;
    for (std::uint32_t at = first; at <= last; ++at) {
      if (IsCommentLine(text.LineText(at))) {
        ++run;
        continue;
      }
      if (run > 1) {
        add(at - run, at - 1, FoldKind::kComment);
      }
      run = 0;
    }
    if (instruction->heredocs.size() > 1) {
      for (const ast::Heredoc& heredoc : instruction->heredocs) {
        if (heredoc.content_range.valid() && heredoc.terminator_range.valid()) {
          add(line_of(heredoc.content_range.begin), line_of(heredoc.terminator_range.begin), FoldKind::kNone);
        }
      }
    }
  }
  if (file.stages.size() > 1) {
    for (const ast::Stage& stage : file.stages) {
      if (stage.from != nullptr && !stage.instructions.empty()) {
        add(line_of(stage.from->range.begin), line_of(stage.instructions.back()->range.end), FoldKind::kRegion);
      }
    }
  }
  return folds;
}

}  // namespace loam::lsp::dockerfile
