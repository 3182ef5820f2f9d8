#include "cli/remote/remote_build_engine.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/platform.h"
#include "base/strings.h"
#include "cli/commands/build_caches.h"
#include "cli/remote/docker_archive.h"
#include "cli/remote/gateway_solve.h"
#include "cli/remote/merge_engines.h"
#include "cli/remote/remote_channel.h"
#include "cli/remote/remote_site.h"
#include "cli/remote/routed_site.h"
#include "cli/remote/step_containers.h"
#include "compiler/driver/frontend/dockerfile_frontend.h"
#include "compiler/sema/forwarding_build_host.h"
#include "frontend/build_result.h"
#include "frontend/gateway_build_host.h"
#include "frontend/gateway_client.h"
#include "frontend/status.h"
#include "proto/api/services/control/control.grpc.pb.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::cli {
namespace {

namespace control = moby::buildkit::v1;
namespace api = frontend::api;
using Response = std::map<std::string, std::string>;

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
      if (const std::string via = take("via"); via == "registry") {
        return Unexpected(ErrorCode::kUnimplemented,
                          "an image of a remote engine is loaded by an archive, not `via=registry`");
      }
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

control::CacheOptionsEntry ToWire(const engine::CacheEntry& entry) {
  control::CacheOptionsEntry wire;
  wire.set_type(entry.type);
  wire.mutable_attrs()->insert(entry.attributes.begin(), entry.attributes.end());
  return wire;
}

// The caches that are read are told to the engine twice, as BuildKit's clients do: with the build, and as an option
// that the compiler sends with each of its requests.
void AddCaches(const BuildCaches& caches, GatewaySolve& solve) {
  control::CacheOptions& cache = *solve.request.mutable_cache();
  nlohmann::ordered_json imports = nlohmann::ordered_json::array();
  for (const engine::CacheEntry& entry : caches.imports) {
    *cache.add_imports() = ToWire(entry);
    imports.push_back({{"Type", entry.type}, {"Attrs", entry.attributes}});
  }
  if (!imports.empty()) {
    solve.options["cache-imports"] = imports.dump();
  }
  if (caches.inline_cache) {
    cache.add_exports()->set_type("inline");
  }
  for (const BuildCaches::Export& target : caches.exports) {
    *cache.add_exports() = ToWire(target.entry);
  }
}

// While the engine still holds what the failed step left.
void OnFailure(const std::function<void(const RunInFailedStep& run)>& on_failure, frontend::GatewayClient& client,
               const Error& failure, const std::stop_token& stop) {
  if (on_failure && !stop.stop_requested()) {
    on_failure([&](const std::vector<std::string>& args, ops::TerminalLender& terminal) {
      return RunInFailedStepOf(client, failure, args, terminal, stop);
    });
  }
}

// One build on one engine.
class RemoteBuild {
 public:
  RemoteBuild(const EngineAddress& address, const EngineTls& tls, const BuildRequest& request,
              gateway::DockerfileBuildReport& report, std::stop_token stop)
      : address_(address), tls_(tls), request_(request), report_(report), stop_(std::move(stop)) {}

  Result<BuildOutcome> Run(const std::string& build_platform, std::shared_ptr<solver::ProgressSink> progress) {
    RemoteExports exports = LOAM_TRY(ExportsOf(request_.exports));
    GatewaySolve solve{.address = &address_,
                       .tls = &tls_,
                       .services = request_.client,
                       .build_key = request_.build_key,
                       .outputs = exports.outputs,
                       .request = {},
                       .entitlements = request_.entitlements,
                       .options = request_.frontend.options,
                       .progress = std::move(progress)};
    for (const control::Exporter& exporter : exports.exporters) {
      *solve.request.add_exporters() = exporter;
    }
    AddCaches(request_.caches, solve);
    solve.request.mutable_frontendattrs()->insert(request_.attests.begin(), request_.attests.end());
    const auto answer = [&](frontend::GatewayClient& client, const std::string& session_id) {
      Result<api::Result> answered = Answer(client, session_id, build_platform);
      if (!answered) {
        OnFailure(request_.on_failure, client, answered.error(), stop_);
      }
      return answered;
    };
    Response response = LOAM_TRY(SolveOverGateway(std::move(solve), answer, stop_));
    for (const BuildCaches::Export& target : request_.caches.exports) {
      if (target.index) {
        LOAM_TRY(NameLocalCache(*target.index, response));
      }
    }
    if (!exports.docker_archive.empty()) {
      LOAM_TRY(LoadDockerArchive(exports.docker_host, exports.docker_archive, stop_));
    }
    return BuildOutcome{std::move(response)};
  }

