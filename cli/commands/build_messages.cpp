#include "cli/commands/build_messages.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/missing_file.h"
#include "compiler/diagnostics/render.h"
#include "runtime-executor/solver/op.h"

namespace loam::cli {

namespace {

constexpr std::uint32_t kLinesAround = 2;
constexpr std::string_view kRule = "--------------------";

bool Covers(const gateway::VertexSource& source, std::uint32_t line) {
  return std::any_of(source.lines.begin(), source.lines.end(),
                     [&](const auto& span) { return span.first <= line && line <= span.last; });
}

}  // namespace

std::string ExcerptOf(const gateway::VertexSource& source) {
  if (source.buffer == nullptr || source.lines.empty()) {
    return {};
  }
  std::uint32_t first = UINT32_MAX;
  std::uint32_t last = 0;
  for (const auto& span : source.lines) {
    first = std::min(first, span.first);
    last = std::max(last, span.last);
  }
  std::string text = fmt::format("{}:{}\n{}\n", source.buffer->name(), first, kRule);
  const std::vector<std::string_view> lines = Split(source.buffer->text(), '\n');
  const std::uint32_t from = first > kLinesAround ? first - kLinesAround : 1;
  const std::uint32_t to = std::min(last + kLinesAround, static_cast<std::uint32_t>(lines.size()));
  for (std::uint32_t number = from; number <= to; ++number) {
    std::string_view line = lines[number - 1];
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (number == lines.size() && line.empty()) {
      continue;
    }
    text += fmt::format("{:>4} | {}{}\n", number, Covers(source, number) ? ">>> " : "    ", line);
  }
  return text + std::string(kRule) + "\n";
}

void PrintDiagnostics(const Context& context, const gateway::DockerfileBuildReport& report) {
  if (report.diagnostics.empty()) {
    return;
  }
  std::vector<diag::Diagnostic> sorted = report.diagnostics;
  diag::SortByPosition(sorted);
  PrintTo(context.err, "{}", diag::RenderTerminal(sorted, *report.sources, {.color = context.Colors()}));
}

void PrintWarnings(const Context& context, const gateway::DockerfileBuildReport& report) {
  if (report.warnings.empty()) {
    return;
  }
  PrintTo(context.err, "\n {} found (use --check to expand):\n",
          report.warnings.size() == 1 ? "1 warning" : fmt::format("{} warnings", report.warnings.size()));
  for (const lint::Warning& warning : report.warnings) {
    PrintTo(context.err, " - {}: {}{}\n", warning.rule->name, warning.message,
            warning.lines.first == 0 ? "" : fmt::format(" (line {})", warning.lines.first));
  }
}

void PrintBuildError(const Context& context, const Error& error, const BuildContext& files,
                     const gateway::DockerfileBuildReport& report) {
  const auto* const failed = error.Detail<solver::VertexErrorDetail>();
  const bool told = std::any_of(report.diagnostics.begin(), report.diagnostics.end(),
                                [](const diag::Diagnostic& diagnostic) { return diagnostic.is_error(); });
  if (told && failed == nullptr && error.Is(ErrorCode::kInvalidArgument)) {
    return;  // PrintDiagnostics has said what is wrong
  }
  if (failed != nullptr) {
    if (const auto found = report.vertex_sources.find(failed->digest); found != report.vertex_sources.end()) {
      PrintTo(context.err, "{}", ExcerptOf(found->second));
    }
  }
  const std::string hint = failed == nullptr ? std::string() : MissingFileHint(error, failed->name, files);
  PrintError(context, hint.empty() ? error : Error(error).WithHint(hint));
}

}  // namespace loam::cli
