#include "runtime-executor/cache/remote/cache_config.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace loam::cache {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// Go prints a time without value so.
constexpr std::string_view kNoTime = "0001-01-01T00:00:00Z";

std::string TimeText(const std::string& time) {
  return time.empty() ? std::string(kNoTime) : time;
}

ordered_json LayerJson(const CacheLayer& layer) {
  ordered_json object = {{"blob", layer.blob.ToString()}};
  if (layer.parent != 0) {
    object["parent"] = layer.parent;
  }
  if (layer.description) {
    ordered_json& description = object["annotations"];
    if (!layer.description->media_type.empty()) {
      description["mediaType"] = layer.description->media_type;
    }
    if (!layer.description->diff_id.empty()) {
      description["diffID"] = layer.description->diff_id.ToString();
    }
    if (layer.description->size != 0) {
      description["size"] = layer.description->size;
    }
    description["createdAt"] = TimeText(layer.description->created);
  }
  return object;
}

ordered_json RecordJson(const CacheConfig::Record& record) {
  ordered_json object = ordered_json::object();
  for (const CacheConfig::LayerResult& result : record.results) {
    object["layers"].push_back({{"layer", result.layer}, {"createdAt", TimeText(result.created)}});
  }
  for (const CacheConfig::ChainResult& chain : record.chains) {
    object["chains"].push_back({{"layers", chain.layers}, {"createdAt", TimeText(chain.created)}});
  }
  object["digest"] = record.digest.ToString();
  for (const std::vector<CacheConfig::Input>& input : record.inputs) {
    ordered_json links = ordered_json::array();
    for (const CacheConfig::Input& link : input) {
      ordered_json entry = ordered_json::object();
      if (!link.selector.empty()) {
        entry["selector"] = link.selector.ToString();
      }
      entry["link"] = link.link;
      links.push_back(std::move(entry));
    }
    object["inputs"].push_back(std::move(links));
  }
  return object;
}

ordered_json RecordsJson(const CacheConfig& config) {
  ordered_json records = ordered_json::array();
  for (const CacheConfig::Record& record : config.records) {
    records.push_back(RecordJson(record));
  }
  return records;
}

class Parser {
 public:
  explicit Parser(CacheConfig& config) : config_(config) {}

  Result<> Layers(const json& list) {
    if (list.is_null()) {
      return {};
    }
    if (!list.is_array()) {
      return Bad("`layers` is no list");
    }
    for (const json& entry : list) {
      CacheLayer layer;
      layer.blob = LOAM_TRY(DigestMember(entry, "blob"));
      layer.parent = LOAM_TRY(Integer(entry, "parent", 0));
      if (layer.parent >= static_cast<std::int64_t>(list.size())) {
        return Bad("a layer lies on one that is not there");
      }
      if (entry.contains("annotations") && entry["annotations"].is_object()) {
        const json& from = entry["annotations"];
        CacheLayer::Description& description = layer.description.emplace();
        description.media_type = LOAM_TRY(Text(from, "mediaType"));
        if (from.contains("diffID")) {
          description.diff_id = LOAM_TRY(DigestMember(from, "diffID"));
        }
        description.size = LOAM_TRY(Integer(from, "size", 0));
        description.created = LOAM_TRY(Time(from));
      }
      config_.layers.push_back(std::move(layer));
    }
    return {};
  }

