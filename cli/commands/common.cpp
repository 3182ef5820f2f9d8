#include "cli/commands/common.h"

#include "cli/config.h"

namespace loam::cli {

namespace {

// The command line beats the environment, which beats the configuration file.
std::string FirstOf(const Context& context, const Flags& flags, std::string_view flag, const char* variable,
                    const std::string& configured) {
  if (flags.Has(flag)) {
    return flags.String(flag);
  }
  const std::string value = context.Env(variable);
  return value.empty() ? configured : value;
}

}  // namespace

std::vector<std::string> EnginesOf(const Context& context, const Flags& flags) {
  std::vector<std::string> engines = flags.List("engine");
  if (const std::string host = context.Env("BUILDKIT_HOST"); engines.empty() && !host.empty()) {
    engines.push_back(host);
  }
  return engines;
}

std::string StateRoot(const Context& context, const Flags& flags) {
  const Result<Config> config = LoadConfig();
  std::string root = FirstOf(context, flags, "root", "LOAM_ROOT", config ? config->root : std::string());
  return root.empty() ? engine::DefaultRoot() : root;
}

Result<std::unique_ptr<engine::Engine>> OpenEngine(const Context& context, const Flags& flags,
                                                   const std::function<void(engine::EngineOptions&)>& adjust) {
  Config config = LOAM_TRY(LoadConfig());
  engine::EngineOptions options;
  options.root = FirstOf(context, flags, "root", "LOAM_ROOT", config.root);
  options.runtime = FirstOf(context, flags, "runtime", "LOAM_RUNTIME", config.runtime);
  options.snapshotter = FirstOf(context, flags, "snapshotter", "LOAM_SNAPSHOTTER", config.snapshotter);
  options.registry_hosts = std::move(config.registries);
  if (adjust) {
    adjust(options);
  }
  return engine::Engine::Open(std::move(options));
}

}  // namespace loam::cli
