#include "language-server/features/quiet_edit.h"

#include <algorithm>

#include "base/strings.h"
#include "language-server/features/dockerfile/statements.h"

namespace loam::lsp {
namespace {

// Only blank lines, and comments that are no pragma: all of those have a `=`.
bool SaysNothing(std::string_view lines) {
  for (const std::string_view line : Split(lines, '\n')) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin != std::string_view::npos && (line[begin] != '#' || line.find('=') != std::string_view::npos)) {
      return false;
    }
  }
  return true;
}

// Moves spans behind a gap of the text that grows or shrinks.
class Mover {
 public:
  // `last`: nothing is behind it.
  Mover(Span gap, std::uint32_t new_size, bool last) : gap_(gap), by_(new_size - gap.size()), last_(last) {}

  // False if it touches the gap.
  bool Move(Span& span) const {
    if (!last_ && span.begin >= gap_.end) {
      span.begin += by_;
      span.end += by_;
      return true;
    }
    return span.end < gap_.begin;
  }

 private:
  Span gap_;
  std::uint32_t by_;  // modulo 2^32
  bool last_;
};

bool Move(const Mover& mover, const std::string& uri, Diagnostic& diagnostic) {
  bool apart = mover.Move(diagnostic.span);
  for (RelatedPlace& related : diagnostic.related) {
    if (related.place.uri == uri) {
      apart = apart && mover.Move(related.place.span) && mover.Move(related.place.selection);
    }
  }
  return apart;
}

}  // namespace

std::optional<std::vector<Statement>> StatementsOf(const Query& query) {
  if (query.document.language() != Language::kDockerfile) {
    return std::nullopt;
  }
  return dockerfile::Statements(query);
}

bool MoveAlong(const Document& before, Span span, std::string_view replacement, Findings& findings) {
  if (!findings.statements || findings.statements->empty() || replacement.find('\r') != std::string_view::npos) {
    return false;
  }
  std::vector<Statement>& statements = *findings.statements;
  const auto next = std::partition_point(statements.begin(), statements.end(), [&](const Statement& statement) {
    return statement.lines.begin < span.begin;
  });
  // What stands above the first statement may be directives.
  if (next == statements.begin()) {
    return false;
  }
  const Statement& previous = *(next - 1);
  const bool last = next == statements.end();
  if (previous.open_ended || (!last && next->described)) {
    return false;
  }
  // The line behind the statement up to the line of the next one.
  const Text& text = before.text();
  const std::uint32_t line = text.LineAt(previous.lines.end) + 1;
  if (line >= text.line_count()) {
    return false;
  }
  const Span gap{text.LineBegin(line), last ? text.size() : next->lines.begin};
  if (span.begin < gap.begin || span.end > gap.end) {
    return false;
  }
  std::string now(text.Of({gap.begin, span.begin}));
  now += replacement;
  now += text.Of({span.end, gap.end});
  const bool joins_next = !last && !now.empty() && now.back() != '\n';
  if (joins_next || !SaysNothing(text.Of(gap)) || !SaysNothing(now)) {
    return false;
  }
  const Mover mover(gap, static_cast<std::uint32_t>(now.size()), last);
  for (auto moved = next; moved != statements.end(); ++moved) {
    mover.Move(moved->lines);
  }
  return std::all_of(findings.diagnostics.begin(), findings.diagnostics.end(),
                     [&](Diagnostic& diagnostic) { return Move(mover, before.uri(), diagnostic); });
}

}  // namespace loam::lsp
