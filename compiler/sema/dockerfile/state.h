// State: a filesystem with the settings that the next instruction runs under; what upstream's llb.State carries.
#pragma once

#include <optional>
#include <string_view>

#include "compiler/ir/graph.h"
#include "compiler/sema/dockerfile/environment.h"

namespace loam::sema {

// A filesystem, and the step that made it. Equal steps are one node of the graph, but each keeps its own name until the
// end, when names are merged in the order in which LLB lists the steps (Converter::AnnotateSteps).
struct Fs {
  static constexpr std::uint32_t kNoStep = 0xffffffffU;

  ir::Value value;
  std::uint32_t step = kNoStep;

  [[nodiscard]] bool is_scratch() const { return value.is_scratch(); }
};

struct State {
  Fs fs;
  Environment env;
  std::string_view dir = "/";
  std::string_view user;
  std::string_view hostname;
  ir::Network network = ir::Network::kSandbox;
  // Set by the source that the filesystem started from; scratch has none.
  std::optional<ir::Platform> platform;
};

}  // namespace loam::sema
