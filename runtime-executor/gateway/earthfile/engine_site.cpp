#include "runtime-executor/gateway/earthfile/engine_site.h"

#include <utility>

#include "runtime-executor/ops/exec_failure.h"
#include "runtime-executor/solver/op.h"

namespace loam::gateway::earthfile {
namespace {

class EngineTree final : public BuiltTree {
 public:
  explicit EngineTree(snapshot::FsRef tree) : fs(std::move(tree)) {}
  [[nodiscard]] bool is_scratch() const override { return fs.is_scratch(); }
  const snapshot::FsRef fs;
};

const snapshot::FsRef& FsOf(const TreeRef& tree) {
  return static_cast<const EngineTree&>(*tree).fs;
}

engine::PlatformResult ResultOf(const SiteImage& image) {
  return {.platform = image.platform, .fs = FsOf(image.tree), .image_config = image.config};
}

class EngineSite final : public BuildSite {
 public:
  EngineSite(engine::Job& job, session::ClientServices& client) : job_(job), client_(client) {}

  std::unique_ptr<sema::BuildHost> MakeHost(BuildHostOptions options, std::stop_token stop) override {
    return MakeBuildHost(job_, client_, std::move(stop), std::move(options));
  }

  Result<std::vector<TreeRef>> BuildAll(std::span<const std::string_view> definitions,
                                        const std::stop_token& stop) override {
    std::vector<TreeRef> trees;
    for (snapshot::FsRef& fs : LOAM_TRY(job_.SolveAll(definitions, stop))) {
      trees.push_back(std::make_shared<EngineTree>(std::move(fs)));
    }
    return trees;
  }

  Result<snapshot::MountedFs> Mount(const TreeRef& tree, const std::stop_token& stop) override {
    return job_.Mount(FsOf(tree), stop);
  }

  Result<std::map<std::string, std::string>> Export(std::span<const SiteImage> images,
                                                    const engine::ExportRequest& request,
                                                    const std::stop_token& stop) override {
    std::vector<engine::PlatformResult> results;
    for (const SiteImage& image : images) {
      results.push_back(ResultOf(image));
    }
    return job_.Export(results, request, stop);
  }

  Result<std::string> WriteLayout(const SiteImage& image, const std::string& directory,
                                  const std::stop_token& stop) override {
    engine::ExportRequest request;
    request.type = "oci";
    request.attributes = {{"dest", directory}, {"tar", "false"}, {"compression", "uncompressed"}};
    const engine::PlatformResult result = ResultOf(image);
    const auto response = LOAM_TRY(job_.Export(std::span(&result, 1), request, stop));
    const auto digest = response.find("containerimage.digest");
    if (digest == response.end()) {
      return Unexpected(ErrorCode::kInternal, "the export of an image gave no digest");
    }
    return digest->second;
  }

  Result<> Step(const std::string& name, const std::function<Result<>(solver::ProgressWriter&)>& body) override {
    return job_.Step(name, body);
  }

  Result<TreeRef> LeftByFailure(const Error& failure, const llb::Definition& definition) override {
    const auto* const vertex = failure.Detail<solver::VertexErrorDetail>();
    const auto* const failed = failure.Detail<ops::FailedExecDetail>();
    if (vertex == nullptr || failed == nullptr || vertex->digest != definition.head) {
      return TreeRef();
    }
    return TreeRef(std::make_shared<EngineTree>(failed->root));
  }

  Result<> RunOnTerminal(const llb::Definition& definition, bool /*keep*/,
                         std::shared_ptr<ops::TerminalLender> terminal, const std::stop_token& stop) override {
    job_.LendTerminal(definition.head, std::move(terminal));
    const std::string_view bytes = definition.bytes;
    LOAM_TRY(BuildAll(std::span(&bytes, 1), stop));
    return {};
  }

 private:
  engine::Job& job_;
  session::ClientServices& client_;
};

}  // namespace

std::unique_ptr<BuildSite> MakeEngineSite(engine::Job& job, session::ClientServices& client) {
  return std::make_unique<EngineSite>(job, client);
}

}  // namespace loam::gateway::earthfile
