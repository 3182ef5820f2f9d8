// Emitter: how the compiler's stages report diagnostics.
//
//   emitter.Emit<Kind::kUnknownInstruction>(range, word)
//       .Hint(fmt::format("did you mean `{}`?", near))
//       .Fix("replace it", range, near);
//
// The format string comes from kinds.def and is checked against the arguments at compile time. The diagnostic goes to
// the consumer when the returned builder is destroyed, that is at the end of the statement.
#pragma once

#include <utility>

#include <fmt/format.h>

#include "compiler/diagnostics/diagnostic.h"

namespace loam::diag {

// Where diagnostics go. Called in the order of emission, on the thread that emits.
class Consumer {
 public:
  virtual ~Consumer() = default;
  virtual void Consume(Diagnostic diagnostic) = 0;
};

// Keeps all diagnostics, to be rendered or asserted on later.
class CollectingConsumer : public Consumer {
 public:
  void Consume(Diagnostic diagnostic) override { diagnostics_.push_back(std::move(diagnostic)); }
  [[nodiscard]] const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
  [[nodiscard]] std::vector<Diagnostic> Take() { return std::exchange(diagnostics_, {}); }

 private:
  std::vector<Diagnostic> diagnostics_;
};

class Emitter {
 public:
  // `consumer` outlives the emitter.
  explicit Emitter(Consumer& consumer) : consumer_(&consumer) {}
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;

  class Builder {
   public:
    Builder(Emitter& emitter, Diagnostic diagnostic) : emitter_(&emitter), diagnostic_(std::move(diagnostic)) {}
    Builder(const Builder&) = delete;
    Builder& operator=(const Builder&) = delete;
    ~Builder() { emitter_->Send(std::move(diagnostic_)); }

    Builder& Label(source::SourceRange range, std::string text) {
      diagnostic_.labels.push_back({range, std::move(text)});
      return *this;
    }
    Builder& Note(std::string text) {
      diagnostic_.notes.push_back(std::move(text));
      return *this;
    }
    Builder& Hint(std::string text) {
      diagnostic_.hints.push_back(std::move(text));
      return *this;
    }
    // A fix of one edit.
    Builder& Fix(std::string title, source::SourceRange range, std::string replacement) {
      diagnostic_.fixes.push_back({std::move(title), {{range, std::move(replacement)}}});
      return *this;
    }
    Builder& Fix(FixIt fix) {
      diagnostic_.fixes.push_back(std::move(fix));
      return *this;
    }

   private:
    Emitter* emitter_;
    Diagnostic diagnostic_;
  };

  template <Kind kKind, class... Args>
  Builder Emit(source::SourceRange range, const Args&... args) {
    constexpr const KindInfo& kInfo = InfoOf(kKind);
    constexpr fmt::string_view kFormat(kInfo.format.data(), kInfo.format.size());
    return Builder(*this, Diagnostic{.kind = kKind,
                                     .severity = kInfo.severity,
                                     .message = fmt::format(fmt::format_string<const Args&...>(kFormat), args...),
                                     .range = range,
                                     .labels = {},
                                     .notes = {},
                                     .hints = {},
                                     .fixes = {}});
  }

  // Sends a diagnostic that was made before.
  void Report(Diagnostic diagnostic) { Send(std::move(diagnostic)); }

  // Number of errors sent so far (at most kMaxErrors of them reach the consumer).
  [[nodiscard]] std::size_t error_count() const { return errors_; }
  [[nodiscard]] std::size_t warning_count() const { return warnings_; }
  [[nodiscard]] bool has_errors() const { return errors_ != 0; }

  // Diagnostics past this number are counted, not shown: nobody reads them, and their cost must stay bounded.
  static constexpr std::size_t kMaxDiagnostics = 1000;

 private:
  void Send(Diagnostic diagnostic) {
    ++(diagnostic.is_error() ? errors_ : warnings_);
    if (errors_ + warnings_ <= kMaxDiagnostics) {
      consumer_->Consume(std::move(diagnostic));
    }
  }

  Consumer* consumer_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

}  // namespace loam::diag
