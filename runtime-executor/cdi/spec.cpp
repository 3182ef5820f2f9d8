#include "runtime-executor/cdi/spec.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime-executor/cdi/yaml.h"

namespace loam::cdi {
namespace {

using nlohmann::json;

tl::unexpected<Error> Invalid(std::string message) {
  return Unexpected(ErrorCode::kInvalidArgument, std::move(message));
}

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Letters, digits and `others`; the first and last no `others`.
bool IsName(std::string_view text, std::string_view others) {
  return !text.empty() && IsAlnum(text.front()) && IsAlnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return IsAlnum(c) || others.find(c) != std::string_view::npos; });
}

const json* Member(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> Text(const json& object, const char* key) {
  const json* const member = Member(object, key);
  if (member == nullptr) {
    return std::string();
  }
  if (!member->is_string()) {
    return Invalid(fmt::format("`{}` is no text", key));
  }
  return member->get<std::string>();
}

Result<std::vector<std::string>> Texts(const json& object, const char* key) {
  std::vector<std::string> list;
  const json* const member = Member(object, key);
  if (member == nullptr) {
    return list;
  }
  for (const json& item : *member) {
    if (!member->is_array() || !item.is_string()) {
      return Invalid(fmt::format("`{}` is no list of texts", key));
    }
    list.push_back(item.get<std::string>());
  }
  return list;
}

// As YAML writes integers: 420, 0644, 0o644, 0x1a4, -1.
Result<std::int64_t> IntegerOf(const std::string& text, const char* key) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  digits.remove_prefix(negative ? 1 : 0);
  int base = 10;
  if (digits.starts_with("0x")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.starts_with("0o")) {
    base = 8;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits.starts_with('0')) {
    base = 8;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return Invalid(fmt::format("`{}` is no integer: {}", key, text));
  }
  return negative ? -value : value;
}

Result<std::optional<std::int64_t>> Integer(const json& object, const char* key) {
  const std::string text = LOAM_TRY(Text(object, key));
  if (text.empty()) {
    return std::optional<std::int64_t>();
  }
  return std::optional<std::int64_t>(LOAM_TRY(IntegerOf(text, key)));
}

Result<std::vector<json>> Objects(const json& object, const char* key) {
  std::vector<json> list;
  const json* const member = Member(object, key);
  if (member == nullptr) {
    return list;
  }
  for (const json& item : *member) {
    if (!member->is_array() || !item.is_object()) {
      return Invalid(fmt::format("`{}` is no list of objects", key));
    }
    list.push_back(item);
  }
  return list;
}

Result<DeviceNode> ReadDeviceNode(const json& object) {
  DeviceNode node;
  node.path = LOAM_TRY(Text(object, "path"));
  if (node.path.empty()) {
    return Invalid("a device node without a path");
  }
  std::string host_path = LOAM_TRY(Text(object, "hostPath"));
  if (host_path.empty()) {
    host_path = node.path;
  }
  const std::string type = LOAM_TRY(Text(object, "type"));
  const auto major_number = LOAM_TRY(Integer(object, "major"));
  if (type.empty() || !major_number) {
    // What is not said is that of the host's device.
    struct stat info {};
    if (::stat(host_path.c_str(), &info) != 0) {
      return UnexpectedErrno("stat the device " + host_path);
    }
    const bool block = S_ISBLK(info.st_mode);
    if (!block && !S_ISCHR(info.st_mode) && !S_ISFIFO(info.st_mode)) {
      return Invalid(fmt::format("{} is no device", host_path));
    }
    node.type = block ? 'b' : S_ISCHR(info.st_mode) ? 'c' : 'p';
    node.major = static_cast<std::int64_t>(major(info.st_rdev));
    node.minor = static_cast<std::int64_t>(minor(info.st_rdev));
  }
  if (!type.empty()) {
    if (type != "b" && type != "c" && type != "u" && type != "p") {
      return Invalid(fmt::format("`{}` is no type of a device", type));
    }
    node.type = type.front() == 'u' ? 'c' : type.front();
  }
  if (major_number) {
    node.major = *major_number;
    node.minor = LOAM_TRY(Integer(object, "minor")).value_or(0);
  }
  if (const std::string permissions = LOAM_TRY(Text(object, "permissions")); !permissions.empty()) {
    if (permissions.find_first_not_of("rwm") != std::string::npos) {
      return Invalid(fmt::format("`{}` are no permissions of a device (of r, w, m)", permissions));
    }
    node.permissions = permissions;
  }
  node.file_mode = LOAM_TRY(Integer(object, "fileMode"));
  node.uid = LOAM_TRY(Integer(object, "uid"));
  node.gid = LOAM_TRY(Integer(object, "gid"));
  return node;
}

Result<HostMount> ReadMount(const json& object) {
  HostMount mount;
  mount.host_path = LOAM_TRY(Text(object, "hostPath"));
  mount.container_path = LOAM_TRY(Text(object, "containerPath"));
  mount.options = LOAM_TRY(Texts(object, "options"));
  if (!mount.host_path.starts_with('/') || !mount.container_path.starts_with('/')) {
    return Invalid("a mount needs absolute paths `hostPath` and `containerPath`");
  }
  return mount;
}

