// What `--emit` prints.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/plain_dockerfile.h"

namespace loam::driver {

enum class EmitKind : std::uint8_t {
  kTokens,
  kTree,
  kAst,
  kAstJson,
  kIr,
  kLlb,  // the bytes of the pb.Definition
  kLlbText,
  kLlbJson,
  kDot,
  kDigests,
  kImageConfig,
  kDockerfile,  // printed back in its plain form
};

// By the names in EmitKindNames, "tokens, tree, …".
std::optional<EmitKind> ParseEmitKind(std::string_view name);
std::string_view EmitKindNames();
// How far the compile has to go.
StopAfter StageFor(EmitKind kind);
// Shows the file itself, also if it is wrong.
bool IsOfTheFile(EmitKind kind);

// The text (for kLlb the bytes) of a result that got that far. With several platforms the parts follow each other, each
// under a line "# <platform>", except that kLlb needs `platform` to name one. `pins` are for kDockerfile.
Result<std::string> EmitText(EmitKind kind, const CompileResult& result, const source::Buffer& buffer,
                             std::string_view platform = {}, const std::vector<Pin>& pins = {});

}  // namespace loam::driver
