// loam prune: gives disk space back.
#include <charconv>

#include <fmt/format.h>

#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/common.h"
#include "cli/commands/verbs.h"

namespace loam::cli {

namespace {

constexpr Flag kFlags[] = {
    {.name = "all",
     .short_name = 'a',
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "the whole build cache, not only what nothing refers to; images in the store stay"},
    {.name = "until",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "TIME",
     .help = "only what was not used for this long: 90m, 36h, 7d"},
    {.name = "keep-storage",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "SIZE",
     .help = "stop when this much is left: 500MB, 10GB"},
    {.name = "cache-mounts",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "also the contents of RUN --mount=type=cache"},
    kRootFlag,
};

// A number with a unit from `units`; nullopt if it is none.
struct Unit {
  std::string_view name;
  std::int64_t factor;
};

std::optional<std::int64_t> ParseWithUnit(std::string_view text, std::span<const Unit> units) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) {
    return std::nullopt;
  }
  const std::string unit = ToLowerAscii(text.substr(static_cast<std::size_t>(end - text.data())));
  for (const Unit& candidate : units) {
    if (candidate.name == unit) {
      return static_cast<std::int64_t>(number * static_cast<double>(candidate.factor));
    }
  }
  return std::nullopt;
}

constexpr Unit kTimeUnits[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
constexpr Unit kSizeUnits[] = {{"", 1},
                               {"b", 1},
                               {"k", 1000},
                               {"kb", 1000},
                               {"m", 1'000'000},
                               {"mb", 1'000'000},
                               {"g", 1'000'000'000},
                               {"gb", 1'000'000'000},
                               {"t", 1'000'000'000'000},
                               {"tb", 1'000'000'000'000}};

Result<engine::PruneOptions> ParseOptions(const Flags& flags) {
  engine::PruneOptions options{
      .all = flags.Bool("all"), .unused_for = {}, .keep_bytes = {}, .cache_mounts = flags.Bool("cache-mounts")};
  if (flags.Has("until")) {
    const auto seconds = ParseWithUnit(flags.String("until"), kTimeUnits);
    if (!seconds) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("`--until={}`: expected a time such as 90m, 36h or 7d", flags.String("until")));
    }
    options.unused_for = std::chrono::seconds(*seconds);
  }
  if (flags.Has("keep-storage")) {
    options.keep_bytes = ParseWithUnit(flags.String("keep-storage"), kSizeUnits);
    if (!options.keep_bytes) {
      return Unexpected(
          ErrorCode::kInvalidArgument,
          fmt::format("`--keep-storage={}`: expected a size such as 500MB or 10GB", flags.String("keep-storage")));
    }
  }
  return options;
}

// Somebody who wants space back would not look for it behind a flag.
void TellWhatIsLeft(const Context& context, engine::Engine& engine) {
  const auto usage = engine.DiskUsage();
  std::uint64_t left = 0;
  for (const engine::DiskUsageEntry& entry : usage ? *usage : std::vector<engine::DiskUsageEntry>()) {
    left += entry.kind == engine::DiskUsageEntry::Kind::kLayer && !entry.in_use ? static_cast<std::uint64_t>(entry.size)
                                                                                : 0;
  }
  if (left > 0) {
    PrintTo(context.err, "{} of build cache are left; `loam prune --all` removes them too\n", HumanBytes(left));
  }
}

Exit Run(Context& context, const Flags& flags) {
  const Result<engine::PruneOptions> options = ParseOptions(flags);
  if (!options) {
    return UsageError(context, kPruneCommand, options.error());
  }
  const auto engine = OpenEngine(context, flags);
  if (!engine) {
    PrintError(context, engine.error());
    return Exit::kFailed;
  }
  const Result<engine::PruneReport> report = (*engine)->Prune(*options);
  if (!report) {
    PrintError(context, report.error());
    return Exit::kFailed;
  }
  for (const engine::DiskUsageEntry& entry : report->removed) {
    PrintTo(context.out, "{:>10}  {}\n", HumanBytes(static_cast<std::uint64_t>(entry.size)),
            entry.description.empty() ? entry.id : entry.description);
  }
  PrintTo(context.out, "reclaimed {}\n", HumanBytes(static_cast<std::uint64_t>(report->reclaimed_bytes)));
  if (!options->all) {
    TellWhatIsLeft(context, **engine);
  }
  return Exit::kOk;
}

}  // namespace

const Command kPruneCommand = {.name = "prune",
                               .summary = "remove build cache that is not in use",
                               .usage = "loam prune [FLAGS]",
                               .flags = kFlags,
                               .run = Run};

}  // namespace loam::cli
