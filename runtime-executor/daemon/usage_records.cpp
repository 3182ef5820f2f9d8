#include "runtime-executor/daemon/usage_records.h"

#include "base/strings.h"
#include "runtime-executor/daemon/wire_time.h"

namespace loam::daemon {
namespace {

std::optional<std::string> Flag(bool set) {
  return set ? std::optional<std::string>("") : std::nullopt;
}

std::optional<std::string> FieldOf(const engine::CacheUnit& unit, std::string_view name) {
  if (name == "id") {
    return unit.id;
  }
  if (name == "parents") {
    return unit.parents.empty() ? std::nullopt : std::optional(Join(unit.parents, ";"));
  }
  if (name == "description") {
    return unit.description.empty() ? std::nullopt : std::optional(unit.description);
  }
  if (name == "type") {
    return unit.type;
  }
  if (name == "inuse") {
    return Flag(unit.in_use);
  }
  if (name == "mutable" || name == "immutable") {
    return Flag(unit.is_mutable == (name == "mutable"));
  }
  if (name == "shared" || name == "private") {
    return Flag(unit.shared == (name == "shared"));
  }
  return std::nullopt;
}

}  // namespace

moby::buildkit::v1::UsageRecord ToUsageRecord(const engine::CacheUnit& unit) {
  moby::buildkit::v1::UsageRecord record;
  record.set_id(unit.id);
  record.set_mutable_(unit.is_mutable);
  record.set_inuse(unit.in_use);
  record.set_size(unit.size);
  for (const std::string& parent : unit.parents) {
    record.add_parents(parent);
  }
  *record.mutable_createdat() = ToWire(unit.created);
  SetTime(unit.last_used, record, &moby::buildkit::v1::UsageRecord::mutable_lastusedat);
  record.set_usagecount(unit.usage_count);
  record.set_description(unit.description);
  record.set_recordtype(unit.type);
  record.set_shared(unit.shared);
  return record;
}

bool Matches(const Filter& filter, const engine::CacheUnit& unit) {
  return filter.Matches([&unit](std::span<const std::string> path) { return FieldOf(unit, path[0]); });
}

Result<engine::PruneRule> ToPruneRule(const GcRule& rule) {
  Filter filter = LOAM_TRY_CONTEXT("failed to parse prune filters", Filter::Parse(rule.filters));
  engine::PruneRule result;
  if (!filter.matches_everything()) {
    result.matches = [filter = std::move(filter)](const engine::CacheUnit& unit) { return Matches(filter, unit); };
  }
  result.all = rule.all;
  result.keep_duration = rule.keep_duration;
  result.reserved = rule.reserved;
  result.max_used = rule.max_used;
  result.min_free = rule.min_free;
  return result;
}

}  // namespace loam::daemon
