#include "runtime-executor/exporter/image_config.h"

#include <fmt/format.h>
#include <charconv>
#include <compare>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/go_json.h"
#include "base/json_nesting.h"
#include "base/rfc3339.h"

#include "base/clock.h"

namespace loam::exporter {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t kMaxNesting = 1000;
constexpr std::string_view kHistoryComment = "buildkit.exporter.image.v0";
constexpr std::string_view kUnknownMaker = "created by buildkit";

tl::unexpected<Error> Invalid(std::string message) {
  return Unexpected(ErrorCode::kInvalidArgument, "image config: " + std::move(message));
}

Result<Instant> ParseInstant(std::string_view text) {
  return LOAM_TRY_CONTEXT("image config", ParseRfc3339(text));
}

std::string FormatSeconds(std::int64_t seconds) {
  const auto time = std::chrono::sys_seconds(std::chrono::seconds(seconds));
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

Result<ordered_json> ParseObject(std::string_view text) {
  if (JsonNestsDeeperThan(text, kMaxNesting)) {
    return Invalid("nested too deeply");
  }
  ordered_json value = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_null()) {
    return Invalid("invalid null image config for export");
  }
  if (!value.is_object()) {
    return Invalid("not a JSON object");
  }
  return value;
}

struct HistoryEntry {
  std::optional<std::string> created;
  std::string created_by;
  std::string author;
  std::string comment;
  bool empty_layer = false;
  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};

Result<std::string> StringOf(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return std::string();
  }
  if (!found->is_string()) {
    return Invalid(fmt::format("`{}` is not a string", key));
  }
  return found->get<std::string>();
}

Result<std::vector<HistoryEntry>> HistoryOf(const ordered_json& config) {
  std::vector<HistoryEntry> history;
  const auto found = config.find("history");
  if (found == config.end() || found->is_null()) {
    return history;
  }
  if (!found->is_array()) {
    return Invalid("`history` is not an array");
  }
  for (const ordered_json& item : *found) {
    if (!item.is_object()) {
      return Invalid("`history` has an element that is not an object");
    }
    HistoryEntry entry;
    std::string created = LOAM_TRY(StringOf(item, "created"));
    if (!created.empty()) {
      LOAM_TRY(ParseInstant(created));
      entry.created = std::move(created);
    }
    entry.created_by = LOAM_TRY(StringOf(item, "created_by"));
    entry.author = LOAM_TRY(StringOf(item, "author"));
    entry.comment = LOAM_TRY(StringOf(item, "comment"));
    const auto empty_layer = item.find("empty_layer");
    entry.empty_layer = empty_layer != item.end() && empty_layer->is_boolean() && empty_layer->get<bool>();
    history.push_back(std::move(entry));
  }
  return history;
}

ordered_json ToJson(const std::vector<HistoryEntry>& history) {
  ordered_json array = ordered_json::array();
  for (const HistoryEntry& entry : history) {
    ordered_json item = ordered_json::object();
    if (entry.created) {
      item["created"] = *entry.created;
    }
    if (!entry.created_by.empty()) {
      item["created_by"] = entry.created_by;
    }
    if (!entry.author.empty()) {
      item["author"] = entry.author;
    }
    if (!entry.comment.empty()) {
      item["comment"] = entry.comment;
    }
    if (entry.empty_layer) {
      item["empty_layer"] = true;
    }
    array.push_back(std::move(item));
  }
  return array;
}

// One entry with a layer for every layer, and a time for every entry.
void MatchHistoryToLayers(std::vector<HistoryEntry>& history, const std::vector<LayerBlob>& layers) {
  std::size_t used = 0;
  for (HistoryEntry& entry : history) {
    if (!entry.empty_layer) {
      if (used == layers.size()) {
        entry.empty_layer = true;
        continue;
      }
      if (!entry.created) {
        entry.created = FormatRfc3339(layers[used].created);
      }
      ++used;
    }
  }
  for (; used < layers.size(); ++used) {
    HistoryEntry entry;
    entry.created = FormatRfc3339(layers[used].created);
    entry.created_by = layers[used].description.empty() ? std::string(kUnknownMaker) : layers[used].description;
    entry.comment = kHistoryComment;
    history.push_back(std::move(entry));
  }
  // Entries without a time take that of the entry before them; those that come first take that of the first new layer.
  std::optional<std::string> created;
  bool some_without = false;
  for (const HistoryEntry& entry : history) {
    if (entry.created) {
      created = entry.created;
      if (some_without) {
        break;
      }
    } else {
      some_without = true;
    }
  }
  some_without = false;
  for (HistoryEntry& entry : history) {
    if (!entry.created) {
      some_without = true;
      entry.created = created;
    } else if (some_without) {
      created = entry.created;
    }
  }
}

