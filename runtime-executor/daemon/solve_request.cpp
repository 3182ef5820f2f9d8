#include "runtime-executor/daemon/solve_request.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "proto/api/services/control/control.pb.h"
#include "runtime-executor/daemon/session_export.h"
#include "runtime-executor/daemon/session_exporters.h"
#include "runtime-executor/daemon/solve_caches.h"
#include "runtime-executor/gateway/bridge/frontends.h"
#include "runtime-executor/gateway/bridge/verify_platforms.h"
#include "runtime-executor/session/remote/remote_client_services.h"
#include "runtime-executor/session/remote/source_policy_client.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;

constexpr std::chrono::milliseconds kSessionPatience{5000};
constexpr std::chrono::milliseconds kBridgePatience{6000};

constexpr std::string_view kDeviceEntitlement = "device=";
// Of behaviour that clients may pin.
constexpr int kVersions[] = {10, 20, 30};

// SOURCE_DATE_EPOCH among the frontend's options also counts for the exporters.
constexpr const char* kEpochOption = "build-arg:SOURCE_DATE_EPOCH";
constexpr std::string_view kDockerfileFrontend = "dockerfile.v0";
constexpr std::string_view kDockerfileContext = "context:dockerfile.v0";
constexpr const char* kEpochAttribute = "source-date-epoch";

class Solve {
 public:
  Solve(const SolveServices& services, const control::SolveRequest& request, std::shared_ptr<BuildStatus> status,
        const SolveEvents& events, std::stop_token stop)
      : services_(services), request_(request), status_(std::move(status)), events_(events), stop_(std::move(stop)) {}

  Result<std::map<std::string, std::string>> Run() {
    LOAM_TRY(ReadEntitlements());
    LOAM_TRY(ReadVersion());
    LOAM_TRY(ReadExporters());
    caches_ = LOAM_TRY(ReadSolveCaches(request_));
    if (!request_.session().empty()) {
      session_ = LOAM_TRY(services_.sessions->Get(request_.session(), kSessionPatience, stop_));
    }
    client_ = session::MakeRemoteClientServices({.sessions = services_.sessions,
                                                 .session_id = request_.session(),
                                                 .directory_cache = services_.engine->root() + "/client-dirs"});
    engine::Job job = services_.engine->StartJob(
        {.client = client_,
         .progress = status_,
         .entitlements = entitlements_,
         .title = Title(),
         .build_key = BuildKey(),
         .policy = Policy(),
         .step_proxies = services_.proxy_network || request_.proxynetwork() ? services_.step_proxies : nullptr,
         .compatibility_version = compatibility_version_,
         .cache_imports = caches_.imports});
    job_ = &job;
    for (const engine::CacheEntry& entry : caches_.exports) {
      LOAM_TRY(job.CheckCacheExport(entry));
    }
    gateway::FrontendsOptions frontends;
    frontends.job = job_;
    frontends.client = client_.get();
    frontends.worker = services_.worker;
    frontends.requests = services_.requests;
    frontends.session_id = request_.session();
    frontends.scratch_dir = services_.engine->root() + "/tmp";
    frontends.dockerfile = services_.frontends.dockerfile;
    frontends.gateway = services_.frontends.gateway;
    frontends.stop = stop_;
    frontends_.emplace(std::move(frontends));
    Result<std::map<std::string, std::string>> response = BuildAndExport();
    CloseBridge();
    const Result<> recorded = job.Finish(response ? std::nullopt : std::optional<Error>(response.error()));
    if (response && !recorded) {
      return Unexpected(recorded.error().Wrap("the build succeeded, but its record could not be written"));
    }
    return response;
  }

 private:
  Result<> ReadEntitlements() {
    for (const std::string& name : request_.entitlements()) {
      // A device may carry a value: "device=vendor/class=name,alias=x".
      const bool device = name == "device" || name.starts_with(kDeviceEntitlement);
      if (!services_.allowed_entitlements.contains(device ? "device" : name)) {
        return Unexpected(Error(ErrorCode::kPermissionDenied, fmt::format("entitlement {} is not allowed", name))
                              .WithHint("start the daemon with --allow-insecure-entitlement " + name));
      }
      if (device) {
        LOAM_TRY(cdi::AddGrant(name == "device" ? "" : name.substr(kDeviceEntitlement.size()), entitlements_.devices));
      }
      entitlements_.network_host = entitlements_.network_host || name == "network.host";
      entitlements_.security_insecure = entitlements_.security_insecure || name == "security.insecure";
    }
    return {};
  }

