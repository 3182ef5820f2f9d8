#include "compiler/ir/op.h"

#include <array>

namespace loam::ir {
namespace {

constexpr auto kOps = std::to_array<OpInfo>({
#define LOAM_IR_OP(kind, text, attrs, effect, operands, results) {text, Effect::effect, operands, results},
#include "compiler/ir/ops.def"
#undef LOAM_IR_OP
});

}  // namespace

const OpInfo& GetOpInfo(OpKind kind) {
  return kOps[static_cast<std::size_t>(kind)];
}

std::optional<OpKind> FindOp(std::string_view text) {
  for (std::size_t i = 0; i < kOps.size(); ++i) {
    if (kOps[i].text == text) {
      return static_cast<OpKind>(i);
    }
  }
  return std::nullopt;
}

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kFs:
      return "fs";
    case Type::kImage:
      return "image";
    case Type::kStr:
      return "str";
    case Type::kInt:
      return "int";
    case Type::kArtifact:
      return "artifact";
    case Type::kPlatform:
      return "platform";
  }
  LOAM_UNREACHABLE("type outside the enum");
}

std::string_view EffectName(Effect effect) {
  switch (effect) {
    case Effect::kPure:
      return "pure";
    case Effect::kNetwork:
      return "network";
    case Effect::kExec:
      return "exec";
    case Effect::kHost:
      return "host";
  }
  LOAM_UNREACHABLE("effect outside the enum");
}

}  // namespace loam::ir
