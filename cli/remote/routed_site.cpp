#include "cli/remote/routed_site.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/platform.h"
#include "base/strings.h"
#include "cli/remote/merge_engines.h"
#include "compiler/passes/lower_capture.h"
#include "compiler/sema/forwarding_build_host.h"
#include "llb-emit/emit.h"
#include "llb-emit/image_source.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::cli {
namespace {

using gateway::earthfile::BuildSite;
using gateway::earthfile::SiteImage;
using gateway::earthfile::TreeRef;
using Response = std::map<std::string, std::string>;

class RoutedTree final : public gateway::earthfile::BuiltTree {
 public:
  RoutedTree(std::size_t engine, TreeRef engine_tree) : site(engine), tree(std::move(engine_tree)) {}
  [[nodiscard]] bool is_scratch() const override { return tree->is_scratch(); }
  const std::size_t site;
  const TreeRef tree;
};

const RoutedTree& Routed(const TreeRef& tree) {
  return static_cast<const RoutedTree&>(*tree);
}

std::set<std::string> PlatformsOf(const pb::Definition& definition, bool commands_only) {
  std::set<std::string> platforms;
  for (const std::string& bytes : definition.def()) {
    pb::Op op;
    if (!op.ParseFromString(bytes) || !op.has_platform() || (commands_only && !op.has_exec())) {
      continue;
    }
    if (const std::optional<Platform> platform = llb::PlatformOf(op.platform())) {
      platforms.insert(NormalizePlatform(*platform).ToString());
    }
  }
  return platforms;
}

std::optional<std::size_t> EngineFor(const std::set<std::string>& platforms, std::span<const EngineSite> sites) {
  const auto covers = [&](std::span<const std::string> offered) {
    return std::all_of(platforms.begin(), platforms.end(), [&](const std::string& platform) {
      return std::find(offered.begin(), offered.end(), platform) != offered.end();
    });
  };
  for (std::size_t i = 0; i < sites.size(); ++i) {
    if (covers(std::span(sites[i].platforms).first(std::min<std::size_t>(1, sites[i].platforms.size())))) {
      return i;
    }
  }
  for (std::size_t i = 0; i < sites.size(); ++i) {
    if (covers(sites[i].platforms)) {
      return i;
    }
  }
  return std::nullopt;
}

// Asks the engine that would build what the question is about.
class RoutedHost final : public sema::ForwardingBuildHost {
 public:
  RoutedHost(std::vector<std::unique_ptr<sema::BuildHost>> hosts, std::span<const EngineSite> sites)
      : ForwardingBuildHost(*hosts.front()), hosts_(std::move(hosts)), sites_(sites) {}

  Result<sema::ImageMetadata> ResolveImage(const sema::ImageQuery& query) override {
    const Platform wanted{std::string(query.platform.os),
                          std::string(query.platform.architecture),
                          std::string(query.platform.variant),
                          "",
                          {}};
    const auto engine = EngineFor({NormalizePlatform(wanted).ToString()}, sites_);
    return hosts_[engine.value_or(0)]->ResolveImage(query);
  }
  Result<> Evaluate(ir::Graph& graph, ir::Value fs) override {
    sema::BuildHost* const host = LOAM_TRY(HostFor(graph, fs));
    return host->Evaluate(graph, fs);
  }
  Result<std::string> ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path, std::uint64_t limit) override {
    sema::BuildHost* const host = LOAM_TRY(HostFor(graph, fs));
    return host->ReadFile(graph, fs, path, limit);
  }
  Result<sema::FileStat> StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) override {
    sema::BuildHost* const host = LOAM_TRY(HostFor(graph, fs));
    return host->StatFile(graph, fs, path);
  }
  Result<std::vector<sema::FileStat>> ListDirectory(ir::Graph& graph, ir::Value fs, std::string_view path) override {
    sema::BuildHost* const host = LOAM_TRY(HostFor(graph, fs));
    return host->ListDirectory(graph, fs, path);
  }
  Result<sema::ProcessResult> Run(ir::Graph& graph, ir::Value capture) override {
    const ir::Value lowered = passes::LowerCapture(graph, capture, passes::CaptureRoot::kUnused);
    sema::BuildHost* const host = LOAM_TRY(HostFor(graph, lowered));
    return host->Run(graph, capture);
  }

 private:
  Result<sema::BuildHost*> HostFor(const ir::Graph& graph, ir::Value fs) {
    const llb::Definition definition = LOAM_TRY(llb::Emit(graph, fs));
    return hosts_[LOAM_TRY(RouteDefinition(definition.bytes, sites_))].get();
  }

  const std::vector<std::unique_ptr<sema::BuildHost>> hosts_;
  const std::span<const EngineSite> sites_;
};

class RoutedSite final : public BuildSite {
 public:
  RoutedSite(std::vector<EngineSite> sites, session::ClientServices& client)
      : sites_(std::move(sites)), client_(client) {}

  std::unique_ptr<sema::BuildHost> MakeHost(gateway::BuildHostOptions options, std::stop_token stop) override {
    std::vector<std::unique_ptr<sema::BuildHost>> hosts;
    hosts.reserve(sites_.size());
    for (const EngineSite& each : sites_) {
      hosts.push_back(each.site->MakeHost(options, stop));
    }
    return std::make_unique<RoutedHost>(std::move(hosts), sites_);
  }

