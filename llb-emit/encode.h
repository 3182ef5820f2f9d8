// pb messages -> bytes as upstream's encoder writes them. C++ protobuf cannot do it alone: it writes the member of a
// oneof in the place of its number, upstream writes it last. Use this wherever an op is digested.
#pragma once

#include <string>

namespace pb {
class Definition;
class Op;
}  // namespace pb

namespace loam::llb {

[[nodiscard]] std::string EncodeOp(const pb::Op& op);

// With sorted maps; the ops in it are bytes already.
[[nodiscard]] std::string EncodeDefinition(const pb::Definition& definition);

}  // namespace loam::llb
