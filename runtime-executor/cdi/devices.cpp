#include "runtime-executor/cdi/devices.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/go_bool.h"
#include "base/strings.h"

namespace loam::cdi {
namespace {

// As BuildKit names them.
constexpr const char* kClass = "org.mobyproject.buildkit.device.class";
constexpr const char* kAutoAllow = "org.mobyproject.buildkit.device.autoallow";

void AddOnce(std::vector<std::string>& names, const std::vector<std::string>& more) {
  for (const std::string& name : more) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  }
}

}  // namespace

Result<> AddGrant(std::string_view value, std::optional<DeviceGrants>& grants) {
  if (!grants) {
    grants.emplace();
  }
  if (value.empty()) {
    grants->all = true;
    return {};
  }
  const std::vector<std::string_view> fields = Split(value, ',');
  std::string alias;
  for (std::size_t i = 1; i < fields.size(); ++i) {
    const auto pair = SplitOnce(fields[i], '=');
    if (!pair || pair->first != "alias") {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid device config \"{}\"", fields[i]));
    }
    alias = pair->second;
  }
  const std::string name(fields.front());
  grants->names[alias.empty() ? name : alias] = alias.empty() ? "" : name;
  return {};
}

Devices::Known Devices::Read() const {
  Known known;
  for (const std::string& directory : options_.directories) {
    const Result<std::vector<std::string>> files = ListDir(directory);
    if (!files) {
      continue;  // most hosts have none
    }
    for (const std::string& name : *files) {
      if (!name.ends_with(".yaml") && !name.ends_with(".json")) {
        continue;
      }
      const std::string path = fmt::format("{}/{}", directory, name);
      const Result<std::string> text = ReadFile(path);
      Result<std::vector<Device>> devices = text ? ParseSpec(*text) : tl::unexpected(text.error());
      if (!devices) {
        known.problems.push_back(fmt::format("{}: {}", path, devices.error().message()));
        continue;
      }
      for (Device& device : *devices) {
        std::string key = device.name;
        known.devices.insert_or_assign(std::move(key), std::move(device));
      }
    }
  }
  return known;
}

std::vector<Device> Devices::List() const {
  std::vector<Device> list;
  for (auto& [name, device] : Read().devices) {
    list.push_back(std::move(device));
  }
  return list;
}

bool Devices::IsAutoAllowed(const Device& device) const {
  const auto annotation = device.annotations.find(kAutoAllow);
  return options_.auto_allowed.contains(device.name) || options_.auto_allowed.contains(device.kind()) ||
         (annotation != device.annotations.end() && ParseGoBool(annotation->second) == true);
}

Result<std::vector<std::string>> Devices::Find(const Known& known, const DeviceRequest& request) {
  std::vector<std::string> found;
  const auto pair = SplitOnce(request.name, '=');
  const std::string kind(pair ? pair->first : std::string_view(request.name));
  const std::string_view name = pair ? pair->second : std::string_view();
  if (IsKind(kind)) {
    for (const auto& [full, device] : known.devices) {
      if (full == request.name || ((name.empty() || name == "*") && full.starts_with(kind + "="))) {
        found.push_back(full);
        if (name != "*") {
          break;
        }
      }
    }
  }
  if (found.empty()) {
    for (const auto& [full, device] : known.devices) {
      const auto annotation = device.annotations.find(kClass);
      if (annotation != device.annotations.end() && annotation->second == request.name) {
        found.push_back(full);
      }
    }
  }
  if (found.empty() && !request.optional) {
    return Unexpected(Error(ErrorCode::kNotFound, fmt::format("required device \"{}\" is not registered", request.name))
                          .WithHint(known.problems.empty() ? "" : "files with errors: " + Join(known.problems, "; ")));
  }
  return found;
}

Result<std::vector<DeviceRequest>> Devices::Choose(const std::vector<DeviceRequest>& requests,
                                                   const std::optional<DeviceGrants>& grants) const {
  if (requests.empty() || (grants && grants->all)) {
    return requests;
  }
  const Known known = Read();
  std::vector<DeviceRequest> chosen;
  std::vector<std::string> wanted;
  std::vector<std::string> granted;
  for (const DeviceRequest& request : requests) {
    if (grants) {
      const auto alias = grants->names.find(request.name);
      if (alias != grants->names.end() && !alias->second.empty()) {
        chosen.push_back({alias->second, request.optional});
        continue;
      }
    }
    AddOnce(wanted, LOAM_TRY(Find(known, request)));
  }
  if (grants && !wanted.empty()) {
    for (const auto& [name, target] : grants->names) {
      AddOnce(granted, LOAM_TRY(Find(known, {target.empty() ? name : target, false})));
    }
  }
  std::vector<std::string> forbidden;
  for (const std::string& name : wanted) {
    if (std::find(granted.begin(), granted.end(), name) == granted.end() && !IsAutoAllowed(known.devices.at(name))) {
      forbidden.push_back(name);
    } else {
      chosen.push_back({name, false});
    }
  }
  if (!forbidden.empty()) {
    return Unexpected(
        Error(ErrorCode::kPermissionDenied,
              fmt::format("device{} {} {} requested by the build but not allowed", forbidden.size() == 1 ? "" : "s",
                          Join(forbidden, ", "), forbidden.size() == 1 ? "is" : "are"))
            .WithHint("allow it with --allow device=" + forbidden.front()));
  }
  return chosen;
}

Result<ContainerEdits> Devices::EditsOf(const std::vector<DeviceRequest>& requests) const {
  ContainerEdits edits;
  if (requests.empty()) {
    return edits;
  }
  const Known known = Read();
  std::vector<std::string> names;
  for (const DeviceRequest& request : requests) {
    AddOnce(names, LOAM_TRY(Find(known, request)));
  }
  std::set<const ContainerEdits*> files;
  for (const std::string& name : names) {
    const Device& device = known.devices.at(name);
    if (files.insert(device.common.get()).second) {
      edits.Append(*device.common);
    }
    edits.Append(device.edits);
  }
  return edits;
}

}  // namespace loam::cdi
