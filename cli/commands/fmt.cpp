// loam fmt: the canonical layout of Dockerfiles.

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/line_diff.h"
#include "cli/commands/rewrite_file.h"
#include "cli/commands/verbs.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/earthfile/front.h"
#include "compiler/format/dockerfile.h"

namespace loam::cli {
namespace {

constexpr Flag kFlags[] = {
    {.name = "check",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "name the files that are not formatted, and fail if there is one"},
    {.name = "diff", .short_name = 0, .kind = FlagKind::kBool, .value_name = {}, .help = "print the changes as a diff"},
    {.name = "write", .short_name = 'w', .kind = FlagKind::kBool, .value_name = {}, .help = "write the files"},
};

// Whether the file would change.
Result<bool> FormatOne(const Context& context, const Flags& flags, const std::string& path) {
  if (driver::earthfile::IsEarthfileName(path)) {
    return Unexpected(ErrorCode::kUnimplemented, fmt::format("`{}`: Earthfiles are not formatted yet", path));
  }
  source::SourceManager sources;
  std::string name = path;
  std::string before;
  if (path == "-") {
    name = "<stdin>";
    before = LOAM_TRY(ReadAll(context.in_fd, name));
  } else {
    before = LOAM_TRY(ReadFile(path));
  }
  const source::Buffer* buffer = LOAM_TRY(sources.AddText(name, before));
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const Result<std::string> text = format::FormatDockerfile(*buffer, emitter);
  if (!text) {
    fmt::print(context.err, "{}", diag::RenderTerminal(consumer.diagnostics(), sources, {.color = context.Colors()}));
    return Unexpected(text.error());
  }
  const bool changes = *text != before;
  if (flags.Bool("diff")) {
    fmt::print(context.out, "{}", UnifiedDiff(before, *text, "a/" + name, "b/" + name));
  }
  if (flags.Bool("check")) {
    if (changes) {
      fmt::print(context.err, "{} is not formatted\n", name);
    }
  } else if (flags.Bool("write")) {
    if (changes) {
      LOAM_TRY(RewriteFile(path, *text));
    }
  } else if (!flags.Bool("diff")) {
    std::fwrite(text->data(), 1, text->size(), context.out);
  }
  return changes;
}

Exit Run(Context& context, const Flags& flags) {
  std::vector<std::string> paths = flags.positional();
  if (paths.empty()) {
    paths.emplace_back("Dockerfile");
  }
  if (flags.Bool("check") && flags.Bool("write")) {
    return UsageError(context, kFmtCommand,
                      Error(ErrorCode::kInvalidArgument, "`--check` and `--write` exclude each other"));
  }
  bool failed = false;
  for (const std::string& path : paths) {
    if (path == "-" && flags.Bool("write")) {
      return UsageError(context, kFmtCommand,
                        Error(ErrorCode::kInvalidArgument, "`--write` cannot write to standard input"));
    }
  }
  for (const std::string& path : paths) {
    const Result<bool> changes = FormatOne(context, flags, path);
    if (!changes) {
      PrintError(context, changes.error());
    }
    failed = failed || !changes || (*changes && flags.Bool("check"));
  }
  return failed ? Exit::kFailed : Exit::kOk;
}

}  // namespace

const Command kFmtCommand = {.name = "fmt",
                             .summary = "lay out Dockerfiles in the canonical form",
                             .usage = "loam fmt [--check | --write] [--diff] [FILE… | -]",
                             .flags = kFlags,
                             .run = Run};

}  // namespace loam::cli