 private:
  Result<api::Result> Answer(frontend::GatewayClient& client, const std::string& session_id,
                             const std::string& build_platform) {
    driver::DockerfileRequest request =
        request_.frontend;  // NOLINT(cppcoreguidelines-slicing): the rest is the engine's
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
    const driver::DockerfileAnswer answer = LOAM_TRY(driver::RunDockerfileFrontend(request, host, report_));
    const auto* const made = std::get_if<driver::CompiledDockerfile>(&answer);
    if (made == nullptr) {
      return Unexpected(ErrorCode::kUnimplemented, "a remote engine is only asked to build");
    }
    gateway::AddVertexSources(made->compiled, *report_.buffer, report_);
    frontend::ResultBuilder result(client, made->options.multi_platform || made->compiled.platforms.size() > 1);
    for (const driver::CompiledPlatform& platform : made->compiled.platforms) {
      frontend::BuiltPlatform built;
      built.id = platform.platform;
      if (!platform.definition.bytes.empty()) {
        built.ref = LOAM_TRY(client.Solve(platform.definition.bytes));
        if (request_.on_failure) {
          // A lazy result would fail after the compiler has returned it.
          if (Result<> done = client.Evaluate(built.ref); !done) {
            return Unexpected(frontend::WithDefinition(std::move(done).error(), platform.definition.bytes));
          }
        }
      }
      built.config = platform.image_config;
      built.base_config = platform.base_image_config;
      built.epoch = platform.epoch;
      LOAM_TRY(result.Add(std::move(built)));
    }
    return result.Finish();
  }

  const EngineAddress& address_;
  const EngineTls& tls_;
  const BuildRequest& request_;
  gateway::DockerfileBuildReport& report_;
  const std::stop_token stop_;
};

class RemoteBuildEngine final : public BuildEngine {
 public:
  RemoteBuildEngine(std::vector<EngineAddress> engines, EngineTls tls)
      : engines_(std::move(engines)), tls_(std::move(tls)) {}

  Result<BuildOutcome> Build(const BuildRequest& request, std::shared_ptr<solver::ProgressSink> progress,
                             gateway::DockerfileBuildReport& report, std::stop_token stop) override {
    if (request.on_failure && engines_.size() > 1) {
      return SeveralCannotDebug();
    }
    if (engines_.size() == 1) {
      const std::vector<std::string> own = LOAM_TRY(PlatformsOf(engines_.front()));
      return RemoteBuild(engines_.front(), tls_, request, report, std::move(stop))
          .Run(own.front(), std::move(progress));
    }
    std::vector<std::vector<std::string>> offered;
    for (const EngineAddress& address : engines_) {
      offered.push_back(LOAM_TRY(PlatformsOf(address)));
    }
    const std::vector<std::string> wanted = LOAM_TRY(WantedPlatforms(request, offered));
    std::vector<EngineShare> shares = LOAM_TRY(ShareOut(wanted, offered));
    // What cannot be put together can only come from an engine that builds all of it.
    const bool one_engine = shares.size() > 1 && !PartialExports(request.exports);
    for (std::size_t i = 0; i < offered.size() && one_engine && shares.size() > 1; ++i) {
      const bool has_all = std::all_of(wanted.begin(), wanted.end(), [&](const std::string& platform) {
        return std::find(offered[i].begin(), offered[i].end(), platform) != offered[i].end();
      });
      if (has_all) {
        shares = {{i, wanted}};
      }
    }
    if (shares.size() == 1) {
      const std::size_t engine = shares.front().engine;
      return RemoteBuild(engines_[engine], tls_, request, report, std::move(stop))
          .Run(offered[engine].front(), std::move(progress));
    }
    return BuildTogether(shares, offered, request, progress, report, std::move(stop));
  }

