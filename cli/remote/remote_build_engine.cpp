#include "cli/remote/remote_build_engine.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <future>
#include <random>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/digest.h"
#include "base/file_system.h"
#include "base/platform.h"
#include "base/strings.h"
#include "cli/remote/remote_channel.h"
#include "cli/remote/status_feed.h"
#include "compiler/driver/frontend/dockerfile_frontend.h"
#include "compiler/sema/forwarding_build_host.h"
#include "frontend/build_result.h"
#include "frontend/gateway_build_host.h"
#include "frontend/gateway_client.h"
#include "frontend/status.h"
#include "proto/api/services/control/control.grpc.pb.h"
#include "runtime-executor/exporter/docker-load/docker_daemon.h"
#include "runtime-executor/session/client/session_client.h"
#include "runtime-executor/session/remote/rpc.h"
#include "runtime-executor/solver/op.h"

namespace loam::cli {
namespace {

namespace control = moby::buildkit::v1;
namespace api = frontend::api;
using Response = std::map<std::string, std::string>;

std::string NewReference() {
  std::random_device device;
  std::string text;
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  for (int i = 0; i < 25; ++i) {
    text += kLetters[device() % kLetters.size()];
  }
  return text;
}

// What the engine is asked to export, and where what it sends back goes.
struct RemoteExports {
  std::vector<control::Exporter> exporters;
  std::vector<session::SessionOutput> outputs;
  // --load: the archive for this Docker daemon.
  std::string docker_host;
  std::string docker_archive;
  std::optional<TempDir> temporary;
};

Result<RemoteExports> ExportsOf(const std::vector<engine::ExportRequest>& requests) {
  RemoteExports exports;
  for (const engine::ExportRequest& request : requests) {
    control::Exporter& exporter = exports.exporters.emplace_back();
    session::SessionOutput& output = exports.outputs.emplace_back();
    std::map<std::string, std::string> attributes = request.attributes;
    exporter.set_type(request.type);
    const auto take = [&](const char* key) {
      std::string value;
      if (const auto found = attributes.find(key); found != attributes.end()) {
        value = found->second;
        attributes.erase(found);
      }
      return value;
    };
    if (request.type == "docker-load") {
      exporter.set_type("docker");
      exports.docker_host = take("host");
      exports.temporary = LOAM_TRY(TempDir::Create("", "loam-load-"));
      exports.docker_archive = exports.temporary->Child("image.tar");
      output = {.kind = session::SessionOutput::Kind::kFile, .path = exports.docker_archive};
    } else if (request.type == "local") {
      output = {.kind = session::SessionOutput::Kind::kDirectory, .path = take("dest")};
    } else if (request.type == "oci" || request.type == "docker" || request.type == "tar") {
      if (const auto tar = attributes.find("tar"); tar != attributes.end() && tar->second == "false") {
        return Unexpected(
            Error(ErrorCode::kUnimplemented, "an image layout as a directory is not exported by a remote engine")
                .WithHint("leave out `tar=false`, and unpack the archive"));
      }
      output = {.kind = session::SessionOutput::Kind::kFile, .path = take("dest"), .fd = request.output_fd};
    }
    for (const auto& [key, value] : attributes) {
      (*exporter.mutable_attrs())[key] = value;
    }
  }
  return exports;
}

// What the engine itself writes; the rest needs services of this client that are not offered yet.
Result<> AddCaches(const BuildCaches& caches, control::SolveRequest& solve) {
  if (!caches.imports.empty()) {
    return Unexpected(ErrorCode::kUnimplemented, "`--cache-from` is not supported yet with a remote engine");
  }
  if (caches.inline_cache) {
    solve.mutable_cache()->add_exports()->set_type("inline");
  }
  for (const BuildCaches::Export& target : caches.exports) {
    if (target.entry.type == "local") {
      return Unexpected(ErrorCode::kUnimplemented, "`--cache-to=type=local` is not supported yet with a remote engine");
    }
    control::CacheOptionsEntry& entry = *solve.mutable_cache()->add_exports();
    entry.set_type(target.entry.type);
    entry.mutable_attrs()->insert(target.entry.attributes.begin(), target.entry.attributes.end());
  }
  return {};
}

// One build on one engine.
class RemoteBuild {
 public:
  RemoteBuild(const EngineAddress& address, const EngineTls& tls, const BuildRequest& request,
              gateway::DockerfileBuildReport& report, std::stop_token stop)
      : address_(address), tls_(tls), request_(request), report_(report), stop_(std::move(stop)) {}

