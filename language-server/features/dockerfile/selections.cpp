#include <algorithm>

#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/cursor.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/names.h"

namespace loam::lsp::dockerfile {

// Variable name, variable, word, arguments, instruction, stage, file: each is taken if it holds the ones before.
std::vector<Span> Selections(const Query& query, std::uint32_t offset) {
  const ast::Dockerfile& file = DockerfileAnalysis::Of(query.document).file();
  std::vector<Span> spans;
  const auto add = [&](Span span) {
    const bool holds = span.Touches(offset) && (spans.empty() || (span.Contains(spans.back()) && span != spans.back()));
    if (holds && span.size() > 0) {
      spans.push_back(span);
    }
  };
  if (const Name* name = NamesOf(query).At(offset)) {
    add(name->span);
    add(name->whole);
  }
  const Cursor cursor = CursorAt(query.document, offset);
  if (cursor.place == Cursor::Place::kArguments || cursor.place == Cursor::Place::kKeyword) {
    if (cursor.in_word()) {
      const Cursor::Word word = cursor.words[cursor.word];
      add(cursor.view.SpanOf(word.begin, word.end));
    }
    if (!cursor.words.empty() && cursor.place == Cursor::Place::kArguments) {
      add(cursor.view.SpanOf(cursor.words.front().begin, cursor.words.back().end));
    }
  }
  const auto* instruction = cursor.instruction;
  if (instruction != nullptr) {
    for (const ast::Heredoc& heredoc : instruction->heredocs) {
      if (heredoc.content_range.valid()) {
        const Text& text = query.document.text();
        if (SpanOf(heredoc.content_range).Touches(offset)) {
          add(text.LineSpan(text.LineAt(offset)));
        }
        add(SpanOf(heredoc.content_range));
      }
    }
    add(SpanOf(instruction->range));
  }
  for (const ast::Stage& stage : file.stages) {
    if (stage.from != nullptr) {
      const std::uint32_t end =
          stage.instructions.empty() ? stage.from->range.end : stage.instructions.back()->range.end;
      add({stage.from->range.begin, std::max(end, stage.from->range.end)});
    }
  }
  add({0, query.document.text().size()});
  if (spans.empty()) {
    spans.push_back({offset, offset});
  }
  return spans;
}

}  // namespace loam::lsp::dockerfile