  Result<> ReadVersion() {
    const std::int64_t wanted = request_.compatibilityversion();
    if (wanted == 0) {
      return {};
    }
    if (std::find(std::begin(kVersions), std::end(kVersions), wanted) == std::end(kVersions)) {
      const std::string what = fmt::format("unsupported compatibility-version {}", wanted);
      return Unexpected(
          ErrorCode::kInvalidArgument,
          wanted > kVersions[2]
              ? fmt::format("{}: upgrade buildkit (max supported: {})", what, kVersions[2])
              : fmt::format("{} (supported: [{} {} {}])", what, kVersions[0], kVersions[1], kVersions[2]));
    }
    compatibility_version_ = static_cast<int>(wanted);
    return {};
  }

  Result<> ReadExporters() {
    const auto add = [this](const std::string& type, const auto& attributes) -> Result<> {
      SessionExport output;
      output.index = static_cast<int>(outputs_.size());
      output.request.type = type;
      output.request.attributes = {attributes.begin(), attributes.end()};
      const auto epoch = request_.frontendattrs().find(kEpochOption);
      // Else it names what the frontend finds the time of.
      const bool is_time = epoch != request_.frontendattrs().end() && !epoch->second.empty() &&
                           epoch->second.find_first_not_of("0123456789") == std::string::npos;
      if (is_time) {
        output.request.attributes.emplace(kEpochAttribute, epoch->second);
      }
      if (type == "image") {
        // Clients of a daemon do not run what it built: as BuildKit's OCI worker, it keeps no images unless asked to.
        output.request.attributes.emplace("store", "false");
      }
      LOAM_TRY(CheckExporter(output.request));
      outputs_.push_back(std::move(output));
      return {};
    };
    for (const control::Exporter& exporter : request_.exporters()) {
      LOAM_TRY(add(exporter.type(), exporter.attrs()));
    }
    if (request_.exporters().empty() && !request_.exporterdeprecated().empty()) {
      LOAM_TRY(add(request_.exporterdeprecated(), request_.exporterattrsdeprecated()));
    }
    return {};
  }

  [[nodiscard]] std::string Option(const std::string& name) const {
    const auto found = request_.frontendattrs().find(name);
    return found == request_.frontendattrs().end() ? std::string() : found->second;
  }

  [[nodiscard]] std::string Title() const {
    const std::string file = Option("filename");
    const std::string target = Option("target");
    return (file.empty() ? "build" : file) + (target.empty() ? "" : " --target " + target);
  }

  // The client's rules, and the client itself where it wants to be asked.
  [[nodiscard]] engine::SourcePolicyOptions Policy() const {
    engine::SourcePolicyOptions policy;
    if (request_.has_sourcepolicy()) {
      policy.rules.push_back(request_.sourcepolicy().SerializeAsString());
    }
    if (!request_.sourcepolicysession().empty()) {
      policy.ask = [sessions = services_.sessions, id = request_.sourcepolicysession()](
                       const auto& question, auto& answer, std::stop_token stop) -> Result<> {
        const auto session = LOAM_TRY(sessions->Get(id, kSessionPatience, stop));
        return session::AskSourcePolicy(*session, question, answer, stop);
      };
    }
    return policy;
  }

  [[nodiscard]] std::string BuildKey() const {
    return fmt::format("{}\n{}\n{}\n{}", session_ == nullptr ? "" : session_->shared_key(), request_.frontend(),
                       Option("filename"), Option("target"));
  }