  Result<> BuildEarthfile(const EarthBuildRequest& request, std::shared_ptr<solver::ProgressSink> progress,
                          gateway::earthfile::EarthfileBuildReport& report, std::stop_token stop) override {
    if (request.on_usage) {
      return Unexpected(ErrorCode::kUnimplemented, "--exec-stats: a remote engine does not tell what its steps use");
    }
    if (request.on_failure && engines_.size() > 1) {
      return SeveralCannotDebug();
    }
    std::vector<EngineSite> sites;
    return BuildOver(sites, {}, request, progress, report, stop);
  }

 private:
  struct Session {
    frontend::GatewayClient* client = nullptr;
    std::string id;
  };

  static tl::unexpected<Error> SeveralCannotDebug() {
    return Unexpected(
        Error(ErrorCode::kUnimplemented, "a shell in a failed step is not possible with several engines in one build")
            .WithHint("name one engine"));
  }

  // One engine after the other keeps a build open; when all do, the Earthfile is evaluated over their sites.
  Result<> BuildOver(std::vector<EngineSite>& sites, const Session& last, const EarthBuildRequest& request,
                     const std::shared_ptr<solver::ProgressSink>& progress,
                     gateway::earthfile::EarthfileBuildReport& report, const std::stop_token& stop) {
    if (sites.size() == engines_.size()) {
      return Evaluate(sites, last, request, report, stop);
    }
    const EngineAddress& address = engines_[sites.size()];
    std::vector<std::string> platforms = LOAM_TRY(PlatformsOf(address));
    const GatewaySolve solve{.address = &address,
                             .tls = &tls_,
                             .services = request.client,
                             .build_key = request.build_key,
                             .outputs = {},
                             .request = {},
                             .entitlements = request.entitlements,
                             .options = {},
                             .progress = nullptr};
    const auto answer = [&](frontend::GatewayClient& client, const std::string& session_id) -> Result<api::Result> {
      const auto site = MakeRemoteSite(client, {.solve = solve,
                                                .keep_image = request.keep_image,
                                                .progress = progress,
                                                .session_id = session_id,
                                                .stop = stop});
      sites.push_back({site.get(), platforms});
      LOAM_TRY(BuildOver(sites, {&client, session_id}, request, progress, report, stop));
      return api::Result();
    };
    GatewaySolve whole = solve;
    whole.progress = progress;
    LOAM_TRY(SolveOverGateway(std::move(whole), answer, stop));
    return {};
  }

  [[nodiscard]] static Result<> Evaluate(const std::vector<EngineSite>& sites, const Session& last,
                                         const EarthBuildRequest& request,
                                         gateway::earthfile::EarthfileBuildReport& report,
                                         const std::stop_token& stop) {
    gateway::earthfile::EarthfileBuildRequest frontend = *request.frontend;
    // Also engines that cannot merge and compare filesystems.
    frontend.optimization_level = 0;
    if (sites.size() > 1) {
      // Each engine takes directories from the session that it knows.
      frontend.options.session_id.clear();
      frontend.options.native_platform = LOAM_TRY(NativePlatform(frontend.options.platform, sites));
      const auto routed = MakeRoutedSite(sites, *request.client);
      return gateway::earthfile::BuildEarthfile(*routed, frontend, report, stop);
    }
    frontend.options.session_id = last.id;
    frontend.options.native_platform = sites.front().platforms.front();
    Result<> built = gateway::earthfile::BuildEarthfile(*sites.front().site, frontend, report, stop);
    if (!built) {
      OnFailure(request.on_failure, *last.client, built.error(), stop);
    }
    return built;
  }

