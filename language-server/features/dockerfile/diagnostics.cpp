#include <algorithm>

#include "language-server/features/compiler_diagnostic.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/features.h"

namespace loam::lsp::dockerfile {
namespace {

// The keyword of the instruction on a line, in capitals; "" if there is none.
std::string_view KeywordAt(const ast::Dockerfile& file, std::uint32_t line) {
  const auto found = std::lower_bound(
      file.instructions.begin(), file.instructions.end(), line,
      [](const ast::Instruction* instruction, std::uint32_t wanted) { return instruction->lines.last < wanted; });
  return found == file.instructions.end() ? std::string_view() : ast::KeywordOf((*found)->kind);
}

}  // namespace

std::vector<Diagnostic> Diagnostics(const Query& query) {
  const DockerfileAnalysis& analysis = DockerfileAnalysis::Of(query.document);
  const CheckedDockerfile& checked = analysis.Check(query);
  std::vector<Diagnostic> found;
  for (const diag::Diagnostic& diagnostic : checked.diagnostics) {
    if (auto made = FromCompiler(query, diagnostic, analysis.buffer().id())) {
      found.push_back(std::move(*made));
    }
  }
  for (const lint::Warning& warning : checked.warnings) {
    if (auto made = FromCheck(query, warning, KeywordAt(analysis.file(), warning.lines.first))) {
      found.push_back(std::move(*made));
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.span.begin < b.span.begin; });
  return found;
}

}  // namespace loam::lsp::dockerfile
