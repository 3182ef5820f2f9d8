// The scripts of WITH DOCKER: they run in the step, with whatever /bin/sh its image has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loam::sema::earthfile {

// Where the step finds what belongs to WITH DOCKER.
inline constexpr std::string_view kDockerMount = "/run/loam-docker";
// Data of the daemon: a cache mount, because overlayfs does not stack on itself.
inline constexpr std::string_view kDockerData = "/var/lib/loam-docker";

struct ScriptImage {
  std::string name;
  std::string directory;  // where it is mounted
  // It holds the files of the image, not a layout: its config as arguments of `docker import --change`.
  bool files = false;
  std::vector<std::string> changes;
};

struct DockerScript {
  std::vector<ScriptImage> images;
  std::vector<std::string> compose_files;
  std::vector<std::string> services;
  bool keep_data = false;  // --cache-id
};

std::string ShellQuote(std::string_view text);

// Puts Docker into the image if it is missing: alpine, Amazon Linux, Debian and Ubuntu, others like Debian.
std::string InstallScript(bool compose);
// Starts a daemon, loads the images, brings the services up, runs its arguments as the command, and takes all down
// again. Its exit code is the command's.
std::string DaemonScript(const DockerScript& script);
// Writes the configuration of the services to standard output.
std::string ComposeConfigScript(const DockerScript& script);

// The images of services in the output of `docker compose config`; of all services if none is named.
std::vector<std::string> ImagesOfComposeConfig(std::string_view yaml, const std::vector<std::string>& services);

}  // namespace loam::sema::earthfile