  // The own platform of the engine that builds the first of the wanted ones (with commas; "" for any).
  [[nodiscard]] static Result<std::string> NativePlatform(const std::string& wanted,
                                                          std::span<const EngineSite> sites) {
    if (wanted.empty()) {
      return sites.front().platforms.front();
    }
    std::vector<std::vector<std::string>> offered;
    for (const EngineSite& site : sites) {
      offered.push_back(site.platforms);
    }
    std::vector<std::string> names;
    for (const std::string_view name : Split(wanted, ',')) {
      names.push_back(LOAM_TRY(ParsePlatform(TrimSpace(name))).ToString());
    }
    return sites[LOAM_TRY(ShareOut(names, offered)).front().engine].platforms.front();
  }

  // Each engine its platforms, at the same time, shown in one progress; the first failure stops the others.
  [[nodiscard]] Result<BuildOutcome> BuildTogether(const std::vector<EngineShare>& shares,
                                                   const std::vector<std::vector<std::string>>& offered,
                                                   const BuildRequest& request,
                                                   const std::shared_ptr<solver::ProgressSink>& progress,
                                                   gateway::DockerfileBuildReport& report, std::stop_token stop) const {
    if (!request.caches.exports.empty()) {
      return Unexpected(ErrorCode::kUnimplemented, "`--cache-to` is not supported with several engines in one build");
    }
    BuildRequest partial = request;
    partial.exports = LOAM_TRY(PartialExports(request.exports));
    partial.frontend.options["multi-platform"] = "true";
    std::vector<gateway::DockerfileBuildReport> reports(shares.size());
    reports.front().sources = report.sources;
    std::vector<std::optional<Result<BuildOutcome>>> outcomes(shares.size());
    std::mutex mutex;  // guards first_failed
    std::optional<std::size_t> first_failed;
    std::stop_source either;
    const std::stop_callback by_user(stop, [&] { either.request_stop(); });
    {
      std::vector<std::jthread> builds;
      for (std::size_t i = 0; i < shares.size(); ++i) {
        builds.emplace_back([&, i] {
          BuildRequest own = partial;
          own.frontend.options["platform"] = Join(shares[i].platforms, ",");
          const std::size_t engine = shares[i].engine;
          outcomes[i].emplace(RemoteBuild(engines_[engine], tls_, own, reports[i], either.get_token())
                                  .Run(offered[engine].front(), progress));
          if (!*outcomes[i]) {
            const std::lock_guard lock(mutex);
            if (!first_failed) {
              first_failed = i;
              either.request_stop();
            }
          }
        });
      }
    }
    report = std::move(reports[first_failed.value_or(0)]);
    if (first_failed) {
      return Unexpected(std::move(*outcomes[*first_failed]).error());
    }
    std::vector<std::map<std::string, std::string>> parts;
    for (auto& outcome : outcomes) {
      parts.push_back((*outcome)->response);
    }
    return BuildOutcome{LOAM_TRY(MergePushed(request.exports, parts, *request.client, std::move(stop)))};
  }

  [[nodiscard]] static Result<std::vector<std::string>> WantedPlatforms(
      const BuildRequest& request, const std::vector<std::vector<std::string>>& offered) {
    const auto found = request.frontend.options.find("platform");
    if (found == request.frontend.options.end()) {
      return std::vector<std::string>{offered.front().front()};
    }
    std::vector<std::string> wanted;
    for (const std::string_view name : Split(found->second, ',')) {
      wanted.push_back(LOAM_TRY(ParsePlatform(TrimSpace(name))).ToString());
    }
    return wanted;
  }

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

  const std::vector<EngineAddress> engines_;
  const EngineTls tls_;
};

}  // namespace

std::unique_ptr<BuildEngine> MakeRemoteBuildEngine(std::vector<EngineAddress> engines, EngineTls tls) {
  return std::make_unique<RemoteBuildEngine>(std::move(engines), std::move(tls));
}

}  // namespace loam::cli