  Result<std::map<std::string, std::string>> BuildAndExport() {
    gateway::FrontendResult result = LOAM_TRY(Build());
    std::map<std::string, std::string> response;
    for (const auto& [key, value] : result.metadata) {
      if (key.starts_with("frontend.") || key.starts_with("result.")) {
        response[key] = value;
      }
    }
    if (request_.enablesessionexporter()) {
      LOAM_TRY(AskSessionForExporters(result));
    }
    const bool nothing = !result.is_map && !result.metadata.contains(std::string(gateway::kPlatformsKey)) &&
                         (result.refs.empty() || result.refs.front().second.is_scratch());
    if (nothing && outputs_.empty() && caches_.exports.empty()) {
      return response;
    }
    std::vector<engine::PlatformResult> platforms = LOAM_TRY(gateway::PlatformResultsOf(result));
    if (!nothing) {
      LOAM_TRY(VerifyPlatforms(result, platforms));
    }
    if (!outputs_.empty()) {
      LOAM_TRY(job_->Attest(platforms, Attributes(), stop_));
    }
    for (SessionExport& output : outputs_) {
      output.request.multi_platform = result.is_map;
      output.request.metadata = result.metadata;
      output.request.inline_cache = caches_.inline_cache;
      auto made =
          LOAM_TRY(ExportToSession(*job_, platforms, output, session_, services_.engine->root() + "/tmp", stop_));
      if (events_.exported) {
        LOAM_TRY_CONTEXT("build history", events_.exported(output.index, made));
      }
      for (auto& [key, value] : made) {
        response[key] = std::move(value);
      }
    }
    for (const engine::CacheEntry& entry : caches_.exports) {
      for (auto& [key, value] : LOAM_TRY(job_->ExportCache(platforms, entry, stop_))) {
        response[key] = std::move(value);
      }
    }
    if (request_.enablesessionexporter()) {
      LOAM_TRY(FinalizeSessionExport(session_, response, stop_));
    }
    LOAM_TRY(TellDone(platforms, result.is_map));
    return response;
  }

  // The client looks at the result through a bridge: its own if it drove the build, else one that opens now.
  Result<> AskSessionForExporters(const gateway::FrontendResult& result) {
    std::vector<std::string> refs;
    if (bridge_ != nullptr) {
      refs = bridge_->ReturnedRefs();
    } else {
      OpenBridge({}, nullptr);
      refs = bridge_->Offer(result);
    }
    for (SessionExport& found :
         LOAM_TRY(FindSessionExporters(session_, result.metadata, refs, static_cast<int>(outputs_.size()), stop_))) {
      outputs_.push_back(std::move(found));
    }
    return {};
  }

  Result<> VerifyPlatforms(const gateway::FrontendResult& result,
                           std::span<const engine::PlatformResult> platforms) const {
    const auto requested = request_.frontendattrs().find("platform");
    const std::vector<std::string> warnings = LOAM_TRY(gateway::PlatformWarnings(
        requested == request_.frontendattrs().end() ? nullptr : &requested->second, result, platforms));
    if (warnings.empty()) {
      return {};
    }
    return job_->Step("verifying build result", [&warnings](solver::ProgressWriter& writer) -> Result<> {
      for (const std::string& text : warnings) {
        solver::WarningEvent warning;
        warning.short_message = text;
        writer.Warning(std::move(warning));
      }
      return {};
    });
  }

  Result<> TellDone(const std::vector<engine::PlatformResult>& platforms, bool is_map) {
    // What nobody got needs no explanation; it would cost a cached build more than all the rest.
    if (!events_.done || outputs_.empty()) {
      return {};
    }
    const std::vector<std::string> predicates =
        LOAM_TRY_CONTEXT("build history", job_->HistoryProvenance(platforms, Attributes()));
    std::map<std::string, std::string> provenance;
    for (std::size_t i = 0; i < platforms.size(); ++i) {
      provenance[is_map ? platforms[i].platform : std::string()] = predicates[i];
    }
    LOAM_TRY_CONTEXT("build history", events_.done(provenance));
    return {};
  }

  [[nodiscard]] std::map<std::string, std::string> Attributes() const {
    return {request_.frontendattrs().begin(), request_.frontendattrs().end()};
  }