Result<> ClampHistory(std::vector<HistoryEntry>& history, const std::vector<HistoryEntry>& base, std::int64_t epoch) {
  bool in_base = true;
  for (std::size_t i = 0; i < history.size(); ++i) {
    in_base = in_base && i < base.size() && history[i] == base[i];
    if (in_base) {
      continue;
    }
    if (!history[i].created || LOAM_TRY(ParseInstant(*history[i].created)) > Instant{epoch, 0}) {
      history[i].created = FormatSeconds(epoch);
    }
  }
  return {};
}

ordered_json MinimalConfig(const Platform& platform) {
  ordered_json config = {{"architecture", platform.architecture},
                         {"os", platform.os},
                         {"config", {{"Env", {kDefaultPath}}, {"WorkingDir", "/"}}}};
  if (!platform.variant.empty()) {
    config["variant"] = platform.variant;
  }
  return config;
}

}  // namespace

Result<std::vector<Digest>> DiffIdsOf(std::string_view image_config) {
  std::vector<Digest> diff_ids;
  if (image_config.empty()) {
    return diff_ids;
  }
  const ordered_json config = LOAM_TRY(ParseObject(image_config));
  const auto rootfs = config.find("rootfs");
  if (rootfs == config.end() || !rootfs->is_object()) {
    return diff_ids;
  }
  const auto list = rootfs->find("diff_ids");
  if (list == rootfs->end() || !list->is_array()) {
    return diff_ids;
  }
  for (const ordered_json& item : *list) {
    if (!item.is_string()) {
      return Invalid("`diff_ids` has an element that is not a string");
    }
    diff_ids.push_back(LOAM_TRY_CONTEXT("image config", Digest::Parse(item.get<std::string>())));
  }
  return diff_ids;
}

Result<std::string> CompleteImageConfig(std::string_view image_config, std::string_view base_image_config,
                                        const Platform& platform, const std::vector<LayerBlob>& layers,
                                        std::optional<std::int64_t> epoch, std::string_view inline_cache) {
  ordered_json config = image_config.empty() ? MinimalConfig(platform) : LOAM_TRY(ParseObject(image_config));
  for (const char* needed : {"os", "architecture"}) {
    const std::string value = LOAM_TRY(StringOf(config, needed));
    if (value.empty()) {
      return Invalid(fmt::format("no `{}`", needed));
    }
  }
  std::vector<HistoryEntry> history = LOAM_TRY(HistoryOf(config));
  MatchHistoryToLayers(history, layers);
  if (epoch) {
    std::vector<HistoryEntry> base_history;
    if (!base_image_config.empty()) {
      const ordered_json base = LOAM_TRY_CONTEXT("base image", ParseObject(base_image_config));
      base_history = LOAM_TRY_CONTEXT("base image", HistoryOf(base));
    }
    LOAM_TRY(ClampHistory(history, base_history, *epoch));
  }

  // Sorted, as a Go map is printed.
  std::map<std::string, ordered_json> members;
  for (const auto& [key, value] : config.items()) {
    members[key] = value;
  }
  ordered_json rootfs = {{"type", "layers"}};
  rootfs["diff_ids"] = ordered_json::array();
  for (const LayerBlob& layer : layers) {
    rootfs["diff_ids"].push_back(layer.diff_id.ToString());
  }
  members["rootfs"] = std::move(rootfs);
  members["history"] = ToJson(history);
  if (!inline_cache.empty()) {
    members["moby.buildkit.cache.v0"] = Base64Encode(inline_cache);
  }
  const std::string created = LOAM_TRY(StringOf(config, "created"));
  if (!created.empty()) {
    if (epoch && LOAM_TRY(ParseInstant(created)) > Instant{*epoch, 0}) {
      members["created"] = FormatSeconds(*epoch);
    }
  } else {
    members["created"] = nullptr;
    for (const HistoryEntry& entry : history) {
      if (entry.created) {
        members["created"] = *entry.created;
      }
    }
  }
  ordered_json result = ordered_json::object();
  for (auto& [key, value] : members) {
    result[key] = std::move(value);
  }
  return EscapeLikeGo(result.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace loam::exporter
