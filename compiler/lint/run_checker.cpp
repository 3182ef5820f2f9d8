#include "compiler/lint/run_checker.h"

#include <fmt/format.h>

#include "base/process.h"
#include "base/strings.h"

namespace loam::lint {

Result<std::string> RunChecker(const std::vector<std::string>& args, std::string_view input,
                               const std::stop_token& stop) {
  const auto program = FindProgram(args.front());
  if (!program) {
    return Unexpected(Error(ErrorCode::kNotFound, fmt::format("the program `{}` is not installed", args.front()))
                          .WithHint(fmt::format("install the package `{}`, or check without it", args.front())));
  }
  ProcessSpec spec;
  spec.args = args;
  spec.args.front() = *program;
  RunOptions options;
  options.input = input;
  options.stop = stop;
  options.timeout = std::chrono::seconds(60);
  const ProcessOutput output = LOAM_TRY(RunProcess(std::move(spec), options));
  // 1: there are findings.
  if (output.status.code > 1) {
    return Unexpected(ErrorCode::kInternal, fmt::format("`{}` failed: {}", args.front(), TrimSpace(output.err)));
  }
  return output.out;
}

}  // namespace loam::lint
