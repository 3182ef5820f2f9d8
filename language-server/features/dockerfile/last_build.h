// LastBuild: the steps of the last build of a Dockerfile, put to its instructions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "language-server/features/query.h"

namespace loam::lsp::dockerfile {

class LastBuild {
 public:
  // `query` outlives it.
  explicit LastBuild(const Query& query);

  // Null if the last build had no such step. An instruction is found by the name of its stage and its text: what was
  // edited since has none.
  [[nodiscard]] const StepFacts* StepOf(std::uint32_t instruction) const;
  [[nodiscard]] const std::optional<BuildFacts>& facts() const { return facts_; }

 private:
  std::optional<BuildFacts> facts_;
  std::vector<const StepFacts*> steps_;  // by instruction
};

// "340 ms", "1.2 s", "2 min 5 s".
std::string DurationText(std::int64_t milliseconds);

}  // namespace loam::lsp::dockerfile
