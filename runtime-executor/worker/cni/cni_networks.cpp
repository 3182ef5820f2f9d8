#include "runtime-executor/worker/cni/cni_networks.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/process.h"
#include "runtime-executor/worker/cni/cni_plugins.h"

namespace loam::worker {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

// How long a network beyond the pool's size waits to be taken again.
constexpr std::chrono::seconds kSpare{60};

std::string NewId() {
  std::array<unsigned char, 16> random{};
  // getrandom(2) of so few bytes neither fails nor is interrupted.
  static_cast<void>(::getrandom(random.data(), random.size(), 0));
  std::string id;
  for (const unsigned char byte : random) {
    id += fmt::format("{:02x}", byte);
  }
  return id;
}

// A new network namespace with its loopback up, mounted at the file.
Result<> MakeNamespace(const std::string& file) {
  LOAM_TRY(WriteFileAtomic(file, ""));
  Result<> made;
  const auto make = [&file]() -> Result<> {
    if (unshare(CLONE_NEWNET) != 0) {
      return UnexpectedErrno("make a network for the step");
    }
    const UniqueFd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq loopback{};
    std::strncpy(loopback.ifr_name, "lo", IFNAMSIZ - 1);
    loopback.ifr_flags = IFF_UP | IFF_RUNNING;
    if (!socket_fd.valid() || ioctl(socket_fd.get(), SIOCSIFFLAGS, &loopback) != 0) {
      return UnexpectedErrno("start the loopback of a step");
    }
    if (mount("/proc/thread-self/ns/net", file.c_str(), nullptr, MS_BIND, nullptr) != 0) {
      return UnexpectedErrno("mount the network of a step");
    }
    return {};
  };
  // A thread of its own: the namespace is the thread's.
  std::thread([&] { made = make(); }).join();
  return made;
}

// Nothing is there afterwards, whatever was.
void RemoveNamespace(const std::string& file) {
  umount2(file.c_str(), MNT_DETACH);
  unlink(file.c_str());
}

class CniNetworks final : public StepNetworks, public std::enable_shared_from_this<CniNetworks> {
 public:
  CniNetworks(CniPlugins plugins, CniOptions options, bool remove_bridge)
      : plugins_(std::move(plugins)), options_(std::move(options)), remove_bridge_(remove_bridge) {}

  ~CniNetworks() override {
    keeper_.request_stop();
    changed_.notify_all();
    if (keeper_.joinable()) {
      keeper_.join();
    }
    spares_.clear();
    if (remove_bridge_) {
      ProcessSpec spec;
      spec.args = {"ip", "link", "delete", options_.bridge_name};
      // A bridge that is gone already is as well.
      [[maybe_unused]] const auto removed = RunProcess(std::move(spec));
    }
  }

  Result<> Begin() {
    RemoveStale();
    Keep(LOAM_TRY(Make("", {})));
    keeper_ = std::jthread([this](const std::stop_token& stop) { KeepUp(stop); });
    return {};
  }

  Result<std::unique_ptr<StepNetwork>> Take(const StepNetworkRequest& request, std::stop_token stop) override {
    std::unique_ptr<Network> network;
    if (request.hostname.empty()) {
      const std::lock_guard lock(mutex_);
      if (!spares_.empty()) {
        // The one used last: the others may grow old.
        network = std::move(spares_.back().network);
        spares_.pop_back();
      }
    }
    changed_.notify_all();
    if (network == nullptr) {
      network = LOAM_TRY(Make(request.hostname, stop));
    }
    const bool reusable = request.hostname.empty() && !request.privileged;
    return std::make_unique<Lent>(weak_from_this(), std::move(network), reusable);
  }

 private:
  // Taken down when destroyed.
  class Network {
   public:
    Network(const CniNetworks& owner, CniContainer container, std::string result)
        : owner_(owner), container_(std::move(container)), result_(std::move(result)) {}
    ~Network() { owner_.TakeDown(container_, result_); }
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;
    Result<> Open() {
      fd_ = LOAM_TRY(OpenFile(container_.network_namespace, O_RDONLY));
      return {};
    }
    [[nodiscard]] int fd() const { return fd_.get(); }

   private:
    const CniNetworks& owner_;
    const CniContainer container_;
    const std::string result_;
    UniqueFd fd_;
  };

  class Lent final : public StepNetwork {
   public:
    Lent(const std::weak_ptr<CniNetworks>& owner, std::unique_ptr<Network> network, bool reusable)
        : owner_(owner.lock()), network_(std::move(network)), reusable_(reusable) {}
    ~Lent() override {
      if (reusable_) {
        owner_->Keep(std::move(network_));
      }
    }
    [[nodiscard]] int namespace_fd() const override { return network_->fd(); }

   private:
    const std::shared_ptr<CniNetworks> owner_;
    std::unique_ptr<Network> network_;
    const bool reusable_;
  };

  struct Spare {
    std::unique_ptr<Network> network;
    Clock::time_point since;
  };

  [[nodiscard]] std::string RecordOf(const std::string& id) const { return options_.state_dir + "/" + id + ".json"; }
  [[nodiscard]] std::string NamespaceOf(const std::string& id) const { return options_.state_dir + "/" + id; }

