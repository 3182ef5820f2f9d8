#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/words.h"
#include "language-server/features/dockerfile/last_build.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/earthfile/last_build.h"
#include "language-server/features/earthfile/project.h"

namespace loam::lsp::earthfile {
namespace {

using ast::earthfile::Command;
using ast::earthfile::CommandKind;

constexpr std::size_t kLongestValue = 40;

bool IsWildcard(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos || text == "." || text == "./" || text.ends_with('/');
}

// Values that are known without a build: literals that nothing assigns anew.
void AddValues(const Query& query, Span span, std::vector<InlayHint>& hints) {
  const auto& symbols = EarthfileAnalysis::Of(query.document).symbols();
  for (const auto& use : symbols.uses) {
    if (use.in_shell || use.is_set || !span.Touches(use.range.begin)) {
      continue;
    }
    const auto* variable = symbols.FindVariable(use.name, use.scope, use.range.begin);
    if (variable == nullptr || !variable->has_value || variable->value.size() > kLongestValue ||
        variable->value.find_first_of("$\n") != std::string_view::npos) {
      continue;
    }
    const bool is_set = std::any_of(symbols.uses.begin(), symbols.uses.end(), [&](const auto& other) {
      return other.is_set && other.name == use.name && other.scope == use.scope;
    });
    if (!is_set) {
      const bool braces =
          use.range.end < query.document.text().size() && query.document.text().bytes()[use.range.end] == '}';
      const bool is_arg = variable->kind == sema::earthfile::VariableKind::kArg;
      hints.push_back({use.range.end + (braces ? 1 : 0), fmt::format("= {}", variable->value),
                       is_arg ? "unless whoever builds it says otherwise" : "", InlayKind::kParameter});
    }
  }
}

void AddMatches(const Query& query, const Command& command, std::vector<InlayHint>& hints) {
  sema::earthfile::CopyFlags flags;
  const auto rest = sema::earthfile::ParseFlags(sema::earthfile::ToWords(command.args), {}, flags);
  if (!rest || rest->size() < 2) {
    return;
  }
  for (std::size_t i = 0; i + 1 < rest->size(); ++i) {
    const std::string& pattern = (*rest)[i].text;
    if (pattern.find_first_of("$+\"'") != std::string::npos || !IsWildcard(pattern)) {
      continue;
    }
    const bool directory = pattern == "." || pattern == "./" || pattern.ends_with('/');
    const ContextMatches matches =
        MatchContext(query, directory ? (pattern == "." || pattern == "./" ? "*" : pattern + "*") : pattern);
    if (matches.known) {
      hints.push_back(
          {(*rest)[i].range.end,
           matches.paths.empty()
               ? "no match"
               : fmt::format("{} {}", matches.paths.size(), matches.paths.size() == 1 ? "entry" : "entries"),
           fmt::format("{}", fmt::join(matches.paths.begin(),
                                       matches.paths.begin() + std::min<std::size_t>(matches.paths.size(), 20), "\n")),
           InlayKind::kOther});
    }
  }
}

void AddDigest(const Query& query, const Command& command, std::vector<InlayHint>& hints) {
  sema::earthfile::FromFlags flags;
  const auto rest = sema::earthfile::ParseFlags(sema::earthfile::ToWords(command.args), {}, flags);
  if (!rest || rest->empty() || rest->front().text.find_first_of("$@") != std::string::npos ||
      sema::earthfile::LooksLikeReference(rest->front().text)) {
    return;
  }
  if (const auto facts = query.store.FindImage(rest->front().text); facts && facts->digest.size() > 19) {
    hints.push_back({rest->front().range.end, fmt::format("@{}…", facts->digest.substr(0, 19)),
                     fmt::format("`{}`", facts->digest), InlayKind::kOther});
  }
}

// How long the step took, or that it was cached.
void AddStep(const LastBuild& last, std::string_view target, const Command& command, std::vector<InlayHint>& hints) {
  const StepFacts* step = last.StepOf(target, command);
  if (step != nullptr && (step->cached || step->ran)) {
    hints.push_back({command.location.range.end, step->cached ? "cached" : dockerfile::DurationText(step->duration_ms),
                     "by the last build", InlayKind::kOther});
  }
}

}  // namespace

std::vector<InlayHint> InlayHints(const Query& query, Span span) {
  std::vector<InlayHint> hints;
  AddValues(query, span, hints);
  const LastBuild last(query);
  for (const auto& scope : EarthfileAnalysis::Of(query.document).symbols().scopes) {
    sema::earthfile::EachStatement(scope.recipe, [&](const ast::earthfile::Statement& statement) {
      const Span place = SpanOf(statement.location.range);
      if (statement.kind != ast::earthfile::StatementKind::kCommand || place.end < span.begin ||
          place.begin > span.end || query.cancel.cancelled()) {
        return;
      }
      if (statement.command->kind == CommandKind::kCopy) {
        AddMatches(query, *statement.command, hints);
      } else if (statement.command->kind == CommandKind::kFrom) {
        AddDigest(query, *statement.command, hints);
      }
      AddStep(last, scope.name, *statement.command, hints);
    });
  }
  std::stable_sort(hints.begin(), hints.end(),
                   [](const InlayHint& a, const InlayHint& b) { return a.offset < b.offset; });
  return hints;
}

}  // namespace loam::lsp::earthfile
