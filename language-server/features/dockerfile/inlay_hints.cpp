#include <algorithm>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/context_files.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/last_build.h"
#include "language-server/features/dockerfile/names.h"

namespace loam::lsp::dockerfile {
namespace {

using ast::InstructionKind;

constexpr std::size_t kLongestValue = 40;

// A shell's variables are the shell's affair, and scripts are full of them.
bool ShowsValues(InstructionKind kind) {
  return kind != InstructionKind::kRun && kind != InstructionKind::kCmd && kind != InstructionKind::kEntrypoint &&
         kind != InstructionKind::kHealthcheck && kind != InstructionKind::kOnbuild;
}

void AddValues(const ast::Dockerfile& file, const Names& names, Span span, std::vector<InlayHint>& hints) {
  for (const Name& name : names.all()) {
    const bool shown = name.kind == Name::Kind::kVariable && !name.definition && span.Touches(name.span.begin) &&
                       ShowsValues(file.instructions[name.instruction]->kind);
    const auto value = shown ? names.ValueAt(name.text, name.instruction) : std::nullopt;
    if (value && !value->empty() && value->size() <= kLongestValue && value->find('\n') == std::string::npos) {
      hints.push_back({name.whole.end, fmt::format("= {}", *value), {}, InlayKind::kParameter});
    }
  }
}

void AddDigest(const Query& query, const Names& names, const ast::From& from, std::uint32_t index,
               std::vector<InlayHint>& hints) {
  const auto image = from.base.present() ? names.Expand(from.base.text, index) : std::nullopt;
  if (!image || image->find('@') != std::string::npos) {
    return;
  }
  if (const auto facts = query.store.FindImage(*image); facts && facts->digest.size() > 19) {
    hints.push_back({from.base.range.end, fmt::format("@{}…", facts->digest.substr(0, 19)),
                     fmt::format("`{}`", facts->digest), InlayKind::kOther});
  }
}

void AddMatches(const Names& names, const ContextFiles& files, const ast::FileTransfer& transfer, std::uint32_t index,
                std::vector<InlayHint>& hints) {
  if (transfer.invalid || transfer.FindFlag("from") != nullptr) {
    return;
  }
  for (const ast::FileSource& source : transfer.sources) {
    const auto pattern = source.heredoc == nullptr ? names.Expand(source.path.text, index) : std::nullopt;
    if (!pattern || pattern->find("://") != std::string::npos) {
      continue;
    }
    const ContextFiles::Matches matches = files.Match(*pattern);
    const bool one_file = matches.entries.size() == 1 && !matches.entries[0].directory && !HasWildcard(*pattern);
    if (!matches.entries.empty() && !one_file) {
      hints.push_back({source.path.range.end,
                       fmt::format("{}{} file{}", matches.files, matches.truncated ? "+" : "",
                                   matches.files == 1 && !matches.truncated ? "" : "s"),
                       {},
                       InlayKind::kOther});
    }
  }
}

}  // namespace

std::vector<InlayHint> InlayHints(const Query& query, Span span) {
  std::vector<InlayHint> hints;
  const ast::Dockerfile& file = DockerfileAnalysis::Of(query.document).file();
  const Names& names = NamesOf(query);
  AddValues(file, names, span, hints);
  const ContextFiles files(query);
  const LastBuild last(query);
  for (std::uint32_t i = 0; i < file.instructions.size() && !query.cancel.cancelled(); ++i) {
    const ast::Instruction& instruction = *file.instructions[i];
    if (instruction.range.end < span.begin || instruction.range.begin > span.end) {
      continue;
    }
    if (const auto* from = ast::As<ast::From>(&instruction)) {
      AddDigest(query, names, *from, i, hints);
    } else if (const auto* copy = ast::As<ast::Copy>(&instruction); copy != nullptr && files.known()) {
      AddMatches(names, files, *copy, i, hints);
    } else if (const auto* add = ast::As<ast::Add>(&instruction); add != nullptr && files.known()) {
      AddMatches(names, files, *add, i, hints);
    }
    if (const StepFacts* step = last.StepOf(i)) {
      const Text& text = query.document.text();
      hints.push_back({text.LineSpan(text.LineAt(instruction.range.begin)).end,
                       step->cached ? std::string("cached") : DurationText(step->duration_ms),
                       fmt::format("in the last build: `{}`", step->name), InlayKind::kOther});
    }
  }
  std::stable_sort(hints.begin(), hints.end(),
                   [](const InlayHint& a, const InlayHint& b) { return a.offset < b.offset; });
  return hints;
}

}  // namespace loam::lsp::dockerfile
