#pragma once

#include <type_traits>
#include <utility>

#include "base/check.h"

namespace loam::ir {

template <class V>
decltype(auto) VisitAttrsType(OpKind kind, V&& visit) {
  switch (kind) {
#define LOAM_IR_OP(kind, text, attrs, effect, operands, results) \
  case OpKind::kind:                                             \
    return std::forward<V>(visit)(std::type_identity<attrs>{});
#include "compiler/ir/ops.def"
#undef LOAM_IR_OP
  }
  LOAM_UNREACHABLE("op kind outside the table");
}

}  // namespace loam::ir
