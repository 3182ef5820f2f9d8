#include "language-server/features/image_hover.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "language-server/features/markdown.h"

namespace loam::lsp {
namespace {

std::string ConfigFacts(const std::string& config) {
  const auto json = nlohmann::json::parse(config, nullptr, false);
  if (!json.is_object() || !json.contains("config") || !json["config"].is_object()) {
    return {};
  }
  std::string text;
  const auto& inner = json["config"];
  for (const char* key : {"Entrypoint", "Cmd", "WorkingDir", "User", "ExposedPorts", "Env"}) {
    if (inner.contains(key) && !inner[key].empty() && inner[key] != "") {
      const std::string value = inner[key].is_string()
                                    ? inner[key].get<std::string>()
                                    : inner[key].dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      text += fmt::format("\n- {}: {}", key, InlineCode(value));
    }
  }
  return text;
}

}  // namespace

std::string ImageMarkdown(const ImageFacts& facts) {
  std::string text = fmt::format("**{}**\n\n- digest: `{}`", facts.name, facts.digest);
  if (!facts.platforms.empty()) {
    text += fmt::format("\n- platforms: {}", Join(facts.platforms, ", "));
  }
  if (facts.size > 0) {
    text += fmt::format("\n- size: {}", HumanBytes(facts.size));
  }
  return text + ConfigFacts(facts.config);
}

}  // namespace loam::lsp
