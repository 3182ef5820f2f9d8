#include "compiler/syntax/token.h"

#include <array>

namespace loam::syntax {

namespace {
constexpr auto kTokenNames = std::to_array<std::string_view>({
#define LOAM_TOKEN(Name, text) text,
#include "compiler/syntax/tokens.def"
#undef LOAM_TOKEN
});
}  // namespace

std::string_view TokenKindName(TokenKind kind) {
  return kTokenNames[static_cast<std::size_t>(kind)];
}

}  // namespace loam::syntax
