// BuildSite: where the work of an Earthfile build is done: the engine of this process (engine_site.h), or one
// elsewhere. The evaluation, LOCALLY and the files that are handed out are here in either case.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/sema/build_host.h"
#include "compiler/sema/earthfile/effects_host.h"
#include "llb-emit/emit.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/gateway/build_host.h"
#include "runtime-executor/ops/terminal_lender.h"
#include "runtime-executor/snapshot/mount.h"
#include "runtime-executor/solver/progress.h"

namespace loam::gateway::earthfile {

// A filesystem that was built. Of the site that made it, which outlives it.
class BuiltTree {
 public:
  virtual ~BuiltTree() = default;
  [[nodiscard]] virtual bool is_scratch() const = 0;
};
using TreeRef = std::shared_ptr<const BuiltTree>;

struct SiteImage {
  std::string platform;  // "linux/amd64"
  TreeRef tree;
  std::string config;  // OCI image config as JSON
};

// Thread-safe. Calls block.
class BuildSite {
 public:
  virtual ~BuildSite() = default;

  // For the evaluation; the site outlives it.
  virtual std::unique_ptr<sema::BuildHost> MakeHost(BuildHostOptions options, std::stop_token stop) = 0;
  // Serialised pb.Definitions, all at once; empty ones are scratch.
  virtual Result<std::vector<TreeRef>> BuildAll(std::span<const std::string_view> definitions,
                                                const std::stop_token& stop) = 0;
  // A view for reading its files here; not of scratch.
  virtual Result<snapshot::MountedFs> Mount(const TreeRef& tree, const std::stop_token& stop) = 0;
  // One image, of several platforms if the request says so. "image" with `store`: kept on the invoker's machine; with
  // `push`: pushed; "docker-load": into the Docker daemon `host`. The exporter's response.
  virtual Result<std::map<std::string, std::string>> Export(std::span<const SiteImage> images,
                                                            const engine::ExportRequest& request,
                                                            const std::stop_token& stop) = 0;
  // The image as an OCI layout in `directory`, which is made, its layers not compressed. The manifest's digest.
  virtual Result<std::string> WriteLayout(const SiteImage& image, const std::string& directory,
                                          const std::stop_token& stop) = 0;
  // Runs `body` as a step of its own, shown by the progress.
  virtual Result<> Step(const std::string& name, const std::function<Result<>(solver::ProgressWriter&)>& body) = 0;
  // What the step left that made the build of this definition's last node fail; null if it was another one, and an
  // Error if the site keeps no such thing.
  virtual Result<TreeRef> LeftByFailure(const Error& failure, const llb::Definition& definition) = 0;
  // A view of such a tree that has at least `path`, if it is there.
  virtual Result<snapshot::MountedFs> MountLeft(const TreeRef& tree, const std::string& path,
                                                const std::stop_token& stop) {
    static_cast<void>(path);
    return Mount(tree, stop);
  }
  // Builds the definition, whose last node is a command that has the terminal. `keep`: what it leaves is built on. An
  // Error where that is not possible.
  virtual Result<> RunOnTerminal(const llb::Definition& definition, bool keep,
                                 std::shared_ptr<ops::TerminalLender> terminal, const std::stop_token& stop) = 0;
};

}  // namespace loam::gateway::earthfile