  Result<BuildOutcome> Run(const std::string& build_platform, std::shared_ptr<solver::ProgressSink> progress) {
    RemoteExports exports = LOAM_TRY(ExportsOf(request_.exports));
    const std::string reference = NewReference();
    const RemoteChannel remote = LOAM_TRY(RemoteChannel::Open(address_, tls_, reference));
    const std::unique_ptr<session::SessionClient> client = LOAM_TRY(session::SessionClient::Open(
        remote.channel(),
        {.services = request_.client, .shared_key = Digest::Of(request_.build_key).Hex(), .outputs = exports.outputs}));

    control::SolveRequest solve;
    solve.set_ref(reference);
    solve.set_session(client->id());
    for (const control::Exporter& exporter : exports.exporters) {
      *solve.add_exporters() = exporter;
    }
    if (exports.exporters.size() == 1) {
      // Daemons of before several exporters read these.
      solve.set_exporterdeprecated(exports.exporters[0].type());
      *solve.mutable_exporterattrsdeprecated() = exports.exporters[0].attrs();
    }
    LOAM_TRY(AddCaches(request_.caches, solve));
    solve.mutable_frontendattrs()->insert(request_.attests.begin(), request_.attests.end());
    if (request_.entitlements.network_host) {
      solve.add_entitlements("network.host");
    }
    if (request_.entitlements.security_insecure) {
      solve.add_entitlements("security.insecure");
    }

    StatusFeed feed(remote.channel(), reference, std::move(progress));
    std::stop_source either;
    const std::stop_callback by_user(stop_, [&] { either.request_stop(); });
    // Blocks until the build has returned its result, and the result is exported.
    std::future<Result<Response>> solved = std::async(std::launch::async, [&]() -> Result<Response> {
      session::CallContext context(either.get_token());
      const auto stub = control::Control::NewStub(remote.channel());
      control::SolveResponse response;
      const grpc::Status status = stub->Solve(context.get(), solve, &response);
      if (!status.ok()) {
        return Unexpected(frontend::FromGrpcStatus(status));
      }
      return Response(response.exporterresponse().begin(), response.exporterresponse().end());
    });
    const Result<> compiled = Compile(remote.channel(), client->id(), build_platform);
    if (!compiled && !returned_) {
      either.request_stop();  // the engine would wait for a result
    }
    Result<Response> response = solved.get();
    feed.Finish();
    if (stop_.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    if (!compiled && (returned_ || response || response.error().Is(ErrorCode::kCanceled))) {
      return Unexpected(WithVertex(compiled.error(), feed));
    }
    if (!response) {
      return Unexpected(WithVertex(std::move(response).error(), feed));
    }
    if (!exports.docker_archive.empty()) {
      LOAM_TRY(Load(exports));
    }
    return BuildOutcome{std::move(*response)};
  }

 private:
  static Error WithVertex(Error error, const StatusFeed& feed) {
    if (!feed.failure() || error.Detail<solver::VertexErrorDetail>() != nullptr) {
      return error;
    }
    return std::move(error).WithDetail(
        std::make_shared<solver::VertexErrorDetail>(feed.failure()->vertex, feed.failure()->name, nullptr));
  }

  Result<> Compile(const std::shared_ptr<grpc::Channel>& channel, const std::string& session_id,
                   const std::string& build_platform) {
    frontend::GatewayClient client(api::LLBBridge::NewStub(channel), request_.frontend.options);
    LOAM_TRY(client.Connect());
    api::ReturnRequest done;
    Result<api::Result> result = Answer(client, session_id, build_platform);
    if (result) {
      *done.mutable_result() = std::move(*result);
    } else {
      done.mutable_error()->set_code(static_cast<std::int32_t>(result.error().code()));
      done.mutable_error()->set_message(result.error().message());
    }
    LOAM_TRY(client.Return(done));
    returned_ = true;
    return result ? Result<>() : Unexpected(std::move(result).error());
  }

  Result<api::Result> Answer(frontend::GatewayClient& client, const std::string& session_id,
                             const std::string& build_platform) {
    driver::DockerfileRequest request = request_.frontend;
    request.session_id = session_id;
    request.build_platform = build_platform;
    request.llb_caps = client.llb_caps();
    // Those of earlier inputs are still in use.
    std::vector<std::unique_ptr<frontend::GatewayBuildHost>> hosts;
    driver::DockerfileFrontendHost host;
    host.make = [&](const std::map<std::string, std::string>& inputs) -> std::unique_ptr<sema::BuildHost> {
      frontend::GatewayBuildHostOptions options;
      options.inputs = inputs;
      options.session_id = session_id;
      const auto name = request.options.find("filename");
      if (name != request.options.end()) {
        options.dockerfile_name = name->second;
      }
      hosts.push_back(std::make_unique<frontend::GatewayBuildHost>(client, std::move(options)));
      return std::make_unique<sema::ForwardingBuildHost>(*hosts.back());
    };
    driver::DockerfileFrontendReport found;
    if (report_.sources != nullptr) {
      found.sources = report_.sources;
    }
    Result<driver::DockerfileAnswer> answered = driver::RunDockerfileFrontend(request, host, found);
    report_.sources = found.sources;
    report_.diagnostics = std::move(found.diagnostics);
    report_.warnings = std::move(found.warnings);
    report_.buffer = found.buffer;
    report_.file_name = found.file_name;
    const driver::DockerfileAnswer answer = LOAM_TRY(std::move(answered));
    const auto* const made = std::get_if<driver::CompiledDockerfile>(&answer);
    if (made == nullptr) {
      return Unexpected(ErrorCode::kUnimplemented, "a remote engine is only asked to build");
    }
    gateway::AddVertexSources(made->compiled, *found.buffer, report_);
    frontend::ResultBuilder result(client, made->options.multi_platform || made->compiled.platforms.size() > 1);
    for (const driver::CompiledPlatform& platform : made->compiled.platforms) {
      frontend::BuiltPlatform built;
      built.id = platform.platform;
      if (!platform.definition.bytes.empty()) {
        built.ref = LOAM_TRY(client.Solve(platform.definition.bytes));
      }
      built.config = platform.image_config;
      built.base_config = platform.base_image_config;
      built.epoch = platform.epoch;
      LOAM_TRY(result.Add(std::move(built)));
    }
    return result.Finish();
  }

  [[nodiscard]] Result<> Load(const RemoteExports& exports) const {
    const auto daemon = LOAM_TRY(exporter::DockerDaemon::At(exports.docker_host));
    const UniqueFd archive = LOAM_TRY(OpenFile(exports.docker_archive, O_RDONLY));
    struct stat info {};
    if (::fstat(archive.get(), &info) != 0) {
      return UnexpectedErrno("stat the image's archive");
    }
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const auto write = [&](content::ByteSink& sink) {
      return sink.WriteFromFile(archive.get(), 0, size, exports.docker_archive);
    };
    const exporter::DaemonAnswer answer = LOAM_TRY(daemon.PostTar("/images/load?quiet=1", write, stop_));
    if (answer.status != 200 || answer.body.find("\"error\"") != std::string::npos) {
      return Unexpected(ErrorCode::kUnknown, fmt::format("the Docker daemon refused the image: {}", answer.body));
    }
    return {};
  }

  const EngineAddress& address_;
  const EngineTls& tls_;
  const BuildRequest& request_;
  gateway::DockerfileBuildReport& report_;
  const std::stop_token stop_;
  bool returned_ = false;
};

class RemoteBuildEngine final : public BuildEngine {
 public:
  RemoteBuildEngine(std::vector<EngineAddress> engines, EngineTls tls)
      : engines_(std::move(engines)), tls_(std::move(tls)) {}