Result<Hook> ReadHook(const json& object) {
  constexpr std::string_view kHooks[] = {"prestart",       "createRuntime", "createContainer",
                                         "startContainer", "poststart",     "poststop"};
  Hook hook;
  hook.name = LOAM_TRY(Text(object, "hookName"));
  if (std::find(std::begin(kHooks), std::end(kHooks), hook.name) == std::end(kHooks)) {
    return Invalid(fmt::format("`{}` is no hook", hook.name));
  }
  hook.path = LOAM_TRY(Text(object, "path"));
  hook.args = LOAM_TRY(Texts(object, "args"));
  hook.env = LOAM_TRY(Texts(object, "env"));
  hook.timeout_seconds = LOAM_TRY(Integer(object, "timeout"));
  if (!hook.path.starts_with('/')) {
    return Invalid("a hook without an absolute path");
  }
  return hook;
}

Result<ContainerEdits> ReadEdits(const json& owner) {
  ContainerEdits edits;
  const json* const object = Member(owner, "containerEdits");
  if (object == nullptr) {
    return edits;
  }
  if (!object->is_object()) {
    return Invalid("`containerEdits` is no object");
  }
  for (const char* const unknown : {"intelRdt", "netDevices"}) {
    if (Member(*object, unknown) != nullptr) {
      return Unexpected(ErrorCode::kUnimplemented, fmt::format("edits of `{}` are not supported", unknown));
    }
  }
  edits.env = LOAM_TRY(Texts(*object, "env"));
  for (const std::string& variable : edits.env) {
    if (variable.find('=') == std::string::npos || variable.starts_with('=')) {
      return Invalid(fmt::format("`{}` is no variable (NAME=value)", variable));
    }
  }
  for (const json& node : LOAM_TRY(Objects(*object, "deviceNodes"))) {
    edits.devices.push_back(LOAM_TRY(ReadDeviceNode(node)));
  }
  for (const json& mount : LOAM_TRY(Objects(*object, "mounts"))) {
    edits.mounts.push_back(LOAM_TRY(ReadMount(mount)));
  }
  for (const json& hook : LOAM_TRY(Objects(*object, "hooks"))) {
    edits.hooks.push_back(LOAM_TRY(ReadHook(hook)));
  }
  for (const std::string& gid : LOAM_TRY(Texts(*object, "additionalGids"))) {
    edits.additional_gids.push_back(static_cast<std::uint32_t>(LOAM_TRY(IntegerOf(gid, "additionalGids"))));
  }
  return edits;
}

Result<> ReadAnnotations(const json& owner, std::map<std::string, std::string>& annotations) {
  const json* const object = Member(owner, "annotations");
  if (object == nullptr) {
    return {};
  }
  for (const auto& [key, value] : object->items()) {
    if (!object->is_object() || !value.is_string()) {
      return Invalid("`annotations` are no texts");
    }
    annotations[key] = value.get<std::string>();
  }
  return {};
}

}  // namespace

void ContainerEdits::Append(const ContainerEdits& other) {
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  add(env, other.env);
  add(devices, other.devices);
  add(mounts, other.mounts);
  add(hooks, other.hooks);
  add(additional_gids, other.additional_gids);
}

bool IsKind(std::string_view text) {
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && IsName(text.substr(0, slash), "-_.") &&
         IsName(text.substr(slash + 1), "-_");
}

Result<std::vector<Device>> ParseSpec(std::string_view text) {
  const json spec = LOAM_TRY(ParseYaml(text));
  if (!spec.is_object()) {
    return Invalid("the file is no object");
  }
  if (LOAM_TRY(Text(spec, "cdiVersion")).empty()) {
    return Invalid("no `cdiVersion`");
  }
  const std::string kind = LOAM_TRY(Text(spec, "kind"));
  if (!IsKind(kind)) {
    return Invalid(fmt::format("`{}` is no kind of devices (vendor/class)", kind));
  }
  Device of_file;
  of_file.common = std::make_shared<const ContainerEdits>(LOAM_TRY(ReadEdits(spec)));
  LOAM_TRY(ReadAnnotations(spec, of_file.annotations));
  std::vector<Device> devices;
  for (const json& object : LOAM_TRY(Objects(spec, "devices"))) {
    const std::string name = LOAM_TRY(Text(object, "name"));
    if (!IsName(name, "-_.:")) {
      return Invalid(fmt::format("`{}` is no name of a device", name));
    }
    Device device = of_file;
    device.name = fmt::format("{}={}", kind, name);
    device.edits = LOAM_TRY_CONTEXT(device.name, ReadEdits(object));
    LOAM_TRY(ReadAnnotations(object, device.annotations));
    devices.push_back(std::move(device));
  }
  if (devices.empty()) {
    return Invalid("no `devices`");
  }
  return devices;
}

}  // namespace loam::cdi
