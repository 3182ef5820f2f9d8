// OpKind and the table of ops (ops.def).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "compiler/ir/attributes.h"
#include "compiler/ir/type.h"

namespace loam::ir {

enum class OpKind : std::uint8_t {
#define LOAM_IR_OP(kind, text, attrs, effect, operands, results) kind,
#include "compiler/ir/ops.def"
#undef LOAM_IR_OP
};

inline constexpr std::size_t kOpKindCount = 0
#define LOAM_IR_OP(kind, text, attrs, effect, operands, results) +1
#include "compiler/ir/ops.def"
#undef LOAM_IR_OP
    ;

struct OpInfo {
  std::string_view text;
  Effect effect;
  std::string_view operands;  // "fs", "fs*", ...
  std::string_view results;
};

const OpInfo& GetOpInfo(OpKind kind);
std::optional<OpKind> FindOp(std::string_view text);

// The attribute struct of an op: AttrsOf<OpKind::kExec>::type is ExecAttrs.
template <OpKind kKind>
struct AttrsOf;
#define LOAM_IR_OP(kind, text, attrs, effect, operands, results) \
  template <>                                                    \
  struct AttrsOf<OpKind::kind> {                                 \
    using type = attrs;                                          \
  };
#include "compiler/ir/ops.def"
#undef LOAM_IR_OP

// Calls visit(std::type_identity<Attrs>{}) with the attribute struct of `kind`.
template <class V>
decltype(auto) VisitAttrsType(OpKind kind, V&& visit);

}  // namespace loam::ir

#include "compiler/ir/op_inl.h"
