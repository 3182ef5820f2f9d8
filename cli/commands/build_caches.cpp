#include "cli/commands/build_caches.h"

#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/csv.h"
#include "base/print.h"
#include "base/strings.h"
#include "runtime-executor/content/layout_index.h"

namespace loam::cli {
namespace {

constexpr const char* kManifestKey = "cache.manifest";
constexpr const char* kDefaultTag = "latest";

Result<engine::CacheEntry> ParseEntry(std::string_view flag, const std::string& text) {
  engine::CacheEntry entry;
  const auto fields = SplitCsv(text);
  if (!fields) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`--{}={}`: a quote is not closed", flag, text));
  }
  if (fields->size() == 1 && text.find('=') == std::string::npos) {
    // A name alone is an image in a registry; "inline" and the like are types.
    if (text == "inline" || text == "gha") {
      entry.type = text;
    } else {
      entry.type = "registry";
      entry.attributes["ref"] = text;
    }
    return entry;
  }
  for (const std::string& field : *fields) {
    const auto pair = SplitOnce(field, '=');
    if (!pair) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("`--{}={}`: `{}` is not of the form key=value", flag, text, field));
    }
    const std::string key = ToLowerAscii(TrimSpace(pair->first));
    (key == "type" ? entry.type : entry.attributes[key]) = std::string(pair->second);
  }
  if (entry.type.empty()) {
    return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`--{}={}` has no type", flag, text))
                          .WithHint("types: registry, local, inline, gha, s3, azblob"));
  }
  return entry;
}

// What clients of services take from their surroundings.
void AddEnvironment(const Context& context, engine::CacheEntry& entry) {
  const auto take = [&](const char* attribute, const char* variable) {
    if (const std::string value = context.Env(variable); !value.empty()) {
      entry.attributes.try_emplace(attribute, value);
    }
  };
  if (entry.type == "gha") {
    take("url_v2", "ACTIONS_RESULTS_URL");
    take("url", "ACTIONS_CACHE_URL");
    take("token", "ACTIONS_RUNTIME_TOKEN");
    take("repository", "GITHUB_REPOSITORY");
    if (const std::string v2 = context.Env("ACTIONS_CACHE_SERVICE_V2"); !v2.empty()) {
      entry.attributes.try_emplace("version", v2 == "0" || v2 == "false" ? "1" : "2");
    }
  } else if (entry.type == "s3") {
    take("access_key_id", "AWS_ACCESS_KEY_ID");
    take("secret_access_key", "AWS_SECRET_ACCESS_KEY");
    take("session_token", "AWS_SESSION_TOKEN");
    take("bucket", "AWS_BUCKET");
    take("region", "AWS_REGION");
  } else if (entry.type == "azblob") {
    take("account_url", "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL");
    take("container", "BUILDKIT_AZURE_STORAGE_CONTAINER");
    take("secret_access_key", "BUILDKIT_AZURE_STORAGE_SECRET_ACCESS_KEY");
  }
}

std::string TakeAttribute(engine::CacheEntry& entry, const std::string& name, const std::string& fallback) {
  const auto found = entry.attributes.find(name);
  if (found == entry.attributes.end()) {
    return fallback;
  }
  std::string value = std::move(found->second);
  entry.attributes.erase(found);
  return value;
}

// The layout under which the engine finds the directory.
void OfferDirectory(const std::string& directory, session::LocalClientOptions& client) {
  client.oci_layouts["local:" + directory] = directory;
}

}  // namespace

Result<BuildCaches> ParseBuildCaches(const Context& context, const Flags& flags, session::LocalClientOptions& client) {
  BuildCaches caches;
  for (const std::string& text : flags.List("cache-from")) {
    engine::CacheEntry entry = LOAM_TRY(ParseEntry("cache-from", text));
    AddEnvironment(context, entry);
    if (entry.type == "local") {
      const std::string tag = TakeAttribute(entry, "tag", kDefaultTag);
      const std::string directory = entry.attributes["src"];
      if (directory.empty()) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`--cache-from={}` needs `src=DIRECTORY`", text));
      }
      if (!entry.attributes.contains("digest")) {
        const Result<Digest> digest = content::FindInLayout(directory, tag);
        if (!digest) {
          PrintTo(context.err, "note: no cache is imported: {}\n", digest.error().message());
          continue;
        }
        entry.attributes["digest"] = digest->ToString();
      }
      OfferDirectory(directory, client);
    }
    caches.imports.push_back(std::move(entry));
  }
  for (const std::string& text : flags.List("cache-to")) {
    engine::CacheEntry entry = LOAM_TRY(ParseEntry("cache-to", text));
    AddEnvironment(context, entry);
    if (entry.type == "inline") {
      caches.inline_cache = true;
      continue;
    }
    BuildCaches::Export target;
    if (entry.type == "local") {
      target.index = BuildCaches::LocalIndex{entry.attributes["dest"], TakeAttribute(entry, "tag", kDefaultTag)};
      if (target.index->directory.empty()) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`--cache-to={}` needs `dest=DIRECTORY`", text));
      }
      OfferDirectory(target.index->directory, client);
    }
    target.entry = std::move(entry);
    caches.exports.push_back(std::move(target));
  }
  // The older way to ask for an inline cache.
  for (const std::string& argument : flags.List("build-arg")) {
    caches.inline_cache =
        caches.inline_cache || argument == "BUILDKIT_INLINE_CACHE=1" || argument == "BUILDKIT_INLINE_CACHE=true";
  }
  return caches;
}

Result<> NameLocalCache(const BuildCaches::LocalIndex& index, const std::map<std::string, std::string>& response) {
  const auto manifest = response.find(kManifestKey);
  if (manifest == response.end()) {
    return {};  // nothing to keep
  }
  const auto parsed = nlohmann::json::parse(manifest->second, nullptr, false);
  content::Descriptor descriptor = LOAM_TRY(content::ParseDescriptor(parsed));
  return content::NameInLayout(index.directory, std::move(descriptor), index.tag);
}

}  // namespace loam::cli
