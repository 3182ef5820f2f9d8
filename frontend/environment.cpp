#include "frontend/environment.h"

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/platform.h"

namespace loam::frontend {
namespace {

constexpr std::string_view kOption = "BUILDKIT_FRONTEND_OPT_";
constexpr std::string_view kSession = "BUILDKIT_SESSION_ID=";
constexpr std::string_view kWorkers = "BUILDKIT_WORKERS=";

std::string FirstPlatform(std::string_view text) {
  const nlohmann::json workers = nlohmann::json::parse(text, nullptr, false);
  const auto at = [](const nlohmann::json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() ? *found : nlohmann::json();
  };
  if (!workers.is_array() || workers.empty()) {
    return {};
  }
  // Old daemons (0.8) write the name with a capital.
  nlohmann::json platforms = at(workers[0], "platforms");
  if (platforms.is_null()) {
    platforms = at(workers[0], "Platforms");
  }
  if (!platforms.is_array() || platforms.empty()) {
    return {};
  }
  const auto text_of = [&](const char* key) {
    const nlohmann::json value = at(platforms[0], key);
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  return FormatPlatformAll(
      NormalizePlatform({text_of("os"), text_of("architecture"), text_of("variant"), text_of("os.version"), {}}));
}

}  // namespace

Environment ReadEnvironment(const char* const* environ) {
  Environment made;
  for (; environ != nullptr && *environ != nullptr; ++environ) {
    std::string_view item = *environ;
    if (item.starts_with(kOption)) {
      item.remove_prefix(std::min(item.size(), item.find('=') + 1));
      const std::size_t equals = item.find('=');
      made.options.emplace(item.substr(0, equals),
                           equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1));
    } else if (item.starts_with(kSession)) {
      made.session_id = item.substr(kSession.size());
    } else if (item.starts_with(kWorkers)) {
      made.build_platform = FirstPlatform(item.substr(kWorkers.size()));
    }
  }
  return made;
}

}  // namespace loam::frontend
