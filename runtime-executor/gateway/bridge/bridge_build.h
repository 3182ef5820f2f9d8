// One build as a frontend sees it (BuildKit's LLBBridge): it solves definitions, reads their files, and at last returns
// its result. The frontend may be a client of the daemon, a container on stdio, or another frontend.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/platform.h"
#include "base/result.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/gateway/bridge/bridge_containers.h"
#include "runtime-executor/gateway/bridge/bridge_exec.h"
#include "runtime-executor/gateway/bridge/frontend_result.h"
#include "runtime-executor/provenance/request_registry.h"
#include "runtime-executor/session/client_services.h"

namespace moby::buildkit::v1::frontend {
class EvaluateRequest;
class PongResponse;
class InputsResponse;
class ReadDirRequest;
class ReadDirResponse;
class ReadFileRequest;
class ReadFileResponse;
class ResolveImageConfigRequest;
class ResolveImageConfigResponse;
class ResolveSourceMetaRequest;
class ResolveSourceMetaResponse;
class NewContainerRequest;
class ReleaseContainerRequest;
class Result;
class ReturnRequest;
class SolveRequest;
class SolveResponse;
class StatFileRequest;
class StatFileResponse;
class WarnRequest;
}  // namespace moby::buildkit::v1::frontend

namespace loam::gateway {

namespace bridge_api = moby::buildkit::v1::frontend;

using FrontendRequestPtr = std::shared_ptr<const engine::FrontendRequest>;

// Runs the frontend that the request names ("dockerfile.v0"); may block.
using RunFrontend = std::function<Result<FrontendResult>(const FrontendRequestPtr& request,
                                                         const std::map<std::string, std::string>& inputs)>;

// The requests of those inputs that other builds made. `requests` may be null.
std::map<std::string, provenance::RequestPtr> RequestsOf(const std::map<std::string, std::string>& inputs,
                                                         const provenance::RequestRegistry* requests);

// The worker as clients and frontends are told.
struct BridgeWorker {
  std::string id;
  std::map<std::string, std::string> labels;
  std::vector<Platform> platforms;
};

struct BridgeBuildOptions {
  // All outlive the build.
  engine::Job* job = nullptr;
  session::ClientServices* client = nullptr;
  RunFrontend run_frontend;
  BridgeWorker worker;
  // What the frontend itself was asked; null: it is the client's own function.
  FrontendRequestPtr request;
  // What the client asked for, if that is another request.
  FrontendRequestPtr root;
  // Where results are known by the requests that made them; may be null. Outlives the build.
  provenance::RequestRegistry* requests = nullptr;
  // Serialised pb.Definitions of the frontend's inputs, by name.
  std::map<std::string, std::string> inputs;
  // What is returned need not be solved: see FrontendResult::lazy.
  bool lazy = false;
  std::stop_token stop;
};

// Thread-safe. Every method blocks until it is done; whoever calls one from outside of the build holds a Use.
class BridgeBuild {
 public:
  explicit BridgeBuild(BridgeBuildOptions options);

  // While it lives, the job does. kUnavailable after Close.
  using Use = std::shared_lock<std::shared_mutex>;
  Result<Use> Enter();
  // Cancels what still runs and waits for it; the job may go afterwards.
  void Close();