  Result<gateway::FrontendResult> Build() {
    std::map<std::string, std::string> inputs;
    for (const auto& [name, definition] : request_.frontendinputs()) {
      inputs[name] = definition.SerializeAsString();
    }
    auto asked = std::make_shared<engine::FrontendRequest>();
    asked->frontend = request_.frontend();
    asked->options = Attributes();
    asked->inputs = gateway::RequestsOf(inputs, services_.requests);
    if (!request_.frontend().empty()) {
      UseOwnDockerfileFrontend(*asked);
      gateway::FrontendResult result = LOAM_TRY(frontends_->Run(asked, inputs));
      for (const auto& [name, fs] : result.refs) {
        result.requests.try_emplace(name, *asked);
      }
      return result;
    }
    // An empty definition is scratch; none at all, with no frontend, is a build that the client drives.
    if (request_.has_definition()) {
      gateway::FrontendResult result;
      result.refs.emplace_back("", LOAM_TRY(job_->Solve(request_.definition(), stop_)));
      if (!request_.definition().def().empty()) {
        result.definitions[""] = request_.definition().SerializeAsString();
      }
      return result;
    }
    const bool says_nothing = asked->options.empty() && inputs.empty();
    return RunClientBuild(std::move(inputs), says_nothing ? nullptr : std::move(asked));
  }

  // The frontend image `dockerfile.v0` is the frontend of that name, unless the client gives another one for it.
  static void UseOwnDockerfileFrontend(engine::FrontendRequest& asked) {
    const auto source = asked.options.find("source");
    if (asked.frontend != "gateway.v0" || source == asked.options.end() || source->second != kDockerfileFrontend) {
      return;
    }
    for (const auto& [name, value] : asked.options) {
      if (name == kDockerfileContext || name.starts_with(std::string(kDockerfileContext) + "::")) {
        return;
      }
    }
    asked.options.erase(source);
    asked.frontend = kDockerfileFrontend;
  }

  // The client's own build function drives the build through the bridge, which stays open until the result is exported.
  Result<gateway::FrontendResult> RunClientBuild(std::map<std::string, std::string> inputs,
                                                 gateway::FrontendRequestPtr root) {
    OpenBridge(std::move(inputs), std::move(root));
    return bridge_->WaitForReturn(stop_);
  }

  void OpenBridge(std::map<std::string, std::string> inputs, gateway::FrontendRequestPtr root) {
    bridge_ = std::make_shared<gateway::BridgeBuild>(frontends_->BridgeOptions(std::move(inputs), std::move(root)));
    services_.bridge_builds->Add(request_.ref(), bridge_);
  }

  void CloseBridge() {
    if (bridge_ != nullptr) {
      services_.bridge_builds->Remove(request_.ref());
      bridge_->Close();
      bridge_.reset();
    }
  }

  const SolveServices& services_;
  const control::SolveRequest& request_;
  const std::shared_ptr<BuildStatus> status_;
  const SolveEvents& events_;
  const std::stop_token stop_;
  ops::Entitlements entitlements_;
  int compatibility_version_ = kVersions[2];
  std::vector<SessionExport> outputs_;
  SolveCaches caches_;
  std::shared_ptr<session::Session> session_;
  std::shared_ptr<session::ClientServices> client_;
  engine::Job* job_ = nullptr;
  std::optional<gateway::Frontends> frontends_;
  // While a client's own build function may use it.
  std::shared_ptr<gateway::BridgeBuild> bridge_;
};

}  // namespace

void BridgeBuilds::Add(const std::string& ref, std::shared_ptr<gateway::BridgeBuild> build) {
  {
    const std::lock_guard lock(mutex_);
    builds_[ref] = std::move(build);
  }
  changed_.notify_all();
}

void BridgeBuilds::Remove(const std::string& ref) {
  const std::lock_guard lock(mutex_);
  builds_.erase(ref);
}

Result<std::shared_ptr<gateway::BridgeBuild>> BridgeBuilds::Find(const std::string& ref) {
  if (ref.empty()) {
    return Unexpected(ErrorCode::kUnknown, "no buildid found in context");
  }
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kBridgePatience, [&] { return builds_.contains(ref); })) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("no such job {}", ref));
  }
  return builds_.at(ref);
}

Result<std::map<std::string, std::string>> RunSolve(const SolveServices& services,
                                                    const moby::buildkit::v1::SolveRequest& request,
                                                    std::shared_ptr<BuildStatus> status, const SolveEvents& events,
                                                    std::stop_token stop) {
  return Solve(services, request, std::move(status), events, std::move(stop)).Run();
}

}  // namespace loam::daemon
