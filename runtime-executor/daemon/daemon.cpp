#include "runtime-executor/daemon/daemon.h"

#include <unistd.h>

#include <array>

#include <fmt/format.h>
#include <cxxopts.hpp>

#include "base/digest.h"
#include "base/strings.h"

namespace loam::daemon {
namespace {

constexpr std::string_view kDefaultAddress = "unix:///run/buildkit/buildkitd.sock";

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("localhost");
}

// Stable for a state root on a machine.
std::string WorkerId(const std::string& root) {
  return Digest::Of(HostName() + "\n" + root).Hex().substr(0, 25);
}

}  // namespace

Result<DaemonOptions> ParseArguments(const std::vector<std::string>& arguments) {
  cxxopts::Options flags("loamd", "Build daemon: the engine of Loam behind BuildKit's API");
  auto add = flags.add_options();
  add("addr", "address to listen on: unix:///path, tcp://host:port", cxxopts::value<std::vector<std::string>>());
  add("root", "directory of the daemon's state", cxxopts::value<std::string>());
  add("group", "group that may use the unix socket", cxxopts::value<std::string>());
  add("debug", "more messages");
  add("tlscert", "certificate of the server", cxxopts::value<std::string>());
  add("tlskey", "key of the certificate", cxxopts::value<std::string>());
  add("tlscacert", "authority that clients' certificates must be of", cxxopts::value<std::string>());
  add("allow-insecure-entitlement", "network.host, security.insecure", cxxopts::value<std::vector<std::string>>());
  add("oci-worker", "accepted: there is no other worker", cxxopts::value<std::string>()->implicit_value("true"));
  add("containerd-worker", "only false is accepted", cxxopts::value<std::string>()->implicit_value("true"));
  add("oci-worker-binary", "OCI runtime: crun, runc or a path", cxxopts::value<std::string>());
  add("oci-worker-snapshotter", "overlayfs, native or auto", cxxopts::value<std::string>());
  add("oci-worker-labels", "KEY=VALUE shown in the list of workers", cxxopts::value<std::vector<std::string>>());
  add("h,help", "this text");
  add("v,version", "the version");
  DaemonOptions options;
  try {
    std::vector<const char*> argv{"loamd"};
    for (const std::string& argument : arguments) {
      argv.push_back(argument.c_str());
    }
    const auto parsed = flags.parse(static_cast<int>(argv.size()), argv.data());
    if (parsed.count("help") != 0) {
      options.text = flags.help();
      return options;
    }
    if (parsed.count("version") != 0) {
      options.text = "loamd v" LOAM_VERSION "\n";
      return options;
    }
    if (!parsed.unmatched().empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("unexpected argument `{}`", parsed.unmatched()[0]));
    }
    const auto text = [&parsed](const char* name) {
      return parsed.count(name) == 0 ? std::string() : parsed[name].as<std::string>();
    };
    const auto list = [&parsed](const char* name) {
      return parsed.count(name) == 0 ? std::vector<std::string>() : parsed[name].as<std::vector<std::string>>();
    };
    options.server.addresses = list("addr");
    if (options.server.addresses.empty()) {
      options.server.addresses = {std::string(kDefaultAddress)};
    }
    options.server.socket_group = text("group");
    options.server.tls = {text("tlscert"), text("tlskey"), text("tlscacert")};
    options.engine.root = text("root");
    options.engine.runtime = text("oci-worker-binary");
    const std::string snapshotter = text("oci-worker-snapshotter");
    options.engine.snapshotter = snapshotter == "overlayfs" ? "overlay" : snapshotter == "auto" ? "" : snapshotter;
    options.debug = parsed.count("debug") != 0;
    if (text("containerd-worker") == "true" || text("oci-worker") == "false") {
      return Unexpected(ErrorCode::kInvalidArgument, "the only worker is the OCI worker");
    }
    for (const std::string& name : list("allow-insecure-entitlement")) {
      if (name != "network.host" && name != "security.insecure") {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("unknown entitlement `{}`", name));
      }
      options.allowed_entitlements.insert(name);
    }
    for (const std::string& label : list("oci-worker-labels")) {
      const auto pair = SplitOnce(label, '=');
      if (!pair) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("label `{}` has no value", label));
      }
      options.worker_labels.emplace(pair->first, pair->second);
    }
  } catch (const cxxopts::exceptions::exception& error) {
    return Unexpected(ErrorCode::kInvalidArgument, error.what());
  }
  return options;
}

Result<std::unique_ptr<Daemon>> Daemon::Start(const DaemonOptions& options) {
  std::unique_ptr<Daemon> daemon(new Daemon());
  daemon->engine_ = LOAM_TRY(engine::Engine::Open(options.engine));
  ControlOptions control;
  control.engine = daemon->engine_.get();
  control.allowed_entitlements = options.allowed_entitlements;
  control.worker_id = WorkerId(daemon->engine_->root());
  control.worker_labels = options.worker_labels;
  control.worker_labels.emplace("org.mobyproject.buildkit.worker.executor", "oci");
  control.worker_labels.emplace("org.mobyproject.buildkit.worker.hostname", HostName());
  control.worker_labels.emplace("org.mobyproject.buildkit.worker.network", "host");
  control.worker_labels.emplace("org.mobyproject.buildkit.worker.snapshotter",
                                options.engine.snapshotter.empty() ? "overlayfs" : options.engine.snapshotter);
  control.platforms = {HostPlatform()};
  daemon->services_ = std::make_unique<ControlServices>(std::move(control));
  daemon->server_ = LOAM_TRY(Server::Start(options.server, *daemon->services_));
  return daemon;
}

void Daemon::Stop() {
  server_->Stop();
}

}  // namespace loam::daemon
