// The registry of diagnostics: one enumerator and one row of facts for each line of kinds.def.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace loam::diag {

enum class Severity : std::uint8_t { Error, Warning };

enum class Kind : std::uint16_t {
#define LOAM_DIAGNOSTIC(name, code, severity, format, slug) k##name,
#include "compiler/diagnostics/kinds.def"
#undef LOAM_DIAGNOSTIC
};

struct KindInfo {
  std::string_view name;
  std::string_view code;
  Severity severity;
  std::string_view format;
  // The section of docs/diagnostics.md.
  std::string_view slug;
};

inline constexpr auto kKinds = std::to_array<KindInfo>({
#define LOAM_DIAGNOSTIC(name, code, severity, format, slug) {#name, code, Severity::severity, format, slug},
#include "compiler/diagnostics/kinds.def"
#undef LOAM_DIAGNOSTIC
});

constexpr const KindInfo& InfoOf(Kind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}
// "error", "warning".
std::string_view SeverityName(Severity severity);
// The kind with this code, such as `LD0012`.
std::optional<Kind> KindWithCode(std::string_view code);

}  // namespace loam::diag
