#include "compiler/format/format.h"

#include <algorithm>

#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/cursor.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/name_collector.h"

namespace loam::lsp::dockerfile {
namespace {

std::string IndentText(const FormatOptions& options) {
  return options.insert_spaces ? std::string(options.tab_size, ' ') : std::string(1, '\t');
}

// What each line's indentation is to be: what the widespread server does to a file. Lines continue with one step,
// everything else begins at the margin; lines of heredocs stay.
class Indenter {
 public:
  Indenter(const Query& query, const FormatOptions& options)
      : text_(query.document.text()),
        analysis_(DockerfileAnalysis::Of(query.document)),
        indent_(IndentText(options)),
        keep_continuations_(query.settings.keep_continuation_indent) {}

  std::vector<TextEdit> Edits(std::uint32_t first, std::uint32_t last) const {
    std::vector<TextEdit> edits;
    const auto& instructions = analysis_.file().instructions;
    for (std::uint32_t line = first; line <= last && line < text_.line_count(); ++line) {
      const Span span = text_.LineSpan(line);
      const auto after = std::upper_bound(instructions.begin(), instructions.end(), span.begin,
                                          [&](std::uint32_t offset, const ast::Instruction* instruction) {
                                            return offset < text_.LineBegin(text_.LineAt(instruction->range.begin));
                                          });
      const ast::Instruction* instruction = after == instructions.begin() ? nullptr : *(after - 1);
      const bool inside =
          instruction != nullptr && span.begin > instruction->range.begin && span.begin <= instruction->range.end;
      if (inside && span.begin > HeaderSpan(analysis_, *instruction).end) {
        continue;  // of a heredoc
      }
      if (inside && keep_continuations_) {
        continue;
      }
      Indent(span, inside && !Blank(span) ? std::string_view(indent_) : std::string_view(), edits);
    }
    return edits;
  }

  void Indent(Span line, std::string_view wanted, std::vector<TextEdit>& edits) const {
    const std::string_view bytes = text_.Of(line);
    const std::size_t first = std::min(bytes.find_first_not_of(" \t"), bytes.size());
    if (bytes.substr(0, first) != wanted) {
      edits.push_back({{line.begin, static_cast<std::uint32_t>(line.begin + first)}, std::string(wanted)});
    }
  }

  [[nodiscard]] bool Blank(Span line) const {
    return text_.Of(line).find_first_not_of(" \t") == std::string_view::npos;
  }

 private:
  const Text& text_;
  const DockerfileAnalysis& analysis_;
  std::string indent_;
  bool keep_continuations_;
};

std::vector<TextEdit> ToEdits(const std::vector<diag::Edit>& edits) {
  std::vector<TextEdit> made;
  for (const diag::Edit& edit : edits) {
    made.push_back({SpanOf(edit.range), edit.replacement});
  }
  return made;
}

}  // namespace

// A file with syntax errors stays as it is.
std::vector<TextEdit> Format(const Query& query, const FormatOptions& options) {
  if (query.settings.indent_only_formatting) {
    return Indenter(query, options).Edits(0, query.document.text().line_count() - 1);
  }
  const source::Buffer& buffer = DockerfileAnalysis::Of(query.document).buffer();
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto formatted = format::Format(format::Language::kDockerfile, buffer, emitter);
  return formatted ? ToEdits(format::EditsOf(buffer, *formatted)) : std::vector<TextEdit>();
}

std::vector<TextEdit> FormatRange(const Query& query, Span span, const FormatOptions& options) {
  const Text& text = query.document.text();
  if (query.settings.indent_only_formatting) {
    return Indenter(query, options).Edits(text.LineAt(span.begin), text.LineAt(span.end));
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto edits = format::FormatRange(format::Language::kDockerfile, DockerfileAnalysis::Of(query.document).buffer(),
                                         span.begin, span.end, emitter);
  return edits ? ToEdits(*edits) : std::vector<TextEdit>();
}

// After the escape character the next line, after a line end this one: where an instruction goes on, it is indented.
std::vector<TextEdit> FormatOnType(const Query& query, std::uint32_t offset, std::string_view typed,
                                   const FormatOptions& options) {
  const Text& text = query.document.text();
  const char escape = DockerfileAnalysis::Of(query.document).file().escape;
  std::vector<TextEdit> edits;
  if (query.settings.keep_continuation_indent) {
    return edits;
  }
  const Cursor cursor = CursorAt(query.document, offset);
  if (cursor.place == Cursor::Place::kHeredoc || cursor.place == Cursor::Place::kComment) {
    return edits;
  }
  const FormatOptions canonical{4, true};
  const bool indent_only = query.settings.indent_only_formatting;
  const Indenter indenter(query, indent_only ? options : canonical);
  const std::string indent = IndentText(indent_only ? options : canonical);
  const std::uint32_t line = text.LineAt(offset);
  if (typed == std::string(1, escape)) {
    const Span next = text.LineSpan(line + 1);
    if (line + 1 < text.line_count() && !indenter.Blank(next)) {
      indenter.Indent(next, indent, edits);
    }
  } else if (typed == "\n" && line > 0) {
    const Span before = text.LineSpan(line - 1);
    const std::string_view bytes = text.Of(before);
    const std::size_t last = bytes.find_last_not_of(" \t");
    const bool continues = last != std::string_view::npos && bytes[last] == escape &&
                           CursorAt(query.document, before.begin).place != Cursor::Place::kComment &&
                           (last == 0 || bytes[last - 1] != escape);
    if (continues) {
      indenter.Indent(text.LineSpan(line), indent, edits);
    }
  }
  return edits;
}

}  // namespace loam::lsp::dockerfile
