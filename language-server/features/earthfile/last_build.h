// LastBuild: the steps of the last build of an Earthfile's targets, put to its commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/ast/earthfile/ast.h"
#include "language-server/features/query.h"

namespace loam::lsp::earthfile {

class LastBuild {
 public:
  // `query` outlives it.
  explicit LastBuild(const Query& query);

  // Null if the last build had no such step. A command is found by its target and text: what was edited since has none.
  [[nodiscard]] const StepFacts* StepOf(std::string_view target, const ast::earthfile::Command& command) const;

 private:
  const Query& query_;
  std::optional<BuildFacts> facts_;
};

// The last build of the target: of its own, or as part of another one, then with its own steps alone. nullopt if there
// was none.
std::optional<BuildFacts> LastBuildOf(const Query& query, std::string_view path, std::string_view target);

}  // namespace loam::lsp::earthfile