  Result<> Records(const json& list, std::size_t layer_count) {
    if (list.is_null()) {
      return {};
    }
    if (!list.is_array()) {
      return Bad("`records` is no list");
    }
    for (const json& entry : list) {
      CacheConfig::Record record;
      record.digest = DigestOrNone(LOAM_TRY(Text(entry, "digest")));
      for (const json& input : Members(entry, "inputs")) {
        if (!input.is_array() || input.empty()) {
          return Bad("an input of a record is empty");
        }
        std::vector<CacheConfig::Input>& links = record.inputs.emplace_back();
        for (const json& link : input) {
          const std::string selector = LOAM_TRY(Text(link, "selector"));
          CacheConfig::Input parsed;
          parsed.selector = DigestOrNone(selector);
          parsed.link = LOAM_TRY(Index(link, "link", list.size()));
          if (!selector.empty() && parsed.selector.empty()) {
            continue;  // a selector that nothing here can ask for
          }
          links.push_back(parsed);
        }
      }
      for (const json& result : Members(entry, "layers")) {
        record.results.push_back({LOAM_TRY(Index(result, "layer", layer_count)), LOAM_TRY(Time(result))});
      }
      for (const json& chain : Members(entry, "chains")) {
        CacheConfig::ChainResult& parsed = record.chains.emplace_back();
        parsed.created = LOAM_TRY(Time(chain));
        for (const json& layer : Members(chain, "layers")) {
          if (!layer.is_number_unsigned() || layer.get<std::size_t>() >= layer_count) {
            return Bad("a record names a layer that is not there");
          }
          parsed.layers.push_back(layer.get<std::size_t>());
        }
      }
      config_.records.push_back(std::move(record));
    }
    return {};
  }

  static Error BadError(std::string_view what) {
    return {ErrorCode::kInvalidArgument, fmt::format("this is no build cache: {}", what)};
  }

 private:
  static tl::unexpected<Error> Bad(std::string_view what) { return tl::unexpected(BadError(what)); }

  static json Members(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_array() ? *found : json::array();
  }
  static Result<std::string> Text(const json& object, const char* name) {
    if (!object.is_object()) {
      return Bad("an entry is no object");
    }
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) {
      return std::string();
    }
    if (!found->is_string()) {
      return Bad(fmt::format("`{}` is no text", name));
    }
    return found->get<std::string>();
  }
  static Result<std::int64_t> Integer(const json& object, const char* name, std::int64_t fallback) {
    const auto found = object.find(name);
    if (found == object.end()) {
      return fallback;
    }
    if (!found->is_number_integer()) {
      return Bad(fmt::format("`{}` is no number", name));
    }
    return found->get<std::int64_t>();
  }
  static Result<std::size_t> Index(const json& object, const char* name, std::size_t count) {
    if (!object.is_object()) {
      return Bad("an entry is no object");
    }
    const std::int64_t index = LOAM_TRY(Integer(object, name, 0));
    if (index < 0 || static_cast<std::size_t>(index) >= count) {
      return Bad(fmt::format("`{}` {} is not there", name, index));
    }
    return static_cast<std::size_t>(index);
  }
  static Result<Digest> DigestMember(const json& object, const char* name) {
    return LOAM_TRY_CONTEXT("this is no build cache", Digest::Parse(LOAM_TRY(Text(object, name))));
  }
  static Digest DigestOrNone(const std::string& text) {
    Result<Digest> digest = Digest::Parse(text);
    return digest ? *digest : Digest();
  }
  static Result<std::string> Time(const json& object) {
    std::string time = LOAM_TRY(Text(object, "createdAt"));
    return time == kNoTime ? std::string() : time;
  }

  CacheConfig& config_;
};

}  // namespace

std::string PrintCacheConfig(const CacheConfig& config) {
  ordered_json object = ordered_json::object();
  for (const CacheLayer& layer : config.layers) {
    object["layers"].push_back(LayerJson(layer));
  }
  if (!config.records.empty()) {
    object["records"] = RecordsJson(config);
  }
  return object.dump();
}

std::string PrintCacheRecords(const CacheConfig& config) {
  return RecordsJson(config).dump();
}

Result<CacheConfig> ParseCacheConfig(std::string_view text) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) {
    return tl::unexpected(Parser::BadError("it is no JSON object"));
  }
  CacheConfig config;
  Parser parser(config);
  LOAM_TRY(parser.Layers(parsed.value("layers", json())));
  LOAM_TRY(parser.Records(parsed.value("records", json()), config.layers.size()));
  return config;
}

Result<CacheConfig> ParseCacheRecords(std::string_view text, std::size_t layer_count) {
  const json parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded()) {
    return tl::unexpected(Parser::BadError("it is no JSON"));
  }
  CacheConfig config;
  LOAM_TRY(Parser(config).Records(parsed, layer_count));
  return config;
}

}  // namespace loam::cache
