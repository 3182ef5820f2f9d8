#include "compiler/diagnostics/kind.h"

namespace loam::diag {

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return "error";
    case Severity::Warning:
      return "warning";
  }
  return "";
}

std::optional<Kind> KindWithCode(std::string_view code) {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i].code == code) {
      return static_cast<Kind>(i);
    }
  }
  return std::nullopt;
}

}  // namespace loam::diag
