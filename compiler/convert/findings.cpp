#include "compiler/convert/findings.h"

#include <fmt/format.h>

namespace loam::convert {
namespace {

using diag::Kind;
using diag::Severity;

void Report(diag::Emitter& emitter, Kind kind, Severity severity, source::SourceRange range, std::string message) {
  diag::Diagnostic diagnostic;
  diagnostic.kind = kind;
  diagnostic.severity = severity;
  diagnostic.message = std::move(message);
  diagnostic.range = range;
  emitter.Report(std::move(diagnostic));
}

}  // namespace

void ReportKept(diag::Emitter& emitter, source::SourceRange range, std::string_view target, std::string_view reason) {
  Report(emitter, Kind::kEarthDockerfile, Severity::Warning, range,
         fmt::format("`+{}` builds the stage by FROM DOCKERFILE: {}", target, reason));
}

void ReportUnsetArg(diag::Emitter& emitter, source::SourceRange range, std::string_view name) {
  Report(emitter, Kind::kEarthUnknownVariable, Severity::Warning, range,
         fmt::format("without a value the ARG `{}` is not set in a Dockerfile, and is empty in an Earthfile", name));
}

void ReportFixedArg(diag::Emitter& emitter, source::SourceRange range, std::string_view name, std::string_view reason) {
  Report(emitter, Kind::kEarthDockerfile, Severity::Warning, range,
         fmt::format("the ARG `{}` cannot be given to what is built by FROM DOCKERFILE: {}", name, reason));
}

void ReportImpossible(diag::Emitter& emitter, source::SourceRange range, std::string_view what,
                      std::string_view reason) {
  Report(emitter, Kind::kEarthNotSupported, Severity::Error, range,
         fmt::format("`{}` cannot be converted: {}", what, reason));
}

void ReportLost(diag::Emitter& emitter, source::SourceRange range, std::string message) {
  Report(emitter, Kind::kEarthNotSupported, Severity::Warning, range, std::move(message));
}

}  // namespace loam::convert
