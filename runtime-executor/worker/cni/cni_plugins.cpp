#include "runtime-executor/worker/cni/cni_plugins.h"

#include <unistd.h>

#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "base/strings.h"

namespace loam::worker {
namespace {

using nlohmann::json;

constexpr const char* kInterface = "eth0";
// A plugin may ask a server for an address.
constexpr std::chrono::seconds kPatience{60};

// A plugin tells why it failed as JSON on its standard output.
std::string Reason(const ProcessOutput& output) {
  const json told = json::parse(output.out, nullptr, false);
  if (told.is_object() && told.contains("msg") && told["msg"].is_string()) {
    std::string reason = told["msg"].get<std::string>();
    if (told.contains("details") && told["details"].is_string() && !told["details"].get<std::string>().empty()) {
      reason += ": " + told["details"].get<std::string>();
    }
    return reason;
  }
  const std::string_view said = TrimSpace(output.err.empty() ? output.out : output.err);
  return said.empty() ? fmt::format("exit code {}", output.status.code) : std::string(said);
}

}  // namespace

Result<CniPlugins> CniPlugins::Find(CniConfig config, std::vector<std::string> directories) {
  CniPlugins plugins(std::move(config), std::move(directories));
  for (const CniPlugin& plugin : plugins.config_.plugins) {
    std::string found;
    for (const std::string& directory : plugins.directories_) {
      const std::string path = directory + "/" + plugin.type;
      if (found.empty() && access(path.c_str(), X_OK) == 0) {
        found = path;
      }
    }
    if (found.empty()) {
      return Unexpected(
          Error(ErrorCode::kFailedPrecondition,
                fmt::format("the CNI plugin `{}` is not in {}", plugin.type, Join(plugins.directories_, " or ")))
              .WithHint("install it: apt-get install containernetworking-plugins"));
    }
    plugins.programs_.push_back(std::move(found));
  }
  return plugins;
}

Result<std::string> CniPlugins::Call(const char* command, std::size_t plugin, const CniContainer& container,
                                     const std::string& previous, const std::stop_token& stop) const {
  ProcessSpec spec;
  spec.args = {programs_[plugin]};
  spec.env = std::vector<std::string>{
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      fmt::format("CNI_COMMAND={}", command),
      "CNI_CONTAINERID=" + container.id,
      "CNI_NETNS=" + container.network_namespace,
      fmt::format("CNI_IFNAME={}", kInterface),
      "CNI_PATH=" + Join(directories_, ":"),
  };
  if (!container.hostname.empty()) {
    // The name by which plugins that serve names know a container; the others are to overlook it.
    spec.env->push_back(fmt::format("CNI_ARGS=K8S_POD_NAME={};IgnoreUnknown=1", container.hostname));
  }
  const std::string input = PluginInput(config_, config_.plugins[plugin], previous);
  RunOptions options;
  options.input = input;
  options.timeout = kPatience;
  options.stop = stop;
  const std::string what = fmt::format("CNI plugin {} {}", config_.plugins[plugin].type, command);
  ProcessOutput output = LOAM_TRY_CONTEXT(what, loam::RunProcess(std::move(spec), options));
  if (!output.status.ok()) {
    return Unexpected(ErrorCode::kFailedPrecondition, fmt::format("{}: {}", what, Reason(output)));
  }
  return std::move(output.out);
}

Result<std::string> CniPlugins::Add(const CniContainer& container, const std::stop_token& stop) const {
  std::string result;
  for (std::size_t i = 0; i < programs_.size(); ++i) {
    Result<std::string> added = Call("ADD", i, container, result, stop);
    if (added && !json::parse(*added, nullptr, false).is_object()) {
      added = Unexpected(ErrorCode::kFailedPrecondition,
                         fmt::format("CNI plugin {}: its result is no JSON object", config_.plugins[i].type));
    }
    if (!added) {
      // The first error counts; plugins are to take down what is not there without one.
      [[maybe_unused]] const Result<> deleted = Delete(container, result);
      return Unexpected(std::move(added).error());
    }
    result = *std::move(added);
  }
  return result;
}

Result<> CniPlugins::Delete(const CniContainer& container, const std::string& result) const {
  Result<> all;
  for (std::size_t i = programs_.size(); i-- > 0;) {
    // Not to be canceled: it gives back what others need.
    const Result<std::string> deleted = Call("DEL", i, container, result, {});
    if (!deleted && all) {
      all = Unexpected(deleted.error());
    }
  }
  return all;
}

}  // namespace loam::worker
