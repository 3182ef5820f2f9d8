// Failure: why a step of the Earthfile's semantics did not work, as a value: the diagnostics that tell it. Functions
// return Checked<T>; LOAM_TRY passes failures on; whoever owns an emitter reports them once.
//
//   return Fail<Kind::kUnknownTargetName>(range, name).Hint("…");
//   auto words = LOAM_TRY(ExpandWord(…));
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "compiler/diagnostics/emitter.h"

namespace loam::sema::earthfile {

class [[nodiscard]] Failure {
 public:
  // Everything was reported already: only pass it on.
  static Failure Reported() { return Failure(); }
  explicit Failure(diag::Diagnostic diagnostic) { diagnostics_.push_back(std::move(diagnostic)); }
  explicit Failure(std::vector<diag::Diagnostic> diagnostics) : diagnostics_(std::move(diagnostics)) {}

  Failure(const Failure&) = default;
  Failure(Failure&&) noexcept = default;
  Failure& operator=(const Failure&) = default;
  // Also from itself: `failure = std::move(failure).Hint(…)`.
  Failure& operator=(Failure&& other) noexcept {
    if (this != &other) {
      diagnostics_ = std::move(other.diagnostics_);
      error_ = std::move(other.error_);
    }
    return *this;
  }
  ~Failure() = default;

  [[nodiscard]] const std::vector<diag::Diagnostic>& diagnostics() const { return diagnostics_; }
  // The world's failure behind it (with its code and details, such as a step's exit code), if there is one.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  // The first message; "" if everything was reported.
  [[nodiscard]] std::string_view message() const {
    return diagnostics_.empty() ? std::string_view() : std::string_view(diagnostics_.front().message);
  }

  // Notes, hints and labels go to the last diagnostic.
  Failure&& Note(std::string text) &&;
  Failure&& Hint(std::string text) &&;
  Failure&& Label(source::SourceRange range, std::string text) &&;
  Failure&& CausedBy(Error error) &&;

  // As a return value.
  template <class T>
  operator tl::expected<T, Failure>() && {  // NOLINT(google-explicit-constructor)
    return tl::unexpected<Failure>(std::move(*this));
  }

 private:
  Failure() = default;
  std::vector<diag::Diagnostic> diagnostics_;
  std::optional<Error> error_;
};

template <class T = void>
using Checked = tl::expected<T, Failure>;

template <diag::Kind kKind, class... Args>
diag::Diagnostic MakeDiagnostic(source::SourceRange range, const Args&... args) {
  constexpr const diag::KindInfo& kInfo = diag::InfoOf(kKind);
  constexpr fmt::string_view kFormat(kInfo.format.data(), kInfo.format.size());
  return diag::Diagnostic{.kind = kKind,
                          .severity = kInfo.severity,
                          .message = fmt::format(fmt::format_string<const Args&...>(kFormat), args...),
                          .range = range,
                          .labels = {},
                          .notes = {},
                          .hints = {},
                          .fixes = {}};
}

template <diag::Kind kKind, class... Args>
Failure Fail(source::SourceRange range, const Args&... args) {
  return Failure(MakeDiagnostic<kKind>(range, args...));
}

// The world's failure at a place: its message and hint become a diagnostic of kind kEarthHostFailure.
Failure FailWith(source::SourceRange range, Error error);

// Sends the diagnostics of `failure` to `emitter`.
void Report(diag::Emitter& emitter, const Failure& failure);

}  // namespace loam::sema::earthfile

// So that LOAM_TRY takes a Checked as well.
namespace loam::internal {
template <class T>
T TakeValue(sema::earthfile::Checked<T>&& result) {
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}
}  // namespace loam::internal
