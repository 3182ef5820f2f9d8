// The passes between sema and emission. -O0 runs none: the LLB is byte for byte upstream's. -O1 may change the graph,
// but never the resulting filesystem or image config.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/ir/module.h"

namespace loam::passes {

enum class OptLevel : std::uint8_t { kO0 = 0, kO1 = 1 };

// "0" / "1", also "O0" / "-O1".
std::optional<OptLevel> ParseOptLevel(std::string_view text);

// What one pass did.
struct PassReport {
  std::string_view name;  // "fold-file-ops"
  // Nodes in the graph.
  std::size_t nodes_before = 0;
  std::size_t nodes_after = 0;
  // One sentence a change, naming the steps as the user knows them: "[2/4] WORKDIR /src is done by [3/4] COPY . .".
  std::vector<std::string> changes;
};

struct PassOptions {
  OptLevel level = OptLevel::kO1;
  // Checks the module before the first and after every pass; in debug builds this is done anyway.
  bool verify = false;
};

// Runs the passes of passes.def up to the level, in that order. An error is an invalid module: the input's mistake
// before the first pass (kInvalidArgument), our own bug after one (kInternal, naming the pass).
[[nodiscard]] Result<std::vector<PassReport>> RunPasses(ir::Module& module, const PassOptions& options = {});

// One pass by its name, for tests and `--passes`; kNotFound if there is none, with the nearest name as a hint.
[[nodiscard]] Result<PassReport> RunPass(ir::Module& module, std::string_view name);

// The names of all passes in order.
[[nodiscard]] std::vector<std::string_view> PassNames();

// The text of --explain-passes.
[[nodiscard]] std::string ExplainPasses(const std::vector<PassReport>& reports);

}  // namespace loam::passes
