#include "compiler/sema/earthfile/failure.h"

namespace loam::sema::earthfile {

Failure&& Failure::Note(std::string text) && {
  if (!diagnostics_.empty()) {
    diagnostics_.back().notes.push_back(std::move(text));
  }
  return std::move(*this);
}

Failure&& Failure::Hint(std::string text) && {
  if (!diagnostics_.empty()) {
    diagnostics_.back().hints.push_back(std::move(text));
  }
  return std::move(*this);
}

Failure&& Failure::Label(source::SourceRange range, std::string text) && {
  if (!diagnostics_.empty() && range.valid()) {
    diagnostics_.back().labels.push_back({range, std::move(text)});
  }
  return std::move(*this);
}

Failure&& Failure::CausedBy(Error error) && {
  error_ = std::move(error);
  return std::move(*this);
}

Failure FailWith(source::SourceRange range, Error error) {
  Failure failure = Fail<diag::Kind::kEarthHostFailure>(range, error.message());
  if (!error.hint().empty()) {
    failure = std::move(failure).Hint(error.hint());
  }
  return std::move(failure).CausedBy(std::move(error));
}

void Report(diag::Emitter& emitter, const Failure& failure) {
  for (const diag::Diagnostic& diagnostic : failure.diagnostics()) {
    emitter.Report(diagnostic);
  }
}

}  // namespace loam::sema::earthfile
