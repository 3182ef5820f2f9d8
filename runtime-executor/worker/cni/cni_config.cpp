#include "runtime-executor/worker/cni/cni_config.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace loam::worker {
namespace {

using nlohmann::json;

// What configurations without one are of, by the specification.
constexpr const char* kOldestVersion = "0.1.0";

tl::unexpected<Error> Invalid(std::string_view source, std::string_view why) {
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{}: {}", source, why));
}

std::string TextOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<CniPlugin> PluginOf(const json& object, std::string_view source) {
  if (!object.is_object()) {
    return Invalid(source, "a plugin of the CNI network is no object");
  }
  CniPlugin plugin;
  plugin.type = TextOf(object, "type");
  // It is looked up in directories, and is no path.
  if (plugin.type.empty() || plugin.type.find('/') != std::string::npos) {
    return Invalid(source, fmt::format("`{}` is no type of a CNI plugin", plugin.type));
  }
  plugin.config = object.dump();
  return plugin;
}

}  // namespace

Result<CniConfig> ParseCniConfig(std::string_view text, std::string_view source) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) {
    return Invalid(source, "a CNI network is a JSON object");
  }
  CniConfig config;
  config.version = TextOf(parsed, "cniVersion");
  if (config.version.empty()) {
    config.version = kOldestVersion;
  }
  config.name = TextOf(parsed, "name");
  if (config.name.empty()) {
    return Invalid(source, "the CNI network has no name");
  }
  const auto plugins = parsed.find("plugins");
  if (plugins == parsed.end()) {
    config.plugins.push_back(LOAM_TRY(PluginOf(parsed, source)));
    return config;
  }
  if (!plugins->is_array() || plugins->empty()) {
    return Invalid(source, "the CNI network has no plugins");
  }
  for (const json& plugin : *plugins) {
    config.plugins.push_back(LOAM_TRY(PluginOf(plugin, source)));
  }
  return config;
}

CniConfig BridgeConfig(const std::string& bridge, const std::string& subnet, bool firewall) {
  const json range = json::array({{{"subnet", subnet}}});
  const json plugin = {{"type", "bridge"},
                       {"bridge", bridge},
                       {"isDefaultGateway", true},
                       {"ipMasq", true},
                       {"ipam", {{"type", "host-local"}, {"ranges", json::array({range})}}}};
  CniConfig config{"1.0.0", "buildkit", {{"bridge", plugin.dump()}}};
  if (firewall) {
    const json filter = {{"type", "firewall"}, {"ingressPolicy", "same-bridge"}};
    config.plugins.push_back({"firewall", filter.dump()});
  }
  return config;
}

std::string PluginInput(const CniConfig& config, const CniPlugin& plugin, const std::string& previous) {
  json input = json::parse(plugin.config);
  input["cniVersion"] = config.version;
  input["name"] = config.name;
  // Capabilities say what the caller could set; nothing is set here.
  input.erase("capabilities");
  if (!previous.empty()) {
    input["prevResult"] = json::parse(previous);
  }
  return input.dump();
}

std::string PrintCniConfig(const CniConfig& config) {
  json plugins = json::array();
  for (const CniPlugin& plugin : config.plugins) {
    plugins.push_back(json::parse(plugin.config));
  }
  return json{{"cniVersion", config.version}, {"name", config.name}, {"plugins", std::move(plugins)}}.dump();
}

}  // namespace loam::worker
