// loam du: what takes space under the state root.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/common.h"
#include "cli/commands/verbs.h"

namespace loam::cli {

namespace {

using engine::DiskUsageEntry;

constexpr Flag kFlags[] = {
    {.name = "verbose",
     .short_name = 'v',
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "every record, layer and blob instead of the sums"},
    {.name = "format",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "text|json",
     .help = "output format (default text)",
     .completion = "text|json"},
    kRootFlag,
};

constexpr DiskUsageEntry::Kind kKinds[] = {DiskUsageEntry::Kind::kCacheRecord, DiskUsageEntry::Kind::kLayer,
                                           DiskUsageEntry::Kind::kContent, DiskUsageEntry::Kind::kCacheMount,
                                           DiskUsageEntry::Kind::kImage};

std::string_view NameOf(DiskUsageEntry::Kind kind) {
  switch (kind) {
    case DiskUsageEntry::Kind::kCacheRecord:
      return "cache-record";
    case DiskUsageEntry::Kind::kLayer:
      return "layer";
    case DiskUsageEntry::Kind::kContent:
      return "content";
    case DiskUsageEntry::Kind::kCacheMount:
      return "cache-mount";
    case DiskUsageEntry::Kind::kImage:
      return "image";
  }
  LOAM_UNREACHABLE("disk usage kind");
}

void PrintJson(std::FILE* out, const std::vector<DiskUsageEntry>& entries) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const DiskUsageEntry& entry : entries) {
    nlohmann::ordered_json object{{"kind", NameOf(entry.kind)},       {"id", entry.id},
                                  {"description", entry.description}, {"size", entry.size},
                                  {"usageCount", entry.usage_count},  {"inUse", entry.in_use}};
    if (entry.created) {
      object["created"] = FormatRfc3339(*entry.created);
    }
    if (entry.last_used) {
      object["lastUsed"] = FormatRfc3339(*entry.last_used);
    }
    list.push_back(std::move(object));
  }
  PrintTo(out, "{}\n", list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void PrintText(std::FILE* out, const std::vector<DiskUsageEntry>& entries, bool verbose) {
  std::uint64_t total = 0;
  PrintTo(out, "{:<14}{:>8}{:>12}{:>12}\n", "KIND", "COUNT", "SIZE", "IN USE");
  for (const DiskUsageEntry::Kind kind : kKinds) {
    std::size_t count = 0;
    std::uint64_t size = 0;
    std::uint64_t in_use = 0;
    for (const DiskUsageEntry& entry : entries) {
      if (entry.kind == kind) {
        ++count;
        size += static_cast<std::uint64_t>(entry.size);
        in_use += entry.in_use ? static_cast<std::uint64_t>(entry.size) : 0;
      }
    }
    total += size;
    PrintTo(out, "{:<14}{:>8}{:>12}{:>12}\n", NameOf(kind), count, HumanBytes(size), HumanBytes(in_use));
  }
  PrintTo(out, "{:<14}{:>8}{:>12}\n", "total", entries.size(), HumanBytes(total));
  if (!verbose) {
    return;
  }
  PrintTo(out, "\n{:<14}{:<24}{:>10}{:>6}  {}\n", "KIND", "ID", "SIZE", "USES", "DESCRIPTION");
  for (const DiskUsageEntry& entry : entries) {
    PrintTo(out, "{:<14}{:<24}{:>10}{:>6}  {}{}\n", NameOf(entry.kind), entry.id.substr(0, 22),
            HumanBytes(static_cast<std::uint64_t>(entry.size)), entry.usage_count, entry.description,
            entry.in_use ? " (in use)" : "");
  }
}

Exit Run(Context& context, const Flags& flags) {
  const std::string format = flags.Has("format") ? flags.String("format") : "text";
  if (format != "text" && format != "json") {
    return UsageError(context, kDuCommand,
                      Error(ErrorCode::kInvalidArgument, fmt::format("`--format={}`: expected text or json", format)));
  }
  const auto engine = OpenEngine(context, flags);
  if (!engine) {
    PrintError(context, engine.error());
    return Exit::kFailed;
  }
  const auto entries = (*engine)->DiskUsage();
  if (!entries) {
    PrintError(context, entries.error());
    return Exit::kFailed;
  }
  if (format == "json") {
    PrintJson(context.out, *entries);
  } else {
    PrintText(context.out, *entries, flags.Bool("verbose"));
  }
  return Exit::kOk;
}

}  // namespace

const Command kDuCommand = {
    .name = "du", .summary = "show what takes space", .usage = "loam du [FLAGS]", .flags = kFlags, .run = Run};

}  // namespace loam::cli
