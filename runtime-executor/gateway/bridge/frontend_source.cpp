#include "runtime-executor/gateway/bridge/frontend_source.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/image_reference.h"
#include "base/platform.h"
#include "llb-emit/image_source.h"

namespace loam::gateway {
namespace {

using nlohmann::json;

constexpr std::string_view kImageScheme = "docker-image://";
constexpr std::string_view kInputScheme = "input:";

std::vector<std::string> Strings(const json& config, const char* key) {
  std::vector<std::string> strings;
  if (const auto found = config.find(key); found != config.end() && found->is_array()) {
    for (const json& item : *found) {
      if (item.is_string()) {
        strings.push_back(item.get<std::string>());
      }
    }
  }
  return strings;
}

void ReadConfig(const std::string& text, FrontendSource& source) {
  const json document = json::parse(text, nullptr, false);
  const json config = document.is_object() ? document.value("config", json::object()) : json::object();
  if (!config.is_object()) {
    return;
  }
  if (config.contains("Entrypoint") && config["Entrypoint"].is_array()) {
    source.args = Strings(config, "Entrypoint");
  }
  source.env = Strings(config, "Env");
  if (const auto cwd = config.find("WorkingDir"); cwd != config.end() && cwd->is_string() && !cwd->empty()) {
    source.cwd = cwd->get<std::string>();
  }
  if (const auto labels = config.find("Labels"); labels != config.end() && labels->is_object()) {
    for (const auto& [name, value] : labels->items()) {
      if (value.is_string()) {
        source.labels[name] = value.get<std::string>();
      }
    }
  }
}

std::string OptionOr(const std::map<std::string, std::string>& options, const std::string& name) {
  const auto found = options.find(name);
  return found == options.end() ? std::string() : found->second;
}

}  // namespace

Result<FrontendSource> ResolveFrontendSource(engine::Job& job, const std::map<std::string, std::string>& options,
                                             const std::map<std::string, std::string>& inputs, std::stop_token stop) {
  const std::string name = OptionOr(options, "source");
  if (name.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "no source specified for gateway");
  }
  FrontendSource source;
  source.args = {"/run"};
  source.cwd = "/";
  ImageReference reference = LOAM_TRY_CONTEXT("frontend", ParseImageReference(name));
  std::string elsewhere = OptionOr(options, "context:" + name);
  if (elsewhere.empty()) {
    elsewhere = OptionOr(options, "context:" + reference.WithDefaultTag().Familiar());
  }
  if (elsewhere.starts_with(kInputScheme)) {
    const auto input = inputs.find(elsewhere.substr(kInputScheme.size()));
    if (input == inputs.end()) {
      return Unexpected(ErrorCode::kNotFound,
                        fmt::format("the frontend {} is {}, which was not given", name, elsewhere));
    }
    source.definition = input->second;
    // The image config lies in it as base64, as all metadata does.
    const json metadata = json::parse(OptionOr(options, "input-metadata:" + input->first), nullptr, false);
    if (metadata.is_object() && metadata.contains("containerimage.config") &&
        metadata["containerimage.config"].is_string()) {
      ReadConfig(Base64Decode(metadata["containerimage.config"].get<std::string>()).value_or(""), source);
    }
    return source;
  }
  if (elsewhere.starts_with(kImageScheme)) {
    reference = LOAM_TRY_CONTEXT("frontend", ParseImageReference(elsewhere.substr(kImageScheme.size())));
  } else if (!elsewhere.empty()) {
    return Unexpected(ErrorCode::kUnimplemented,
                      fmt::format("the frontend {} cannot come from {}: only images and inputs can", name, elsewhere));
  }
  engine::ImageRequest request;
  request.ref = reference.WithDefaultTag().ToString();
  request.platform = HostPlatform();
  request.log_name = "resolve image config for docker-image://" + request.ref;
  const engine::ResolvedImage image = LOAM_TRY(job.ResolveImage(request, stop));
  source.definition = llb::ImageDefinition(image.pinned_ref, HostPlatform()).SerializeAsString();
  ReadConfig(image.config, source);
  return source;
}

}  // namespace loam::gateway
