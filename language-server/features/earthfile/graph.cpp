#include <set>

#include <fmt/format.h>

#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/earthfile/project.h"

namespace loam::lsp::earthfile {

// Targets and functions, and what refers to what; those of other files with their paths.
Result<std::string> Graph(const Query& query) {
  const auto& symbols = EarthfileAnalysis::Of(query.document).symbols();
  if (symbols.scopes.size() == 1) {
    return Unexpected(ErrorCode::kFailedPrecondition, "the file has no targets");
  }
  std::string out = "flowchart LR\n";
  std::set<std::string> nodes;
  std::set<std::string> edges;
  const auto node = [&](const std::string& label, bool function) {
    std::string id;
    for (const char c : label) {
      id += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
    }
    // Names that differ only in other characters stay apart.
    id = fmt::format("n{}_{}", std::hash<std::string>{}(label) % 100000, id);
    if (nodes.insert(id).second) {
      out += function ? fmt::format("  {}([\"{}\"])\n", id, label) : fmt::format("  {}[\"{}\"]\n", id, label);
    }
    return id;
  };
  const auto label_of = [](const auto& scope) {
    return scope.kind == sema::earthfile::ScopeKind::kFunction ? std::string(scope.name)
                                                               : fmt::format("+{}", scope.name);
  };
  for (std::size_t i = 1; i < symbols.scopes.size(); ++i) {
    node(label_of(symbols.scopes[i]), symbols.scopes[i].kind == sema::earthfile::ScopeKind::kFunction);
  }
  for (const auto& use : symbols.references) {
    if (use.kind == sema::earthfile::ReferenceKind::kImport || !use.reference) {
      continue;
    }
    const std::string from = node(label_of(symbols.scopes[use.scope]), false);
    const std::string to = node(use.reference->ToString(), use.kind == sema::earthfile::ReferenceKind::kDo);
    constexpr const char* kNames[] = {"BUILD", "FROM", "COPY", "DO", "load", "FROM DOCKERFILE", ""};
    const std::string edge = fmt::format("  {} -- {} --> {}\n", from, kNames[static_cast<int>(use.kind)], to);
    if (edges.insert(edge).second) {
      out += edge;
    }
  }
  return out;
}

}  // namespace loam::lsp::earthfile
