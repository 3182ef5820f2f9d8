#include "cli/commands/earthfile/load_images.h"

#include <unistd.h>

#include <fmt/format.h>

#include "runtime-executor/exporter/docker-load/docker_daemon.h"

namespace loam::cli {
namespace {

using Attributes = gateway::earthfile::DockerLoad::Attributes;

// A socket that nobody made, or that a daemon which is gone has left behind.
bool IsUnused(const std::string& endpoint, const Error& error) {
  constexpr std::string_view kUnix = "unix://";
  return endpoint.starts_with(kUnix) && (::access(endpoint.substr(kUnix.size()).c_str(), F_OK) != 0 ||
                                         error.message().find("Connection refused") != std::string::npos);
}

}  // namespace

gateway::earthfile::DockerLoad LoadSavedImages(const Context& context, const Result<std::string>& endpoint,
                                               bool required) {
  gateway::earthfile::DockerLoad load;
  load.required = required;
  std::string via = context.Env("LOAM_LOAD_VIA");
  const bool chosen = !context.Env("DOCKER_HOST").empty();
  load.find = [endpoint, required, chosen, via = std::move(via),
               stop = context.stop]() -> Result<std::optional<Attributes>> {
    const std::string host = LOAM_TRY(Result<std::string>(endpoint));
    const exporter::DockerDaemon daemon = LOAM_TRY(exporter::DockerDaemon::At(host));
    if (const auto answer = daemon.Get("/_ping", stop); !answer) {
      if (!required && !chosen && IsUnused(host, answer.error())) {
        return std::optional<Attributes>();
      }
      // Where the user said that there is one, they are told.
      return Unexpected(Error(answer.error())
                            .WithHint("start Docker, or set DOCKER_HOST; without --load the images are kept in "
                                      "loam's own store only"));
    }
    Attributes attributes = {{"host", host}};
    if (!via.empty()) {
      attributes["via"] = via;
    }
    return std::optional(std::move(attributes));
  };
  return load;
}

}  // namespace loam::cli
