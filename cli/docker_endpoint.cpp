#include "cli/docker_endpoint.h"

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file_system.h"

namespace loam::cli {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDefaultHost = "unix:///var/run/docker.sock";
// Where certificates are needed, docker's own program knows them.
constexpr std::string_view kByDockersClient = "docker-context://";

Result<Json> ReadJson(const std::string& path) {
  const auto text = LOAM_TRY(ReadFileIfExists(path));
  Json json = text ? Json::parse(*text, nullptr, false) : Json::object();
  if (!json.is_object()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} is no JSON object", path));
  }
  return json;
}

}  // namespace

Result<std::string> DockerEndpoint(const Context& context) {
  if (std::string host = context.Env("DOCKER_HOST"); !host.empty()) {
    if (host.starts_with("tcp://") && !context.Env("DOCKER_TLS_VERIFY").empty()) {
      return std::string(kByDockersClient);
    }
    return host;
  }
  std::string directory = context.Env("DOCKER_CONFIG");
  if (directory.empty()) {
    directory = context.Env("HOME") + "/.docker";
  }
  std::string name = context.Env("DOCKER_CONTEXT");
  if (name.empty()) {
    const Json config = LOAM_TRY(ReadJson(directory + "/config.json"));
    const auto current = config.find("currentContext");
    name = current != config.end() && current->is_string() ? current->get<std::string>() : std::string();
  }
  if (name.empty() || name == "default") {
    return std::string(kDefaultHost);
  }
  const std::string id = Digest::Of(name).Hex();
  const Json meta = LOAM_TRY(ReadJson(fmt::format("{}/contexts/meta/{}/meta.json", directory, id)));
  const Json host = meta.value(Json::json_pointer("/Endpoints/docker/Host"), Json());
  if (!host.is_string()) {
    return Unexpected(Error(ErrorCode::kNotFound, fmt::format("there is no docker context `{}`", name))
                          .WithHint("`docker context ls` lists them"));
  }
  if (::access(fmt::format("{}/contexts/tls/{}/docker", directory, id).c_str(), F_OK) == 0) {
    return std::string(kByDockersClient) + name;
  }
  return host.get<std::string>();
}

}  // namespace loam::cli
