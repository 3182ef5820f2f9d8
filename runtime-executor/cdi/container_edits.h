// What devices of the Container Device Interface (CDI) change in a container.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace loam::cdi {

struct DeviceNode {
  std::string path;
  char type = 'c';  // 'b', 'c', 'p'
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::string permissions = "rwm";
  std::optional<std::int64_t> file_mode;
  std::optional<std::int64_t> uid;
  std::optional<std::int64_t> gid;
};

struct HostMount {
  std::string host_path;
  std::string container_path;
  std::vector<std::string> options;
};

struct Hook {
  std::string name;  // as in the runtime spec: "createContainer"
  std::string path;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::optional<std::int64_t> timeout_seconds;
};

struct ContainerEdits {
  std::vector<std::string> env;  // "NAME=value"
  std::vector<DeviceNode> devices;
  std::vector<HostMount> mounts;
  std::vector<Hook> hooks;
  std::vector<std::uint32_t> additional_gids;

  // Puts those of another device behind these.
  void Append(const ContainerEdits& other);
};

}  // namespace loam::cdi
