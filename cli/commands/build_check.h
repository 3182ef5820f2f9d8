// `loam build --check`: what it checks, how it prints, and `--fix`.
#pragma once

#include "cli/command.h"
#include "cli/commands/dockerfile_input.h"
#include "compiler/driver/compile.h"
#include "compiler/lint/selection.h"

namespace loam::cli {

enum class CheckFormat : std::uint8_t { kText, kJson, kSarif };

struct CheckSettings {
  CheckFormat format = CheckFormat::kText;
  lint::Selection more;
  bool fix = false;
  bool unsafe = false;
  bool dry_run = false;
};

// From --lint, --format, --fix, --dry-run, --trusted-registry, --require-label, --strict-labels.
Result<CheckSettings> ParseCheckSettings(const Flags& flags);
// The same flags without --check are a mistake.
Result<> RefuseCheckFlags(const Flags& flags);

// Checks, or fixes and then checks, and prints. Fails if something is found that was not fixed. `options` say how the
// file is compiled; `path` is the file, "" if it cannot be written.
Exit RunCheck(const Context& context, const CheckSettings& settings, const DockerfileInput& input,
              driver::CompileOptions options, sema::BuildHost& host, const std::string& path);

}  // namespace loam::cli