  Result<> Ping(bridge_api::PongResponse& response) const;
  Result<> Inputs(bridge_api::InputsResponse& response) const;
  Result<> ResolveImageConfig(const bridge_api::ResolveImageConfigRequest& request,
                              bridge_api::ResolveImageConfigResponse& response);
  Result<> ResolveSourceMeta(const bridge_api::ResolveSourceMetaRequest& request,
                             bridge_api::ResolveSourceMetaResponse& response);
  Result<> Solve(const bridge_api::SolveRequest& request, bridge_api::SolveResponse& response);
  Result<> Evaluate(const bridge_api::EvaluateRequest& request);
  Result<> ReadFile(const bridge_api::ReadFileRequest& request, bridge_api::ReadFileResponse& response);
  Result<> ReadDir(const bridge_api::ReadDirRequest& request, bridge_api::ReadDirResponse& response);
  Result<> StatFile(const bridge_api::StatFileRequest& request, bridge_api::StatFileResponse& response);
  Result<> NewContainer(const bridge_api::NewContainerRequest& request);
  Result<> ReleaseContainer(const bridge_api::ReleaseContainerRequest& request);
  Result<> ReadFileContainer(const bridge_api::ReadFileRequest& request, bridge_api::ReadFileResponse& response);
  Result<> ReadDirContainer(const bridge_api::ReadDirRequest& request, bridge_api::ReadDirResponse& response);
  Result<> StatFileContainer(const bridge_api::StatFileRequest& request, bridge_api::StatFileResponse& response);
  Result<> ExecProcess(ExecStream& stream);
  Result<> Warn(const bridge_api::WarnRequest& request);
  Result<> Return(const bridge_api::ReturnRequest& request);

  // What was returned, solved. kCanceled on stop.
  Result<FrontendResult> WaitForReturn(std::stop_token stop);
  // The ids of the references that were returned.
  std::vector<std::string> ReturnedRefs() const;
  // What was returned so far.
  std::optional<Result<FrontendResult>> Returned() const;
  // References to the filesystems of a result, in its order; an empty one is "".
  std::vector<std::string> Offer(const FrontendResult& result);
  // Makes WaitForReturn fail, for example because the frontend's process ended; the first of both counts.
  void Fail(Error error);

 private:
  // A reference that the frontend holds: a definition, solved when it is first needed, or a result.
  struct Ref {
    std::string definition;
    // Serialised policies that came with it.
    std::vector<std::string> policies;
    // Caches in which its steps are looked up; nullopt: those of the job.
    std::optional<std::vector<engine::CacheEntry>> imports;
    engine::FrontendRequest request;
    std::mutex mutex;
    std::optional<snapshot::FsRef> fs;
  };

  Result<std::shared_ptr<Ref>> Find(const std::string& id) const;
  Result<snapshot::FsRef> SolveRef(const std::string& id);
  Result<snapshot::FsRef> SolveRef(Ref& ref);
  // The error of an operation, with its filesystems under ids that the frontend may use.
  Error NameFilesystems(Error error);
  Result<> SolveByFrontend(const bridge_api::SolveRequest& request, bridge_api::SolveResponse& response);
  // Other builds find the request by the definition, while this build lives.
  Result<> Register(const std::string& definition, const engine::FrontendRequest& request);
  // What was solved beside `returned`.
  engine::FrontendSources OtherSources(const std::vector<std::shared_ptr<Ref>>& returned);
  static bool CanWait(const Ref& ref);
  Result<> SolveTogether(const std::vector<std::shared_ptr<Ref>>& refs, bool lazy = false);
  Result<snapshot::MountedFs> MountRef(const std::string& id);
  std::string Add(std::shared_ptr<Ref> ref);
  // The references of the result, new ones.
  std::vector<std::shared_ptr<Ref>> Describe(FrontendResult result, bool array_refs,
                                             bridge_api::SolveResponse& response);
  Result<> ReturnFinal(const std::string& id, const std::string& attributes);
  Result<> ReadAttestations(const bridge_api::Result& wire, FrontendResult& result);

  const BridgeBuildOptions options_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> on_stop_;
  std::shared_mutex in_use_;
  bool closed_ = false;  // guarded by in_use_
  mutable std::mutex mutex_;
  std::condition_variable_any returned_;
  std::map<std::string, std::shared_ptr<Ref>> refs_;
  std::optional<Result<FrontendResult>> result_;
  std::vector<std::string> returned_refs_;
  std::vector<std::shared_ptr<void>> registered_;
  // Of frontends that this one asked.
  engine::FrontendSources nested_sources_;
  BridgeContainers containers_;
};

}  // namespace loam::gateway
