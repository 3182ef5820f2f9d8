// LogicalView: the text of an instruction without its continuations and the comments in them, and where each byte of it
// stands. Unlike the compiler's logical line it works on any span, also of text that is half typed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "language-server/text/span.h"

namespace loam::lsp::dockerfile {

struct LogicalView {
  std::string text;
  // Of each byte of `text`, and of the end.
  std::vector<std::uint32_t> offsets;

  // Where bytes [begin, end) of `text` stand; the span may hold continuations.
  [[nodiscard]] Span SpanOf(std::size_t begin, std::size_t end) const {
    return end > begin ? Span{offsets[begin], offsets[end - 1] + 1} : Span{offsets[begin], offsets[begin]};
  }
  // The index of the first byte that stands at or behind `offset`.
  [[nodiscard]] std::size_t IndexAt(std::uint32_t offset) const;
};

// `source` is the document's text.
LogicalView MakeLogicalView(std::string_view source, Span span, char escape);

// If a continuation begins at `at` (the escape character, blanks, a line end or the text's end), where it ends: behind
// the line end and behind comment lines and empty lines that follow. 0 if none begins there.
std::size_t ContinuationEnd(std::string_view source, std::size_t at, std::size_t end);

}  // namespace loam::lsp::dockerfile
