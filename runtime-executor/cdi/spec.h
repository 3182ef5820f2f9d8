// A CDI specification file (https://github.com/cncf-tags/container-device-interface, SPEC.md): the devices of one kind.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime-executor/cdi/container_edits.h"

namespace loam::cdi {

struct Device {
  std::string name;  // "vendor.example/class=name"
  // Those of the file, overridden by those of the device.
  std::map<std::string, std::string> annotations;
  ContainerEdits edits;
  // What a container gets once that has any device of the file. Not null; one object for all of them.
  std::shared_ptr<const ContainerEdits> common;

  [[nodiscard]] std::string kind() const { return name.substr(0, name.find('=')); }
};

// `text` is YAML or JSON. kInvalidArgument says what is wrong; kUnimplemented for edits that no step can have (Intel
// RDT, network devices).
Result<std::vector<Device>> ParseSpec(std::string_view text);

// "vendor.example/class"
bool IsKind(std::string_view text);

}  // namespace loam::cdi
