#include "cli/commands/earthfile/earth_log.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/progress/earth_display.h"
#include "runtime-executor/solver/op.h"

namespace loam::cli {
namespace {

using logbus::FailureType;
using logbus::LogBus;

constexpr const char* kDeltaFlag = "logstream-debug-file";
constexpr const char* kManifestFlag = "logstream-debug-manifest-file";

class Both final : public solver::ProgressSink {
 public:
  Both(std::shared_ptr<solver::ProgressSink> first, std::shared_ptr<solver::ProgressSink> second)
      : first_(std::move(first)), second_(std::move(second)) {}
  void OnEvent(const solver::ProgressEvent& event) override {
    first_->OnEvent(event);
    second_->OnEvent(event);
  }

 private:
  const std::shared_ptr<solver::ProgressSink> first_;
  const std::shared_ptr<solver::ProgressSink> second_;
};

std::string RunnerOf(const std::vector<std::string>& engines) {
  if (!engines.empty()) {
    return "bk:" + Join(engines, ",");
  }
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? fmt::format("local:{}", name.data()) : "local:";
}

// `mistake`: the diagnostic that tells it; may be null.
FailureType TypeOf(const Error& error, const diag::Diagnostic* mistake) {
  if (mistake != nullptr && mistake->kind == diag::Kind::kEarthCommandFailed) {
    return FailureType::kNonzeroExit;
  }
  if (ExitCodeOf(error.message())) {
    return error.message().ends_with("out of memory") ? FailureType::kOomKilled : FailureType::kNonzeroExit;
  }
  if (error.Is(ErrorCode::kPermissionDenied)) {
    return FailureType::kNeedsPrivileged;
  }
  if (mistake != nullptr && mistake->kind != diag::Kind::kEarthHostFailure) {
    return FailureType::kSyntax;
  }
  if (error.Is(ErrorCode::kNotFound)) {
    return FailureType::kFileNotFound;
  }
  return error.Is(ErrorCode::kUnavailable) ? FailureType::kConnectionFailure : FailureType::kOther;
}

}  // namespace

Result<std::shared_ptr<LogBus>> OpenLogBus(const EarthSettings& settings,
                                           const sema::earthfile::EvaluateOptions& options,
                                           const std::vector<std::string>& engines,
                                           const gateway::earthfile::EarthfileBuildReport& report) {
  if (settings.String(kDeltaFlag).empty() && settings.String(kManifestFlag).empty()) {
    return std::shared_ptr<LogBus>();
  }
  return LogBus::Open({.delta_file = settings.String(kDeltaFlag),
                       .build_id = options.session_id,
                       .runner = RunnerOf(engines),
                       .is_ci = options.ci,
                       .clock = &SystemClock(),
                       .steps = report.steps,
                       .sources = report.sources});
}

std::function<void(std::string_view text)> TextSink(const std::shared_ptr<LogBus>& log) {
  if (log == nullptr) {
    return {};
  }
  return [log](std::string_view text) { log->OnDisplay(text); };
}

std::shared_ptr<solver::ProgressSink> WithLog(std::shared_ptr<solver::ProgressSink> display,
                                              const std::shared_ptr<LogBus>& log) {
  if (log == nullptr) {
    return display;
  }
  // The log first: what the display prints of an event comes behind it.
  return std::make_shared<Both>(log, std::move(display));
}

Result<> CloseLog(const std::shared_ptr<LogBus>& log, const EarthSettings& settings, const Result<>& built,
                  const gateway::earthfile::EarthfileBuildReport& report, const std::stop_token& stop) {
  if (log == nullptr) {
    return {};
  }
  logbus::RunEnd end;
  end.ok = built.has_value();
  end.canceled = !end.ok && stop.stop_requested();
  if (!built) {
    const auto mistake = std::find_if(report.diagnostics.begin(), report.diagnostics.end(),
                                      [](const diag::Diagnostic& item) { return item.is_error(); });
    const auto* const vertex = built.error().Detail<solver::VertexErrorDetail>();
    const diag::Diagnostic* const told = mistake == report.diagnostics.end() ? nullptr : &*mistake;
    end.type = TypeOf(built.error(), told);
    end.message = vertex == nullptr && told != nullptr ? told->message : built.error().message();
    end.help = built.error().hint();
    end.vertex = vertex == nullptr ? Digest() : vertex->digest;
  }
  LOAM_TRY(log->Finish(end));
  const std::string manifest = settings.String(kManifestFlag);
  return manifest.empty() ? Result<>() : log->WriteManifest(manifest);
}

}  // namespace loam::cli
