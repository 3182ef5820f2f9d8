#include <fmt/format.h>

#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"

namespace loam::lsp::earthfile {
namespace {

using sema::earthfile::FileSymbols;
using sema::earthfile::ScopeKind;

// The name's span widened to the command's; they are on the same lines.
Symbol Variable(const sema::earthfile::VariableDefinition& variable) {
  Symbol symbol;
  symbol.name = variable.name;
  symbol.detail = sema::earthfile::KeywordOf(variable.kind);
  if (variable.has_value) {
    symbol.detail += fmt::format(" = {}", variable.value.substr(0, 60));
  }
  symbol.kind = variable.kind == sema::earthfile::VariableKind::kEnv ? SymbolKind::kProperty : SymbolKind::kVariable;
  symbol.selection = SpanOf(variable.name_range);
  symbol.span =
      variable.kind == sema::earthfile::VariableKind::kFor ? symbol.selection : SpanOf(variable.command_range);
  return symbol;
}

void AddContents(const FileSymbols& symbols, std::size_t scope, std::vector<Symbol>& out) {
  for (const auto& import : symbols.imports) {
    if (import.scope == scope) {
      Symbol symbol;
      symbol.name = import.alias;
      symbol.detail = symbols.references[import.reference].text;
      symbol.kind = SymbolKind::kModule;
      symbol.span = SpanOf(import.command->location.range);
      symbol.selection = SpanOf(import.alias_range);
      out.push_back(std::move(symbol));
    }
  }
  for (const auto& variable : symbols.variables) {
    if (variable.scope == scope) {
      out.push_back(Variable(variable));
    }
  }
  for (const auto& save : symbols.artifacts) {
    if (save.scope == scope) {
      Symbol symbol;
      symbol.name = save.path.empty() ? std::string(save.source) : save.path;
      symbol.detail = "SAVE ARTIFACT";
      symbol.kind = SymbolKind::kFile;
      symbol.span = SpanOf(save.command->location.range);
      symbol.selection = SpanOf(save.source_range);
      out.push_back(std::move(symbol));
    }
  }
}

}  // namespace

std::vector<Symbol> Symbols(const Query& query) {
  const FileSymbols& symbols = EarthfileAnalysis::Of(query.document).symbols();
  std::vector<Symbol> out;
  AddContents(symbols, 0, out);
  for (std::size_t i = 1; i < symbols.scopes.size(); ++i) {
    const auto& scope = symbols.scopes[i];
    Symbol symbol;
    symbol.name = scope.name;
    symbol.detail = scope.docs.substr(0, scope.docs.find('\n'));
    symbol.kind = scope.kind == ScopeKind::kTarget ? SymbolKind::kFunction : SymbolKind::kMethod;
    symbol.selection = SpanOf(scope.name_range);
    symbol.span = SpanOf(scope.range);
    AddContents(symbols, i, symbol.children);
    out.push_back(std::move(symbol));
  }
  return out;
}

}  // namespace loam::lsp::earthfile