  Result<std::unique_ptr<Network>> Make(const std::string& hostname, const std::stop_token& stop) {
    const std::string id = NewId();
    const CniContainer container{id, NamespaceOf(id), hostname};
    // First what tells how to take it down.
    LOAM_TRY(WriteFileAtomic(RecordOf(id),
                             json{{"config", PrintCniConfig(plugins_.config())}, {"hostname", hostname}}.dump()));
    Result<> made = MakeNamespace(container.network_namespace);
    Result<std::string> result = made ? plugins_.Add(container, stop) : Unexpected(made.error());
    if (!result) {
      RemoveNamespace(container.network_namespace);
      unlink(RecordOf(id).c_str());
      return Unexpected(std::move(result).error());
    }
    auto network = std::make_unique<Network>(*this, container, *std::move(result));
    LOAM_TRY(network->Open());
    return network;
  }

  void TakeDown(const CniContainer& container, const std::string& result) const {
    const Result<> deleted = plugins_.Delete(container, result);
    RemoveNamespace(container.network_namespace);
    // What could not be taken down is tried again by the next process.
    if (deleted) {
      unlink(RecordOf(container.id).c_str());
    }
  }

  void Keep(std::unique_ptr<Network> network) {
    {
      const std::lock_guard lock(mutex_);
      spares_.push_back({std::move(network), Clock::now()});
    }
    changed_.notify_all();
  }

  // Makes networks up to the pool's size, and takes down those beyond that nobody wanted for a while.
  void KeepUp(const std::stop_token& stop) {
    const auto size = static_cast<std::size_t>(std::max(options_.pool_size, 0));
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (spares_.size() < size) {
        lock.unlock();
        Result<std::unique_ptr<Network>> network = Make("", stop);
        lock.lock();
        if (network) {
          spares_.push_front({*std::move(network), Clock::now()});
          continue;
        }
        // A step that needs one tells the reason; here it is only tried again.
        changed_.wait_for(lock, stop, kSpare, [] { return false; });
        continue;
      }
      if (spares_.size() > size && spares_.front().since + kSpare <= Clock::now()) {
        std::unique_ptr<Network> old = std::move(spares_.front().network);
        spares_.pop_front();
        lock.unlock();
        old.reset();
        lock.lock();
        continue;
      }
      const auto wanted = [&] { return spares_.size() < size; };
      if (spares_.size() > size) {
        changed_.wait_until(lock, stop, spares_.front().since + kSpare, wanted);
      } else {
        changed_.wait(lock, stop, [&] { return spares_.size() != size; });
      }
    }
  }

  void RemoveStale() {
    std::error_code error;
    std::vector<std::string> ids;
    for (const auto& entry : std::filesystem::directory_iterator(options_.state_dir, error)) {
      if (entry.path().extension() == ".json") {
        ids.push_back(entry.path().stem());
      }
    }
    for (const std::string& id : ids) {
      const Result<std::string> text = ReadFile(RecordOf(id));
      const json record = text ? json::parse(*text, nullptr, false) : json();
      if (record.is_object() && record.contains("config") && record["config"].is_string()) {
        Result<CniConfig> config = ParseCniConfig(record["config"].get<std::string>(), RecordOf(id));
        Result<CniPlugins> plugins =
            config ? CniPlugins::Find(*std::move(config), options_.plugin_directories) : Unexpected(config.error());
        if (plugins) {
          // Whatever is left of it is not known any more.
          [[maybe_unused]] const Result<> deleted =
              plugins->Delete({id, NamespaceOf(id), record.value("hostname", "")}, "");
        }
      }
      RemoveNamespace(NamespaceOf(id));
      unlink(RecordOf(id).c_str());
    }
  }

  const CniPlugins plugins_;
  const CniOptions options_;
  const bool remove_bridge_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Spare> spares_;  // guarded by mutex_; the oldest first
  std::jthread keeper_;
};

}  // namespace

Result<std::shared_ptr<StepNetworks>> OpenCniNetworks(CniOptions options) {
  std::vector<std::string> directories;
  for (const std::string& directory : options.plugin_directories) {
    std::error_code error;
    if (std::filesystem::is_directory(directory, error)) {
      directories.push_back(directory);
    }
  }
  if (directories.empty()) {
    return Unexpected(Error(ErrorCode::kFailedPrecondition,
                            fmt::format("no directory of CNI plugins: {}", fmt::join(options.plugin_directories, ", ")))
                          .WithHint("install them: apt-get install containernetworking-plugins"));
  }
  options.plugin_directories = std::move(directories);
  LOAM_TRY(MakeDirs(options.state_dir, 0700));
  CniConfig config;
  bool remove_bridge = false;
  if (options.config_file.empty()) {
    const auto has = [&](const char* name) {
      return std::any_of(
          options.plugin_directories.begin(), options.plugin_directories.end(),
          [&](const std::string& directory) { return access((directory + "/" + name).c_str(), X_OK) == 0; });
    };
    config = BridgeConfig(options.bridge_name, options.bridge_subnet, has("firewall"));
    remove_bridge = if_nametoindex(options.bridge_name.c_str()) == 0;
  } else {
    const std::string text = LOAM_TRY_CONTEXT("configuration of the CNI network", ReadFile(options.config_file));
    config = LOAM_TRY(ParseCniConfig(text, options.config_file));
  }
  CniPlugins plugins = LOAM_TRY(CniPlugins::Find(std::move(config), options.plugin_directories));
  auto networks = std::make_shared<CniNetworks>(std::move(plugins), std::move(options), remove_bridge);
  LOAM_TRY(networks->Begin());
  return std::shared_ptr<StepNetworks>(std::move(networks));
}

}  // namespace loam::worker
