#include "language-server/features/dockerfile/statements.h"

#include <algorithm>

#include "language-server/features/dockerfile/analysis.h"

namespace loam::lsp::dockerfile {
namespace {

bool HasLoneReturn(std::string_view text) {
  for (std::size_t at = text.find('\r'); at != std::string_view::npos; at = text.find('\r', at + 1)) {
    if (text.substr(at, 2) != "\r\n") {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::vector<Statement>> Statements(const Query& query) {
  const Text& text = query.document.text();
  const DockerfileAnalysis& analysis = DockerfileAnalysis::Of(query.document);
  const std::vector<diag::Diagnostic>& found = analysis.Check(query).diagnostics;
  if (HasLoneReturn(text.bytes()) ||
      std::any_of(found.begin(), found.end(), [](const diag::Diagnostic& each) { return each.is_error(); })) {
    return std::nullopt;
  }
  const ast::Dockerfile& file = analysis.file();
  std::vector<Statement> statements;
  statements.reserve(file.instructions.size());
  std::uint32_t end = 0;
  for (const ast::Instruction* instruction : file.instructions) {
    if (instruction->lines.first == 0 || instruction->lines.last > text.line_count()) {
      return std::nullopt;
    }
    const Span lines{text.LineBegin(instruction->lines.first - 1), text.LineSpan(instruction->lines.last - 1).end};
    if (lines.begin < end || instruction->range.begin < lines.begin || instruction->range.end > lines.end) {
      return std::nullopt;
    }
    end = lines.end;
    const std::string_view written = text.Of(lines);
    const std::size_t last = written.find_last_not_of(" \t\r\n");
    statements.push_back(
        {.lines = lines,
         .described =
             instruction->kind == ast::InstructionKind::kFrom || instruction->kind == ast::InstructionKind::kArg,
         // Either escape character: it is simpler than to know which one it is here.
         .open_ended = last == std::string_view::npos || written[last] == '\\' || written[last] == '`'});
  }
  return statements;
}

}  // namespace loam::lsp::dockerfile