  Result<BuildOutcome> Build(const BuildRequest& request, std::shared_ptr<solver::ProgressSink> progress,
                             gateway::DockerfileBuildReport& report, std::stop_token stop) override {
    if (request.on_failure) {
      return Unexpected(ErrorCode::kUnimplemented, "a shell in a failed step is not possible on a remote engine");
    }
    const Choice choice = LOAM_TRY(Choose(request));
    return RemoteBuild(engines_[choice.engine], tls_, request, report, std::move(stop))
        .Run(choice.platform, std::move(progress));
  }

 private:
  struct Choice {
    std::size_t engine = 0;
    std::string platform;  // the worker's own
  };

  // The platforms of an engine's workers, its own first.
  [[nodiscard]] Result<std::vector<std::string>> PlatformsOf(const EngineAddress& address) const {
    const RemoteChannel remote = LOAM_TRY(RemoteChannel::Open(address, tls_, ""));
    grpc::ClientContext context;
    control::ListWorkersResponse response;
    const grpc::Status status =
        control::Control::NewStub(remote.channel())->ListWorkers(&context, control::ListWorkersRequest(), &response);
    if (!status.ok()) {
      return Unexpected(session::FromGrpcStatus(status, address.text));
    }
    std::vector<std::string> platforms;
    for (const auto& worker : response.record()) {
      for (const pb::Platform& platform : worker.platforms()) {
        platforms.push_back(platform.os() + "/" + platform.architecture() +
                            (platform.variant().empty() ? "" : "/" + platform.variant()));
      }
    }
    if (platforms.empty()) {
      return Unexpected(ErrorCode::kFailedPrecondition, fmt::format("the engine at {} has no workers", address.text));
    }
    return platforms;
  }

