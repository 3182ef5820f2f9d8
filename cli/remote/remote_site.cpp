#include "cli/remote/remote_site.h"

#include <fcntl.h>

#include <atomic>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/process.h"
#include "cli/remote/docker_archive.h"
#include "cli/remote/step_containers.h"
#include "frontend/build_result.h"
#include "frontend/earthfile_effects.h"
#include "frontend/gateway_build_host.h"
#include "runtime-executor/solver/vertex_channel.h"

namespace loam::cli {
namespace {

namespace api = frontend::api;
using gateway::earthfile::SiteImage;
using gateway::earthfile::TreeRef;
using Response = std::map<std::string, std::string>;

class RemoteTree final : public gateway::earthfile::BuiltTree {
 public:
  explicit RemoteTree(std::string_view bytes) : definition(bytes) {}
  [[nodiscard]] bool is_scratch() const override { return definition.empty(); }
  const std::string definition;
};

// What a failed step left.
class LeftTree final : public gateway::earthfile::BuiltTree {
 public:
  LeftTree(frontend::GatewayClient& client, StartedStep step) : containers(client, std::move(step)) {}
  [[nodiscard]] bool is_scratch() const override { return false; }
  const StepContainers containers;
};

const std::string& DefinitionOf(const TreeRef& tree) {
  return static_cast<const RemoteTree&>(*tree).definition;
}

// Where an exporter's output goes.
session::SessionOutput FileAt(std::string path) {
  return {.kind = session::SessionOutput::Kind::kFile, .path = std::move(path)};
}

class RemoteSite final : public gateway::earthfile::BuildSite {
 public:
  RemoteSite(frontend::GatewayClient& client, RemoteSiteOptions options)
      : client_(client), options_(std::move(options)) {}

  std::unique_ptr<sema::BuildHost> MakeHost(gateway::BuildHostOptions options, std::stop_token) override {
    frontend::GatewayBuildHostOptions wire;
    wire.inputs = std::move(options.inputs);
    wire.session_id = options_.session_id;
    wire.blocking = std::move(options.blocking);
    wire.on_definition = std::move(options.on_definition);
    return std::make_unique<frontend::GatewayBuildHost>(client_, std::move(wire));
  }

  Result<std::vector<TreeRef>> BuildAll(std::span<const std::string_view> definitions,
                                        const std::stop_token&) override {
    LOAM_TRY(frontend::BuildAll(client_, definitions));
    std::vector<TreeRef> trees;
    for (const std::string_view definition : definitions) {
      trees.push_back(std::make_shared<RemoteTree>(definition));
    }
    return trees;
  }

  Result<snapshot::MountedFs> Mount(const TreeRef& tree, const std::stop_token& stop) override {
    auto files = std::make_shared<TempDir>(LOAM_TRY(TempDir::Create("", "loam-files-")));
    const SiteImage result{native_platform(), tree, ""};
    LOAM_TRY(Solve({"local", {}}, {.kind = session::SessionOutput::Kind::kDirectory, .path = files->path()},
                   std::span(&result, 1), false, stop));
    UniqueFd root = LOAM_TRY(OpenFile(files->path(), O_PATH | O_DIRECTORY));
    return snapshot::MountedFs(std::move(root), snapshot::FsRef(), std::move(files));
  }

  Result<Response> Export(std::span<const SiteImage> images, const engine::ExportRequest& request,
                          const std::stop_token& stop) override {
    engine::ExportRequest wire = request;
    wire.attributes.erase("store");
    if (request.attributes.count("push") != 0) {
      wire.attributes["store"] = "false";
      return Solve(wire, {}, images, request.multi_platform, stop);
    }
    const std::string name = request.attributes.at("name");
    const TempDir temporary = LOAM_TRY(TempDir::Create("", "loam-image-"));
    const std::string archive = temporary.Child("image.tar");
    if (request.type == "docker-load") {
      wire.type = "docker";
      wire.attributes.erase("host");
      wire.attributes.erase("via");
      Response response = LOAM_TRY(Solve(wire, FileAt(archive), images, request.multi_platform, stop));
      LOAM_TRY(LoadDockerArchive(request.attributes.at("host"), archive, stop));
      return response;
    }
    wire.type = "oci";
    Response response = LOAM_TRY(Solve(wire, FileAt(archive), images, request.multi_platform, stop));
    LOAM_TRY(options_.keep_image(archive, name));
    return response;
  }

