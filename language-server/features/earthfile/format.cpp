#include "compiler/format/format.h"

#include <algorithm>

#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"

namespace loam::lsp::earthfile {
namespace {

std::vector<TextEdit> ToEdits(const std::vector<diag::Edit>& edits) {
  std::vector<TextEdit> made;
  for (const diag::Edit& edit : edits) {
    made.push_back({SpanOf(edit.range), edit.replacement});
  }
  return made;
}

std::string_view IndentOf(std::string_view line) {
  return line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
}

}  // namespace

// A file with syntax errors stays as it is.
std::vector<TextEdit> Format(const Query& query, const FormatOptions&) {
  const source::Buffer& buffer = EarthfileAnalysis::Of(query.document).buffer();
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto formatted = format::Format(format::Language::kEarthfile, buffer, emitter);
  return formatted ? ToEdits(format::EditsOf(buffer, *formatted)) : std::vector<TextEdit>();
}

std::vector<TextEdit> FormatRange(const Query& query, Span span, const FormatOptions&) {
  const source::Buffer& buffer = EarthfileAnalysis::Of(query.document).buffer();
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto edits = format::FormatRange(format::Language::kEarthfile, buffer, span.begin, span.end, emitter);
  return edits ? ToEdits(*edits) : std::vector<TextEdit>();
}

// Behind a header, the head of a block or a continuation the next line is indented once more; an END or clause that was
// just written moves back.
std::vector<TextEdit> FormatOnType(const Query& query, std::uint32_t offset, std::string_view typed,
                                   const FormatOptions&) {
  const Text& text = query.document.text();
  const std::uint32_t line = text.LineAt(offset);
  if (typed != "\n" || line == 0) {
    return {};
  }
  std::vector<TextEdit> edits;
  const Span before = text.LineSpan(line - 1);
  const std::string_view above = text.Of(before);
  std::string indent(IndentOf(above));
  const std::string_view words = above.substr(indent.size());
  const auto begins = [&](std::string_view keyword) {
    return words.starts_with(keyword) && (words.size() == keyword.size() || words[keyword.size()] == ' ');
  };
  const bool closes = begins("END") || begins("ELSE") || begins("ELSE IF") || begins("CATCH") || begins("FINALLY");
  if (closes) {
    // The line that opened the block: further up, with an END for each one in between.
    int depth = 0;
    for (std::uint32_t up = line - 1; up-- > 0;) {
      const std::string_view candidate = text.LineText(up);
      const std::string_view head = candidate.substr(IndentOf(candidate).size());
      if (head == "END" || head.starts_with("END ")) {
        ++depth;
      } else if (head.starts_with("IF ") || head.starts_with("FOR ") || head == "TRY" || head == "WAIT" ||
                 head.starts_with("WAIT ") || head.starts_with("WITH ")) {
        if (depth-- == 0) {
          const std::string wanted(IndentOf(candidate));
          if (wanted != indent) {
            edits.push_back({{before.begin, before.begin + static_cast<std::uint32_t>(indent.size())}, wanted});
            indent = wanted;
          }
          break;
        }
      }
    }
  }
  const std::size_t last = words.find_last_not_of(" \t");
  const bool is_header =
      indent.empty() && !words.empty() && words.back() == ':' && words.find_first_of(" \t#") == std::string_view::npos;
  const bool opens = begins("IF") || begins("FOR") || begins("WAIT") || begins("TRY") || begins("WITH") ||
                     begins("ELSE") || begins("ELSE IF") || begins("CATCH") || begins("FINALLY");
  const bool continues = last != std::string_view::npos && words[last] == '\\';
  const bool continued_before = line >= 2 && text.LineText(line - 2).ends_with('\\');
  if (is_header || opens || (continues && !continued_before)) {
    indent += "    ";
  }
  const Span here = text.LineSpan(line);
  const std::string_view now = text.Of(here);
  const std::string_view has = IndentOf(now);
  // A line that says something keeps its place.
  if (has.size() == now.size() && has != indent && !above.empty()) {
    edits.push_back({{here.begin, here.begin + static_cast<std::uint32_t>(has.size())}, indent});
  }
  return edits;
}

}  // namespace loam::lsp::earthfile
