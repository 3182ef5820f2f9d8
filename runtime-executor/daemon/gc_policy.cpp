#include "runtime-executor/daemon/gc_policy.h"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::daemon {
namespace {

using std::chrono::hours;

constexpr std::int64_t kMega = 1'000'000;
constexpr std::int64_t kGiga = 1'000'000'000;
constexpr std::int64_t kUnknownDisk = 2 * kGiga;
// Without settings: a tenth of the disk is kept, at most 10 GB; four fifths may be used, at most 100 GB; a fifth stays
// free.
constexpr std::int64_t kReservePercent = 10;
constexpr std::int64_t kReserveBytes = 10 * kGiga;
constexpr std::int64_t kMaxPercent = 80;
constexpr std::int64_t kMaxBytes = 100 * kGiga;
constexpr std::int64_t kFreePercent = 20;
// What is easily had again: contexts, cache mounts, checkouts.
constexpr std::int64_t kReproducible = 512 * kMega;
constexpr hours kReproducibleAge{48};
constexpr hours kAge{24 * 60};

template <class T>
std::optional<T> Number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

DiskSpace AtMost(std::int64_t percent, std::int64_t bytes, std::int64_t disk_total) {
  const DiskSpace part{0, percent};
  return part.Bytes(disk_total) > bytes ? DiskSpace{bytes, 0} : part;
}

std::vector<GcRuleSetting> DefaultPolicy(GcSettings settings, std::int64_t disk_total) {
  if (!settings.reserved.is_set() && !settings.max_used.is_set() && !settings.min_free.is_set()) {
    settings.reserved = AtMost(kReservePercent, kReserveBytes, disk_total);
    settings.min_free = {0, kFreePercent};
    settings.max_used = AtMost(kMaxPercent, kMaxBytes, disk_total);
  }
  GcRuleSetting reproducible;
  reproducible.filters = {"type==source.local", "type==exec.cachemount", "type==source.git.checkout"};
  reproducible.keep_duration = kReproducibleAge;
  reproducible.max_used = {kReproducible, 0};
  GcRuleSetting limits;
  limits.reserved = settings.reserved;
  limits.max_used = settings.max_used;
  limits.min_free = settings.min_free;
  GcRuleSetting old = limits;
  old.keep_duration = kAge;
  GcRuleSetting internal = limits;
  internal.all = true;
  return {reproducible, old, limits, internal};
}

struct Unit {
  std::string_view name;
  double nanoseconds;
};
// Longer names before those that begin like them.
constexpr std::array<Unit, 8> kUnits = {
    {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};

}  // namespace

std::int64_t DiskSpace::Bytes(std::int64_t disk_total) const {
  if (bytes != 0 || percent == 0) {
    return bytes;
  }
  if (disk_total == 0) {
    return kUnknownDisk;
  }
  const std::int64_t part = disk_total / 100 * percent;
  return ((part >> 30) + 1) * kGiga;
}

Result<DiskSpace> ParseDiskSpace(std::string_view text) {
  const std::string_view trimmed = TrimSpace(text);
  if (trimmed.empty()) {
    return DiskSpace();
  }
  if (trimmed.ends_with('%')) {
    const auto percent = Number<std::int64_t>(trimmed.substr(0, trimmed.size() - 1));
    if (percent && *percent >= 0) {
      return DiskSpace{0, *percent};
    }
  } else {
    const std::size_t digits = trimmed.find_first_not_of("0123456789.");
    std::string unit = ToLowerAscii(TrimSpace(trimmed.substr(std::min(digits, trimmed.size()))));
    // "k", "kb" and "kib" are the same.
    if (unit.size() > 1 && unit.ends_with('b')) {
      unit.pop_back();
    }
    if (unit.size() > 1 && unit.ends_with('i')) {
      unit.pop_back();
    }
    const std::size_t power = unit.empty() || unit == "b" ? 0 : std::string_view("bkmgtp").find(unit);
    const auto number = Number<double>(trimmed.substr(0, digits));
    if (number && (unit.empty() || (unit.size() == 1 && power != std::string_view::npos))) {
      return DiskSpace{static_cast<std::int64_t>(*number * std::pow(1024.0, static_cast<double>(power))), 0};
    }
  }
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid disk space {}", text));
}

Result<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  const auto fail = [&] { return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid duration {}", text)); };
  std::string_view rest = TrimSpace(text);
  if (rest.empty()) {
    return std::chrono::nanoseconds(0);
  }
  if (const auto seconds = Number<std::int64_t>(rest)) {
    return std::chrono::nanoseconds(std::chrono::seconds(*seconds));
  }
  double total = 0;
  while (!rest.empty()) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789."), rest.size());
    const auto number = Number<double>(rest.substr(0, digits));
    rest.remove_prefix(digits);
    const auto* const unit =
        std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& each) { return rest.starts_with(each.name); });
    if (!number || unit == kUnits.end()) {
      return fail();
    }
    total += *number * unit->nanoseconds;
    rest.remove_prefix(unit->name.size());
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

Result<> ParseKeepStorage(std::string_view text, GcSettings& settings) {
  std::array<DiskSpace, 3> spaces;
  const std::vector<std::string_view> parts = Split(text, ',');
  if (parts.size() > spaces.size()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("failed to parse storage \"{}\"", text));
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto megabytes = Number<std::int64_t>(parts[i]);
    if (!megabytes) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("failed to parse storage \"{}\"", text));
    }
    spaces.at(i).bytes = *megabytes * kMega;
  }
  settings.reserved = spaces[0];
  settings.min_free = spaces[1];
  settings.max_used = spaces[2];
  return {};
}

std::vector<GcRule> ResolveGcPolicy(const GcSettings& settings, std::int64_t disk_total) {
  if (!settings.enabled) {
    return {};
  }
  std::vector<GcRule> rules;
  for (GcRuleSetting& setting :
       settings.policy.empty() ? DefaultPolicy(settings, disk_total) : std::vector<GcRuleSetting>(settings.policy)) {
    rules.push_back({setting.all, std::move(setting.filters), setting.keep_duration, setting.reserved.Bytes(disk_total),
                     setting.max_used.Bytes(disk_total), setting.min_free.Bytes(disk_total)});
  }
  return rules;
}

}  // namespace loam::daemon