  Result<std::string> WriteLayout(const SiteImage& image, const std::string& directory,
                                  const std::stop_token& stop) override {
    const TempDir temporary = LOAM_TRY(TempDir::Create("", "loam-image-"));
    const std::string archive = temporary.Child("image.tar");
    LOAM_TRY(Solve({"oci", {{"compression", "uncompressed"}}}, FileAt(archive), std::span(&image, 1), false, stop));
    LOAM_TRY(MakeDirs(directory));
    ProcessSpec unpack;
    unpack.args = {"tar", "-xf", archive, "-C", directory};
    const ProcessOutput done = LOAM_TRY(RunProcess(std::move(unpack), {.stop = stop}));
    if (done.status.code != 0) {
      return Unexpected(ErrorCode::kInternal, fmt::format("unpack an image's layout: {}", done.err));
    }
    const std::string text = LOAM_TRY(ReadFile(directory + "/index.json"));
    const auto index = nlohmann::json::parse(text, nullptr, false);
    using namespace nlohmann::literals;
    if (!index.is_object() || !index.contains("/manifests/0/digest"_json_pointer)) {
      return Unexpected(ErrorCode::kInternal, "the engine exported an image layout without a manifest");
    }
    return index["/manifests/0/digest"_json_pointer].get<std::string>();
  }

  Result<> Step(const std::string& name, const std::function<Result<>(solver::ProgressWriter&)>& body) override {
    const auto graph = std::make_shared<solver::Graph>();
    solver::Vertex vertex;
    vertex.digest = Digest::Of(fmt::format("{}|{}|{}", options_.session_id, name, next_step_.fetch_add(1)));
    vertex.name = name;
    const solver::Vertex* const added = graph->Add(std::move(vertex));
    solver::VertexChannel channel(graph, *added, SystemClock());
    channel.Join(std::make_shared<const solver::JobParts>(solver::JobParts{0, nullptr, options_.progress}));
    channel.Started();
    Result<> result = body(channel);
    channel.Completed(false, result ? "" : result.error().message());
    return result;
  }

  Result<TreeRef> LeftByFailure(const Error& failure, const llb::Definition& definition) override {
    const std::optional<StartedStep> step = FindFailedStep(failure);
    if (!step || step->vertex != definition.head) {
      return TreeRef();
    }
    return TreeRef(std::make_shared<LeftTree>(client_, *step));
  }

  Result<snapshot::MountedFs> MountLeft(const TreeRef& tree, const std::string& path,
                                        const std::stop_token& stop) override {
    auto files = std::make_shared<TempDir>(LOAM_TRY(TempDir::Create("", "loam-files-")));
    LOAM_TRY(static_cast<const LeftTree&>(*tree).containers.Fetch(path, files->path(), stop));
    UniqueFd root = LOAM_TRY(OpenFile(files->path(), O_PATH | O_DIRECTORY));
    return snapshot::MountedFs(std::move(root), snapshot::FsRef(), std::move(files));
  }

  Result<> RunOnTerminal(const llb::Definition& definition, bool keep, std::shared_ptr<ops::TerminalLender> terminal,
                         const std::stop_token& stop) override {
    if (keep) {
      return Unexpected(
          Error(ErrorCode::kUnimplemented,
                "RUN --interactive-keep: a remote engine does not hand back what a step with a terminal leaves")
              .WithHint("build without --engine, or use RUN --interactive"));
    }
    const StartedStep step = LOAM_TRY(BuildInputs(client_, definition));
    const int code = LOAM_TRY(StepContainers(client_, step).RunStep(*terminal, stop));
    if (code != 0) {
      return Unexpected(ErrorCode::kUnknown,
                        fmt::format("the step on the terminal did not complete successfully: exit code: {}", code));
    }
    return {};
  }

 private:
  [[nodiscard]] std::string native_platform() const { return FormatPlatformAll(HostPlatform()); }

  Result<Response> Solve(const engine::ExportRequest& exporter, session::SessionOutput output,
                         std::span<const SiteImage> images, bool multi_platform, const std::stop_token& stop) {
    GatewaySolve solve = options_.solve;
    solve.outputs = {std::move(output)};
    auto& wire = *solve.request.add_exporters();
    wire.set_type(exporter.type);
    wire.mutable_attrs()->insert(exporter.attributes.begin(), exporter.attributes.end());
    const auto answer = [&](frontend::GatewayClient& client, const std::string&) -> Result<api::Result> {
      frontend::ResultBuilder result(client, multi_platform);
      for (const SiteImage& image : images) {
        frontend::BuiltPlatform built;
        built.id = image.platform;
        built.config = image.config;
        if (!image.tree->is_scratch()) {
          built.ref = LOAM_TRY(client.Solve(DefinitionOf(image.tree)));
        }
        LOAM_TRY(result.Add(std::move(built)));
      }
      return result.Finish();
    };
    return SolveOverGateway(std::move(solve), answer, stop);
  }

  frontend::GatewayClient& client_;
  const RemoteSiteOptions options_;
  std::atomic<std::uint64_t> next_step_{0};
};

}  // namespace

std::unique_ptr<gateway::earthfile::BuildSite> MakeRemoteSite(frontend::GatewayClient& client,
                                                              RemoteSiteOptions options) {
  return std::make_unique<RemoteSite>(client, std::move(options));
}

}  // namespace loam::cli
