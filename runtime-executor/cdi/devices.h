// The devices that this host offers to steps.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/cdi/spec.h"

namespace loam::cdi {

struct DevicesOptions {
  // What is in a later one goes before what is in an earlier one. Those that do not exist are empty.
  std::vector<std::string> directories = {"/etc/cdi", "/var/run/cdi", "/etc/buildkit/cdi"};
  // Devices or kinds that every build may have.
  std::set<std::string> auto_allowed;
};

// What a build asks for.
struct DeviceRequest {
  // A device; a kind ("v/c": its first device, "v/c=*": all); or the class that devices are annotated with.
  std::string name;
  bool optional = false;
};

// What the client allows.
struct DeviceGrants {
  bool all = false;
  // Names as in requests. Not empty: the device that stands for that name.
  std::map<std::string, std::string> names;
};

// Adds what an entitlement "device=VALUE" allows: "" is every device; else a name, perhaps with ",alias=OTHER": the
// device that a build gets that asks for OTHER. kInvalidArgument for anything else.
Result<> AddGrant(std::string_view value, std::optional<DeviceGrants>& grants);

// Files may come, change and go at any time: they are read anew at every call. Immutable, thread-safe.
class Devices {
 public:
  explicit Devices(DevicesOptions options) : options_(std::move(options)) {}

  // Sorted by name.
  [[nodiscard]] std::vector<Device> List() const;
  // May every build have it?
  [[nodiscard]] bool IsAutoAllowed(const Device& device) const;

  // The names of the devices that a build gets for what it asks, each once. kNotFound for one that is not there and not
  // optional, kPermissionDenied for one that is not allowed.
  [[nodiscard]] Result<std::vector<DeviceRequest>> Choose(const std::vector<DeviceRequest>& requests,
                                                          const std::optional<DeviceGrants>& grants) const;
  // What they change together.
  [[nodiscard]] Result<ContainerEdits> EditsOf(const std::vector<DeviceRequest>& requests) const;

 private:
  struct Known {
    std::map<std::string, Device> devices;
    // Of files that cannot be read.
    std::vector<std::string> problems;
  };
  [[nodiscard]] Known Read() const;
  static Result<std::vector<std::string>> Find(const Known& known, const DeviceRequest& request);

  const DevicesOptions options_;
};

}  // namespace loam::cdi
