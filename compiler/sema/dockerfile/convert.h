// Typed tree of a Dockerfile -> IR. At this point the graph is what BuildKit's own frontend makes: emitted as it is
// (-O0), every op has the same digest.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/ast/dockerfile/ast.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/ir/module.h"
#include "compiler/sema/build_host.h"
#include "compiler/sema/dockerfile/observer.h"
#include "compiler/sema/dockerfile/options.h"
#include "compiler/sema/dockerfile/parameter_observer.h"
#include "compiler/source/source_manager.h"

namespace loam::sema {

// Parses the ONBUILD triggers of base images. The parser is no dependency of this folder, so its caller brings it.
class TriggerParser {
 public:
  virtual ~TriggerParser() = default;
  // The one instruction of `text`; null if it is wrong, which was reported to `emitter`. It lives as long as the
  // parser.
  virtual const ast::Instruction* Parse(std::string_view text, diag::Emitter& emitter) = 0;
};

// A filesystem of a conversion that an SBOM scanner is to look at, beside the result.
struct ScanTarget {
  std::size_t result = 0;  // of the module
  std::string name;        // "context", or the stage's
  ir::Value fs;
  bool ignore_cache = false;
};

struct ConvertInput {
  const ast::Dockerfile* file = nullptr;   // without errors
  const source::Buffer* buffer = nullptr;  // the one it was parsed from
  const DockerfileOptions* options = nullptr;
  BuildHost* host = nullptr;
  TriggerParser* triggers = nullptr;
  // They see the conversion for the first platform; may be null.
  Observer* observer = nullptr;
  ParameterObserver* parameters = nullptr;
  // Convert also the stages that the target does not need.
  bool all_stages = false;
  // A filesystem of the module's graph as main context, whatever the options say of it.
  std::optional<ir::Value> context = std::nullopt;
  // Not null: filled with what the arguments BUILDKIT_SBOM_SCAN_CONTEXT and BUILDKIT_SBOM_SCAN_STAGE ask for.
  std::vector<ScanTarget>* scans = nullptr;
};

// Adds a source and one result per platform to `module`. False if something was wrong, which was reported to `emitter`;
// the module is then incomplete.
[[nodiscard]] bool ConvertDockerfile(const ConvertInput& input, ir::Module& module, diag::Emitter& emitter);

}  // namespace loam::sema
