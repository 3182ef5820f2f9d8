#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/features.h"

namespace loam::lsp::dockerfile {
namespace {

Span KeywordSpan(const ast::Instruction& instruction) {
  return SpanOf(instruction.keyword.range);
}

Symbol InstructionSymbol(const ast::Instruction& instruction) {
  Symbol symbol;
  const std::string_view known = ast::KeywordOf(instruction.kind);
  symbol.name = known.empty() ? std::string(instruction.keyword.text) : std::string(known);
  const std::string_view code = instruction.code();
  const std::size_t blank = code.find_first_of(" \t");
  if (blank != std::string_view::npos) {
    symbol.detail = code.substr(code.find_first_not_of(" \t", blank), 80);
  }
  symbol.kind = SymbolKind::kFunction;
  symbol.span = SpanOf(instruction.range);
  symbol.selection = KeywordSpan(instruction);
  symbol.deprecated = instruction.kind == ast::InstructionKind::kMaintainer;
  return symbol;
}

}  // namespace

// Directives, instructions in front of the first FROM, and stages with their instructions.
std::vector<Symbol> Symbols(const Query& query) {
  const ast::Dockerfile& file = DockerfileAnalysis::Of(query.document).file();
  std::vector<Symbol> symbols;
  for (const ast::Directive& directive : file.directives) {
    Symbol symbol;
    symbol.name = directive.name.text;
    symbol.detail = directive.value.text;
    symbol.kind = SymbolKind::kProperty;
    symbol.selection = SpanOf(directive.name.range);
    symbol.span = SpanOf(source::Cover(directive.name.range, directive.value.range));
    symbols.push_back(std::move(symbol));
  }
  std::optional<std::size_t> stage;  // the last FROM
  for (const ast::Instruction* instruction : file.instructions) {
    Symbol symbol = InstructionSymbol(*instruction);
    const auto* from = ast::As<ast::From>(instruction);
    if (from != nullptr && from->stage_name.present()) {
      symbol.name = from->stage_name.text;
      symbol.detail = "FROM " + std::string(from->base.text);
      symbol.kind = SymbolKind::kClass;
      symbol.selection = SpanOf(from->stage_name.range);
    }
    if (from != nullptr) {
      stage = symbols.size();
    } else if (stage) {
      symbols[*stage].span.end = symbol.span.end;
      symbols[*stage].children.push_back(std::move(symbol));
      continue;
    }
    symbols.push_back(std::move(symbol));
  }
  return symbols;
}

}  // namespace loam::lsp::dockerfile