  [[nodiscard]] Result<Choice> Choose(const BuildRequest& request) const {
    std::vector<std::string> wanted;
    if (const auto found = request.frontend.options.find("platform");
        found != request.frontend.options.end() && engines_.size() > 1) {
      for (const std::string_view name : Split(found->second, ',')) {
        wanted.push_back(LOAM_TRY(ParsePlatform(name)).ToString());
      }
    }
    // First by what a worker is itself, then by what it can emulate.
    std::vector<std::vector<std::string>> offered;
    for (const EngineAddress& address : engines_) {
      offered.push_back(LOAM_TRY(PlatformsOf(address)));
      if (wanted.empty()) {
        return Choice{offered.size() - 1, offered.back().front()};
      }
    }
    const auto all_in = [&](std::span<const std::string> platforms) {
      return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
        return std::find(platforms.begin(), platforms.end(), name) != platforms.end();
      });
    };
    for (std::size_t i = 0; i < offered.size(); ++i) {
      if (all_in(std::span(offered[i]).first(1))) {
        return Choice{i, offered[i].front()};
      }
    }
    for (std::size_t i = 0; i < offered.size(); ++i) {
      if (all_in(offered[i])) {
        return Choice{i, offered[i].front()};
      }
    }
    return Unexpected(
        Error(ErrorCode::kFailedPrecondition, fmt::format("none of the engines builds {}", Join(wanted, ", ")))
            .WithHint("build one platform at a time, or name an engine that has them all"));
  }

  const std::vector<EngineAddress> engines_;
  const EngineTls tls_;
};

}  // namespace

std::unique_ptr<BuildEngine> MakeRemoteBuildEngine(std::vector<EngineAddress> engines, EngineTls tls) {
  return std::make_unique<RemoteBuildEngine>(std::move(engines), std::move(tls));
}

}  // namespace loam::cli
