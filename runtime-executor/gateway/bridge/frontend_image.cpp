#include "runtime-executor/gateway/bridge/frontend_image.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/strings.h"
#include "runtime-executor/gateway/bridge/error_status.h"
#include "runtime-executor/gateway/bridge/frontend_source.h"
#include "runtime-executor/gateway/bridge/stdio_bridge.h"
#include "runtime-executor/ops/container.h"
#include "runtime-executor/ops/op_failure.h"

namespace loam::gateway {
namespace {

using nlohmann::json;

constexpr const char* kCapsLabel = "moby.buildkit.frontend.caps";
constexpr const char* kNoNetworkLabel = "moby.buildkit.frontend.network.none";
constexpr const char* kInputsCap = "moby.buildkit.frontend.inputs";
constexpr const char* kMetadataMount = "/run/config/buildkit/metadata";
// How much of what a frontend wrote to its standard error is told when it fails.
constexpr std::size_t kKeptOutput = 4096;

std::set<std::string> CapsOf(const std::string& list) {
  std::set<std::string> caps;
  for (const std::string_view cap : Split(list, ',')) {
    if (!cap.empty()) {
      caps.emplace(cap);
    }
  }
  return caps;
}

std::string ValueOf(const std::map<std::string, std::string>& map, const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? std::string() : found->second;
}

// What is asked of the frontend must be among what it says that it can.
Result<> CheckCaps(const FrontendSource& source, const std::map<std::string, std::string>& options,
                   const std::map<std::string, std::string>& inputs) {
  const std::set<std::string> has = CapsOf(ValueOf(source.labels, kCapsLabel));
  std::set<std::string> needed = CapsOf(ValueOf(options, "frontend.caps"));
  if (!inputs.empty()) {
    needed.insert(kInputsCap);
  }
  for (const std::string& cap : needed) {
    if (!has.contains(cap)) {
      return Unexpected(
          Error(ErrorCode::kUnimplemented, fmt::format("unsupported frontend capability {}", cap))
              .WithDetail(std::make_shared<const UnsupportedDetail>(UnsupportedDetail::Kind::kFrontendCap, cap)));
    }
  }
  return {};
}

std::string WorkersJson(const BridgeWorker& worker) {
  json platforms = json::array();
  for (const Platform& platform : worker.platforms) {
    json spec = {{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.variant.empty()) {
      spec["variant"] = platform.variant;
    }
    platforms.push_back(std::move(spec));
  }
  return json::array({{{"id", worker.id}, {"labels", worker.labels}, {"platforms", std::move(platforms)}}}).dump();
}

std::vector<std::string> Environment(const FrontendImageParts& parts, const FrontendSource& source,
                                     const std::map<std::string, std::string>& options) {
  std::vector<std::string> env = source.env;
  int number = 0;
  for (const auto& [name, value] : options) {
    env.push_back(fmt::format("BUILDKIT_FRONTEND_OPT_{}={}={}", number++, name, value));
  }
  env.push_back("BUILDKIT_SESSION_ID=" + parts.session_id);
  env.push_back("BUILDKIT_WORKERS=" + WorkersJson(parts.worker));
  env.emplace_back("BUILDKIT_EXPORTEDPRODUCT=buildkit");
  return env;
}

// The last bytes that come through a pipe.
class Tail {
 public:
  static Result<std::unique_ptr<Tail>> Open() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
      return UnexpectedErrno("make a pipe");
    }
    return std::unique_ptr<Tail>(new Tail(UniqueFd(fds[0]), UniqueFd(fds[1])));
  }
  ~Tail() { Finish(); }
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  [[nodiscard]] int write_fd() const { return write_.get(); }
  // When all who write have ended.
  std::string Finish() {
    write_.Reset();
    if (reader_.joinable()) {
      reader_.join();
    }
    return std::string(TrimSpace(text_));
  }

 private:
  Tail(UniqueFd read_end, UniqueFd write_end) : write_(std::move(write_end)) {
    reader_ = std::thread([this, from = std::move(read_end)] {
      char buffer[4096];
      ssize_t got = 0;
      while ((got = read(from.get(), buffer, sizeof(buffer))) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0) {
          text_.append(buffer, static_cast<std::size_t>(got));
          text_.erase(0, text_.size() > kKeptOutput ? text_.size() - kKeptOutput : 0);
        }
      }
    });
  }
  UniqueFd write_;
  std::string text_;  // the reader's until it is joined
  std::thread reader_;
};

