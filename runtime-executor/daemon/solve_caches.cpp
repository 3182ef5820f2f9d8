#include "runtime-executor/daemon/solve_caches.h"

#include <algorithm>

#include "base/strings.h"
#include "proto/api/services/control/control.pb.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;

constexpr const char* kCacheFrom = "cache-from";

void AddOnce(std::vector<engine::CacheEntry>& entries, engine::CacheEntry entry) {
  const auto same = [&](const engine::CacheEntry& other) {
    return other.type == entry.type && other.attributes == entry.attributes;
  };
  if (std::none_of(entries.begin(), entries.end(), same)) {
    entries.push_back(std::move(entry));
  }
}

engine::CacheEntry EntryOf(const control::CacheOptionsEntry& entry) {
  return {entry.type(), {entry.attrs().begin(), entry.attrs().end()}};
}

engine::CacheEntry RegistryEntry(std::string_view ref) {
  return {"registry", {{"ref", std::string(ref)}}};
}

}  // namespace

Result<SolveCaches> ReadSolveCaches(const control::SolveRequest& request) {
  SolveCaches caches;
  const control::CacheOptions& options = request.cache();
  for (const control::CacheOptionsEntry& entry : options.exports()) {
    if (entry.type().empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "invalid cache export: no type");
    }
    if (entry.type() == "inline") {
      caches.inline_cache = true;
      continue;
    }
    AddOnce(caches.exports, EntryOf(entry));
  }
  if (!options.exportrefdeprecated().empty()) {
    engine::CacheEntry entry = RegistryEntry(options.exportrefdeprecated());
    for (const auto& [key, value] : options.exportattrsdeprecated()) {
      entry.attributes[key] = value;
    }
    AddOnce(caches.exports, std::move(entry));
  }
  for (const control::CacheOptionsEntry& entry : options.imports()) {
    AddOnce(caches.imports, EntryOf(entry));
  }
  for (const std::string& ref : options.importrefsdeprecated()) {
    AddOnce(caches.imports, RegistryEntry(ref));
  }
  if (const auto from = request.frontendattrs().find(kCacheFrom); from != request.frontendattrs().end()) {
    for (const std::string_view ref : Split(from->second, ',')) {
      if (!ref.empty()) {
        AddOnce(caches.imports, RegistryEntry(ref));
      }
    }
  }
  return caches;
}

}  // namespace loam::daemon
