#include <algorithm>

#include "language-server/features/compiler_diagnostic.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/names.h"
#include "language-server/features/missing_files.h"

namespace loam::lsp::dockerfile {
namespace {

// The keyword of the instruction on a line, in capitals; "" if there is none.
std::string_view KeywordAt(const ast::Dockerfile& file, std::uint32_t line) {
  const auto found = std::lower_bound(
      file.instructions.begin(), file.instructions.end(), line,
      [](const ast::Instruction* instruction, std::uint32_t wanted) { return instruction->lines.last < wanted; });
  return found == file.instructions.end() ? std::string_view() : ast::KeywordOf((*found)->kind);
}

// A variable that no line sets may be one of the base image, if nothing is known of that.
bool MayBeOfBase(const Query& query, const Names& names, const ast::Dockerfile& file, std::uint32_t line) {
  std::uint32_t stage = 0;
  while (stage + 1 < file.stages.size() && file.stages[stage + 1].from->lines.first <= line) {
    ++stage;
  }
  for (std::size_t step = 0; step <= file.stages.size() && stage < file.stages.size(); ++step) {
    const ast::Text& base = file.stages[stage].from->base;
    const auto earlier = names.FindStage(base.text, stage);
    if (!earlier) {
      const auto facts = base.text == "scratch" ? std::nullopt : query.store.FindImage(base.text);
      return base.text != "scratch" && (!facts || facts->config.empty());
    }
    stage = *earlier;
  }
  return true;
}

// What COPY and ADD take of the context.
void AddMissingFiles(const Query& query, const ast::Dockerfile& file, std::vector<Diagnostic>& found) {
  const std::vector<std::string> contexts = PossibleContexts(query);
  if (contexts.empty()) {
    return;
  }
  for (std::uint32_t index = 0; index < file.instructions.size(); ++index) {
    const ast::Instruction& instruction = *file.instructions[index];
    if ((instruction.kind != ast::InstructionKind::kCopy && instruction.kind != ast::InstructionKind::kAdd) ||
        instruction.invalid || instruction.FindFlag("from") != nullptr) {
      continue;
    }
    for (const ast::FileSource& source : static_cast<const ast::FileTransfer&>(instruction).sources) {
      if (source.heredoc != nullptr) {
        continue;
      }
      // Names are looked at only where there are variables: they are made of the whole file.
      const std::string_view raw = source.path.text;
      const auto path = raw.find_first_of("$\\\"'") == std::string_view::npos ? std::optional(std::string(raw))
                                                                              : NamesOf(query).Expand(raw, index);
      const bool remote = !path || path->find("://") != std::string::npos || path->starts_with("git@");
      if (remote || path->empty() || IsInContext(contexts, *path)) {
        continue;
      }
      if (auto missing = MissingFile(query, SpanOf(source.path.range), *path)) {
        found.push_back(std::move(*missing));
      }
    }
  }
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
    if (warning.rule->name == "UndefinedVar" && warning.message.find("did you mean") == std::string::npos &&
        MayBeOfBase(query, NamesOf(query), analysis.file(), warning.lines.first)) {
      continue;
    }
    if (auto made = FromCheck(query, warning, KeywordAt(analysis.file(), warning.lines.first))) {
      found.push_back(std::move(*made));
    }
  }
  if (!checked.failure.empty()) {
    found.push_back(ChecksFailed(query, checked.failure));
  }
  AddMissingFiles(query, analysis.file(), found);
  std::stable_sort(found.begin(), found.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.span.begin < b.span.begin; });
  return found;
}

}  // namespace loam::lsp::dockerfile