// The frontend's process from its start to its end.
Result<> RunProcess(ops::FrontendContainer& container, const ops::ContainerStart& start, StdioBridge& bridge,
                    const std::string& name, const std::stop_token& stop) {
  const std::unique_ptr<Tail> errors = LOAM_TRY(Tail::Open());
  const worker::ProcessStreams streams{bridge.frontend_fd(), bridge.frontend_fd(), errors->write_fd(), false};
  std::stop_source kill;
  const std::stop_callback on_stop(stop, [&kill] { kill.request_stop(); });
  const auto process = LOAM_TRY_CONTEXT("frontend " + name, container.Start(start, streams, kill.get_token()));
  std::atomic<bool> broken = false;
  bridge.Watch([&] {
    broken = true;
    kill.request_stop();
  });
  const Result<worker::ExecResult> ended = process->Wait(kill.get_token());
  const std::string said = errors->Finish();
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  const std::string words = said.empty() ? std::string() : ": " + said;
  // A frontend whose connection was closed may fail for that before the watcher has told of it.
  const bool failed = !ended || ended->exit_code != 0;
  if (broken || (failed && bridge.closed())) {
    return Unexpected(ErrorCode::kUnknown,
                      fmt::format("frontend {}: frontend grpc server closed unexpectedly{}", name, words));
  }
  if (!ended) {
    return Unexpected(ended.error().Wrap("frontend " + name));
  }
  if (ended->exit_code != 0) {
    return Unexpected(
        Error(ErrorCode::kUnknown, fmt::format("frontend {}: exit code: {}{}", name, ended->exit_code, words))
            .WithDetail(std::make_shared<const solver::ExitErrorDetail>(ended->exit_code)));
  }
  return {};
}

Result<FrontendResult> Run(const FrontendImageParts& parts, const FrontendRequestPtr& request,
                           const std::map<std::string, std::string>& inputs, const std::stop_token& stop) {
  const std::map<std::string, std::string>& options = request->options;
  if (options.contains("gateway-devel")) {
    return Unexpected(ErrorCode::kUnimplemented, "development gateway is no longer supported");
  }
  const FrontendSource source = LOAM_TRY(ResolveFrontendSource(*parts.job, options, inputs, stop));
  const std::string name = ValueOf(options, "source");
  LOAM_TRY(CheckCaps(source, options, inputs));
  const std::string_view definition = source.definition;
  const snapshot::FsRef root = LOAM_TRY(parts.job->SolveAll(std::span(&definition, 1), stop)).front();

  const TempDir metadata = LOAM_TRY(TempDir::Create(parts.scratch_dir, "frontend-"));
  LOAM_TRY(WriteFileAtomic(metadata.path() + "/frontend.bin", source.definition));
  ops::ContainerOptions container_options;
  ops::ContainerMount root_mount;
  root_mount.mount.set_dest("/");
  root_mount.fs = root;
  container_options.mounts.push_back(std::move(root_mount));
  container_options.host_mounts.push_back({metadata.path(), kMetadataMount});
  const std::string no_network = ValueOf(source.labels, kNoNetworkLabel);
  if (no_network == "1" || ToLowerAscii(no_network) == "true" || ToLowerAscii(no_network) == "t") {
    container_options.network = pb::NONE;
  }
  const auto container = LOAM_TRY(parts.job->NewContainer(std::move(container_options), stop));

  BridgeBuild build({.job = parts.job,
                     .client = parts.client,
                     .run_frontend = parts.run_frontend,
                     .worker = parts.worker,
                     .request = request,
                     .root = request->root,
                     .requests = parts.requests,
                     .inputs = inputs,
                     .lazy = parts.lazy,
                     .stop = stop});
  Result<> ended;
  {
    const std::unique_ptr<StdioBridge> bridge = LOAM_TRY(StdioBridge::Start(build));
    ops::ContainerStart start;
    start.args = source.args;
    start.env = Environment(parts, source, options);
    start.cwd = source.cwd;
    start.remove_mount_stubs_recursive = true;
    ended = RunProcess(*container, start, *bridge, name, stop);
    build.Close();
  }
  std::optional<Result<FrontendResult>> returned = build.Returned();
  if (returned && !*returned) {
    return *std::move(returned);
  }
  LOAM_TRY(ended);
  if (!returned) {
    return Unexpected(ErrorCode::kUnknown, fmt::format("frontend {}: no result for incomplete build", name));
  }
  return *std::move(returned);
}

}  // namespace

Result<FrontendResult> RunFrontendImage(const FrontendImageParts& parts, const FrontendRequestPtr& request,
                                        const std::map<std::string, std::string>& inputs, std::stop_token stop) {
  Result<FrontendResult> result = Run(parts, request, inputs, stop);
  if (!result) {
    return Unexpected(ops::WithOuterDetail<FrontendDetail>(std::move(result).error(), std::string(kGatewayFrontend),
                                                           ValueOf(request->options, "source")));
  }
  return result;
}

}  // namespace loam::gateway
