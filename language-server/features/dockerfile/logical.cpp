#include "language-server/features/dockerfile/logical.h"

#include <algorithm>

namespace loam::lsp::dockerfile {
namespace {

std::size_t SkipBlanks(std::string_view source, std::size_t at, std::size_t end) {
  while (at < end && (source[at] == ' ' || source[at] == '\t')) {
    ++at;
  }
  return at;
}

// Behind the line end at `at`; `at` itself if there is none.
std::size_t SkipLineEnd(std::string_view source, std::size_t at, std::size_t end) {
  if (at < end && source[at] == '\r') {
    return at + 1 < end && source[at + 1] == '\n' ? at + 2 : at + 1;
  }
  return at < end && source[at] == '\n' ? at + 1 : at;
}

}  // namespace

std::size_t ContinuationEnd(std::string_view source, std::size_t at, std::size_t end) {
  std::size_t next = SkipBlanks(source, at + 1, end);
  if (next < end && SkipLineEnd(source, next, end) == next) {
    return 0;
  }
  next = SkipLineEnd(source, next, end);
  while (next < end) {
    const std::size_t first = SkipBlanks(source, next, end);
    std::size_t line_end = first;
    if (first < end && source[first] == '#') {
      line_end = std::min(source.find_first_of("\r\n", first), end);
    } else if (first < end && SkipLineEnd(source, first, end) == first) {
      break;
    }
    if (line_end >= end) {
      // Blanks, or a comment, up to the end.
      return first < end ? end : next;
    }
    next = SkipLineEnd(source, line_end, end);
  }
  return next;
}

std::size_t LogicalView::IndexAt(std::uint32_t offset) const {
  return static_cast<std::size_t>(std::lower_bound(offsets.begin(), offsets.end(), offset) - offsets.begin());
}

LogicalView MakeLogicalView(std::string_view source, Span span, char escape) {
  LogicalView view;
  const std::size_t end = std::min<std::size_t>(span.end, source.size());
  for (std::size_t at = span.begin; at < end;) {
    if (source[at] == escape && (at == span.begin || source[at - 1] != escape)) {
      if (const std::size_t next = ContinuationEnd(source, at, end); next != 0) {
        at = next;
        continue;
      }
    }
    view.text += source[at];
    view.offsets.push_back(static_cast<std::uint32_t>(at));
    ++at;
  }
  view.offsets.push_back(static_cast<std::uint32_t>(end));
  return view;
}

}  // namespace loam::lsp::dockerfile
