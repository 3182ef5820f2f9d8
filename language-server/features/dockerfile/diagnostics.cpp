#include <algorithm>
#include <utility>

#include "base/strings.h"
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
  std::vector<std::string> folders = PossibleContexts(query);
  if (folders.empty()) {
    return;
  }
  ContextLook context(std::move(folders));
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
      if (remote || path->empty() || context.Has(*path)) {
        continue;
      }
      if (auto missing = MissingFile(query, SpanOf(source.path.range), *path)) {
        found.push_back(std::move(*missing));
      }
    }
  }
}

// The arguments without the words in front of them: the keyword, what ONBUILD triggers, flags, the CMD of HEALTHCHECK.
std::string_view ArgumentsOf(const ast::Instruction& instruction) {
  std::string_view rest = instruction.original;
  bool keyword = true;
  while (true) {
    rest = TrimSpace(rest);
    const std::string_view word = rest.substr(0, rest.find_first_of(" \t["));
    const bool before = keyword || word.starts_with("--") || EqualsIgnoreCase(word, "CMD") ||
                        instruction.kind == ast::InstructionKind::kOnbuild;
    if (word.empty() || !before) {
      return rest;
    }
    keyword = false;
    rest.remove_prefix(word.size());
  }
}

// ['a', 'b']: meant as JSON, taken as shell words or as names of files.
bool IsListInSingleQuotes(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
    return false;
  }
  text = text.substr(1, text.size() - 2);
  while (true) {
    text = TrimSpace(text);
    const std::size_t end = text.starts_with('\'') ? text.find('\'', 1) : std::string_view::npos;
    if (end == std::string_view::npos) {
      return false;
    }
    text = TrimSpace(text.substr(end + 1));
    if (text.empty()) {
      return true;
    }
    if (text.front() != ',') {
      return false;
    }
    text.remove_prefix(1);
  }
}

void AddListsInSingleQuotes(const Query& query, const ast::Dockerfile& file, std::vector<Diagnostic>& found) {
  constexpr std::string_view kCode = "JsonSingleQuotes";
  const auto severity = SeverityOf(query.settings, kCode, {}, Severity::kWarning);
  for (const ast::Instruction* instruction : file.instructions) {
    if (!severity || instruction->original.find('[') == std::string_view::npos ||
        !IsListInSingleQuotes(ArgumentsOf(*instruction))) {
      continue;
    }
    const Text& text = query.document.text();
    const std::uint32_t line_end = text.LineSpan(text.LineAt(instruction->range.begin)).end;
    found.push_back({.span = {instruction->range.begin, std::min(instruction->range.end, line_end)},
                     .severity = *severity,
                     .code = std::string(kCode),
                     .source = "loam",
                     .message = "a list in single quotes is no JSON: write it with double quotes"});
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
  AddListsInSingleQuotes(query, analysis.file(), found);
  std::stable_sort(found.begin(), found.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.span.begin < b.span.begin; });
  return found;
}

}  // namespace loam::lsp::dockerfile