  Result<std::vector<TreeRef>> BuildAll(std::span<const std::string_view> definitions,
                                        const std::stop_token& stop) override {
    std::map<std::size_t, std::vector<std::size_t>> shares;
    for (std::size_t i = 0; i < definitions.size(); ++i) {
      shares[LOAM_TRY(RouteDefinition(definitions[i], sites_))].push_back(i);
    }
    std::vector<TreeRef> trees(definitions.size());
    std::vector<Result<>> outcomes(shares.size());
    {
      std::vector<std::jthread> builds;
      for (std::size_t next = 0; const auto& [engine, own] : shares) {
        builds.emplace_back([&, engine = engine, &own = own, &outcome = outcomes[next]] {
          outcome = BuildShare(engine, definitions, own, trees, stop);
        });
        ++next;
      }
    }
    for (const Result<>& outcome : outcomes) {
      LOAM_TRY(outcome);
    }
    return trees;
  }

  Result<snapshot::MountedFs> Mount(const TreeRef& tree, const std::stop_token& stop) override {
    return SiteOf(tree).Mount(Routed(tree).tree, stop);
  }

  Result<Response> Export(std::span<const SiteImage> images, const engine::ExportRequest& request,
                          const std::stop_token& stop) override {
    std::map<std::size_t, std::vector<SiteImage>> shares;
    for (const SiteImage& image : images) {
      shares[Routed(image.tree).site].push_back({image.platform, Routed(image.tree).tree, image.config});
    }
    if (shares.size() == 1) {
      return sites_[shares.begin()->first].site->Export(shares.begin()->second, request, stop);
    }
    const std::vector<engine::ExportRequest> whole = {request};
    engine::ExportRequest part = LOAM_TRY(PartialExports(whole)).front();
    part.multi_platform = true;
    std::vector<Response> parts;
    for (const auto& [engine, own] : shares) {
      parts.push_back(LOAM_TRY(sites_[engine].site->Export(own, part, stop)));
    }
    return MergePushed(whole, parts, client_, stop);
  }

  Result<std::string> WriteLayout(const SiteImage& image, const std::string& directory,
                                  const std::stop_token& stop) override {
    return SiteOf(image.tree).WriteLayout({image.platform, Routed(image.tree).tree, image.config}, directory, stop);
  }

  Result<> Step(const std::string& name, const std::function<Result<>(solver::ProgressWriter&)>& body) override {
    return sites_.front().site->Step(name, body);
  }

  Result<TreeRef> LeftByFailure(const Error& failure, const llb::Definition& definition) override {
    const std::size_t engine = LOAM_TRY(RouteDefinition(definition.bytes, sites_));
    TreeRef left = LOAM_TRY(sites_[engine].site->LeftByFailure(failure, definition));
    return left == nullptr ? left : std::make_shared<RoutedTree>(engine, std::move(left));
  }

  Result<snapshot::MountedFs> MountLeft(const TreeRef& tree, const std::string& path,
                                        const std::stop_token& stop) override {
    return SiteOf(tree).MountLeft(Routed(tree).tree, path, stop);
  }

  Result<> RunOnTerminal(const llb::Definition& definition, bool keep, std::shared_ptr<ops::TerminalLender> terminal,
                         const std::stop_token& stop) override {
    const std::size_t engine = LOAM_TRY(RouteDefinition(definition.bytes, sites_));
    return sites_[engine].site->RunOnTerminal(definition, keep, std::move(terminal), stop);
  }

 private:
  [[nodiscard]] BuildSite& SiteOf(const TreeRef& tree) const { return *sites_[Routed(tree).site].site; }

  // `own`: the indices of the definitions that this engine builds.
  Result<> BuildShare(std::size_t engine, std::span<const std::string_view> definitions,
                      const std::vector<std::size_t>& own, std::vector<TreeRef>& trees,
                      const std::stop_token& stop) const {
    std::vector<std::string_view> share;
    share.reserve(own.size());
    for (const std::size_t index : own) {
      share.push_back(definitions[index]);
    }
    std::vector<TreeRef> built = LOAM_TRY(sites_[engine].site->BuildAll(share, stop));
    for (std::size_t i = 0; i < own.size(); ++i) {
      trees[own[i]] = std::make_shared<RoutedTree>(engine, std::move(built[i]));
    }
    return {};
  }

  const std::vector<EngineSite> sites_;
  session::ClientServices& client_;
};

}  // namespace

Result<std::size_t> RouteDefinition(std::string_view definition, std::span<const EngineSite> sites) {
  pb::Definition parsed;
  if (!parsed.ParseFromArray(definition.data(), static_cast<int>(definition.size()))) {
    return Unexpected(ErrorCode::kInternal, "what is to be built is no definition");
  }
  const std::set<std::string> commands = PlatformsOf(parsed, true);
  if (!commands.empty()) {
    if (const auto engine = EngineFor(commands, sites)) {
      return *engine;
    }
    const std::vector<std::string> names(commands.begin(), commands.end());
    return Unexpected(
        Error(ErrorCode::kFailedPrecondition,
              names.size() == 1
                  ? fmt::format("none of the engines builds {}", names.front())
                  : fmt::format("none of the engines builds {}, of which one result is made up", Join(names, " and ")))
            .WithHint(names.size() == 1 ? "name an engine that does with --engine"
                                        : "an engine cannot take files from a build of another one: name one that has "
                                          "all of these platforms"));
  }
  // Files alone: any engine can, but what belongs to a platform is best kept in one place.
  return EngineFor(PlatformsOf(parsed, false), sites).value_or(0);
}

std::unique_ptr<gateway::earthfile::BuildSite> MakeRoutedSite(std::vector<EngineSite> sites,
                                                              session::ClientServices& client) {
  return std::make_unique<RoutedSite>(std::move(sites), client);
}

}  // namespace loam::cli
