// loam fmt: the canonical layout of Dockerfiles and Earthfiles.

#include <filesystem>

#include <fmt/format.h>

#include "base/line_diff.h"
#include "base/print.h"
#include "cli/commands/build_files.h"
#include "cli/commands/rewrite_file.h"
#include "cli/commands/verbs.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/earthfile/proof.h"
#include "compiler/driver/proof.h"
#include "compiler/format/format.h"
#include "compiler/sema/assumed_build_host.h"
#include "compiler/sema/earthfile/local_project.h"

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
    {.name = "verify",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "compile each file before and after, and fail where what is built would change"},
    kLanguageFlag,
    kStdinNameFlag,
};

// Fails with kInternal if the two texts build something else. What was compared, for people.
Result<std::string> VerifyDockerfile(const std::string& name, const std::string& before, const std::string& after) {
  sema::AssumedBuildHost host;
  driver::CompileOptions options;
  options.dockerfile.build_platform = "linux/amd64";
  driver::Prover prover(name, options, host);
  const driver::Everything old = LOAM_TRY(prover.Build(before));
  const driver::Everything now = LOAM_TRY(prover.Build(after));
  if (!(old == now)) {
    return Unexpected(ErrorCode::kInternal, fmt::format("formatting `{}` would change what it builds: {}", name,
                                                        fmt::join(driver::Differences(old, now), "; ")));
  }
  return old.error.empty() ? fmt::format("the same build ({} compared)", old.built.size())
                           : fmt::format("it does not compile, before and after: {}", old.error);
}

Result<std::string> VerifyEarthfile(const std::string& name, const std::string& before, const std::string& after) {
  const std::filesystem::path path = std::filesystem::absolute(name).lexically_normal();
  sema::earthfile::LocalProjectOptions options;
  options.directory = path.parent_path().string();
  options.offline = true;
  sema::earthfile::LocalProjectHost host(options);
  const auto old = LOAM_TRY(driver::earthfile::BuildEarthfile(path.string(), before, host));
  const auto now = LOAM_TRY(driver::earthfile::BuildEarthfile(path.string(), after, host));
  if (!(old == now)) {
    return Unexpected(ErrorCode::kInternal, fmt::format("formatting `{}` would change what it builds: {}", name,
                                                        fmt::join(driver::earthfile::Differences(old, now), "; ")));
  }
  return fmt::format("the same tree, and the same build of {} of {} targets", old.evaluated, old.targets);
}

// Whether the file would change.
Result<bool> FormatOne(const Context& context, const Flags& flags, const BuildFile& file) {
  source::SourceManager sources;
  const std::string before = LOAM_TRY(ReadBuildFile(context, file));
  const source::Buffer* buffer = LOAM_TRY(sources.AddText(file.name, before));
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const bool is_earthfile = file.language == Language::kEarthfile;
  const Result<std::string> text =
      format::Format(is_earthfile ? format::Language::kEarthfile : format::Language::kDockerfile, *buffer, emitter);
  if (!text) {
    PrintTo(context.err, "{}", diag::RenderTerminal(consumer.diagnostics(), sources, {.color = context.Colors()}));
    return Unexpected(text.error());
  }
  if (flags.Bool("verify")) {
    const std::string compared =
        LOAM_TRY(is_earthfile ? VerifyEarthfile(file.name, before, *text) : VerifyDockerfile(file.name, before, *text));
    PrintTo(context.err, "{}: {}\n", file.name, compared);
  }
  const bool changes = *text != before;
  if (flags.Bool("diff")) {
    PrintTo(context.out, "{}", UnifiedDiff(before, *text, "a/" + file.name, "b/" + file.name));
  }
  if (flags.Bool("check")) {
    if (changes) {
      PrintTo(context.err, "{} is not formatted\n", file.name);
    }
  } else if (flags.Bool("write")) {
    if (changes) {
      LOAM_TRY(RewriteFile(file.path, *text));
    }
  } else if (!flags.Bool("diff")) {
    std::fwrite(text->data(), 1, text->size(), context.out);
  }
  return changes;
}

Exit Run(Context& context, const Flags& flags) {
  if (flags.Bool("check") && flags.Bool("write")) {
    return UsageError(context, kFmtCommand,
                      Error(ErrorCode::kInvalidArgument, "`--check` and `--write` exclude each other"));
  }
  const Result<std::vector<BuildFile>> files = FindBuildFiles(flags);
  if (!files) {
    if (files.error().code() == ErrorCode::kInvalidArgument) {
      return UsageError(context, kFmtCommand, files.error());
    }
    PrintError(context, files.error());
    return Exit::kFailed;
  }
  for (const BuildFile& file : *files) {
    if (file.path == "-" && flags.Bool("write")) {
      return UsageError(context, kFmtCommand,
                        Error(ErrorCode::kInvalidArgument, "`--write` cannot write to standard input"));
    }
  }
  bool failed = false;
  for (const BuildFile& file : *files) {
    const Result<bool> changes = FormatOne(context, flags, file);
    if (!changes) {
      PrintError(context, changes.error());
    }
    failed = failed || !changes || (*changes && flags.Bool("check"));
  }
  return failed ? Exit::kFailed : Exit::kOk;
}

}  // namespace

const Command kFmtCommand = {.name = "fmt",
                             .summary = "lay out Dockerfiles and Earthfiles in the canonical form",
                             .usage = "loam fmt [--check | --write] [--diff] [--verify] [FILE… | DIRECTORY… | -]",
                             .flags = kFlags,
                             .run = Run};

}  // namespace loam::cli
