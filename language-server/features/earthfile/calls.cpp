// Call hierarchy: targets and functions, and the commands that refer to them.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/entities.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/earthfile/project.h"

namespace loam::lsp::earthfile {
namespace {

CallItem ItemOf(const Document& document, std::size_t scope) {
  const auto& recipe = EarthfileAnalysis::Of(document).symbols().scopes[scope];
  CallItem item;
  item.name =
      recipe.kind == sema::earthfile::ScopeKind::kTarget ? fmt::format("+{}", recipe.name) : std::string(recipe.name);
  item.detail = document.path();
  item.kind = SymbolKind::kFunction;
  const Span name = SpanOf(recipe.name_range);
  const Span span = recipe.range.valid() ? SpanOf(recipe.range) : name;
  item.place = {document.uri(), span, recipe.name_range.valid() ? name : span, std::nullopt};
  item.data = recipe.name;
  return item;
}

std::optional<std::size_t> ScopeOf(const Document& document, const CallItem& item) {
  const auto& symbols = EarthfileAnalysis::Of(document).symbols();
  const auto* scope = symbols.FindRecipe(item.data);
  return scope == nullptr ? std::nullopt : std::optional(static_cast<std::size_t>(scope - symbols.scopes.data()));
}

}  // namespace

std::vector<CallItem> CallItems(const Query& query, std::uint32_t offset) {
  const auto entity = EntityAt(query, offset);
  if (entity && entity->kind == EntityKind::kRecipe) {
    return {ItemOf(*entity->document, entity->scope)};
  }
  const auto& symbols = EarthfileAnalysis::Of(query.document).symbols();
  const std::size_t scope = symbols.ScopeAt(offset);
  return scope == 0 ? std::vector<CallItem>() : std::vector<CallItem>{ItemOf(query.document, scope)};
}

std::vector<Call> IncomingCalls(const Query& query, const CallItem& item) {
  std::vector<Call> calls;
  const auto scope = ScopeOf(query.document, item);
  if (!scope) {
    return calls;
  }
  for (const Document* document : AllEarthfiles(query)) {
    std::map<std::size_t, std::vector<Span>> by_caller;
    for (const auto& use : EarthfileAnalysis::Of(*document).symbols().references) {
      if (use.reference && use.kind != sema::earthfile::ReferenceKind::kImport && use.reference->name == item.data &&
          DocumentOf(query, *document, use) == &query.document) {
        by_caller[use.scope].push_back(SpanOf(use.range));
      }
    }
    for (auto& [caller, spans] : by_caller) {
      calls.push_back({ItemOf(*document, caller), std::move(spans)});
    }
  }
  return calls;
}

std::vector<Call> OutgoingCalls(const Query& query, const CallItem& item) {
  std::vector<Call> calls;
  const auto scope = ScopeOf(query.document, item);
  if (!scope) {
    return calls;
  }
  for (const auto& use : EarthfileAnalysis::Of(query.document).symbols().references) {
    if (use.scope != *scope || !use.reference || use.kind == sema::earthfile::ReferenceKind::kImport) {
      continue;
    }
    const Document* target = DocumentOf(query, query.document, use);
    if (target == nullptr) {
      continue;
    }
    const auto& there = EarthfileAnalysis::Of(*target).symbols();
    const auto* recipe = there.FindRecipe(use.reference->name);
    if (recipe == nullptr) {
      continue;
    }
    CallItem called = ItemOf(*target, static_cast<std::size_t>(recipe - there.scopes.data()));
    const auto same = std::find_if(calls.begin(), calls.end(), [&](const Call& call) {
      return call.item.place.uri == called.place.uri && call.item.data == called.data;
    });
    if (same != calls.end()) {
      same->from.push_back(SpanOf(use.range));
    } else {
      calls.push_back({std::move(called), {SpanOf(use.range)}});
    }
  }
  return calls;
}

}  // namespace loam::lsp::earthfile
