#include "cli/commands/common.h"

namespace loam::cli {

namespace {

std::string FlagOrEnv(const Context& context, const Flags& flags, std::string_view flag, const char* variable) {
  return flags.Has(flag) ? flags.String(flag) : context.Env(variable);
}

}  // namespace

Result<std::unique_ptr<engine::Engine>> OpenEngine(const Context& context, const Flags& flags) {
  return engine::Engine::Open({.root = FlagOrEnv(context, flags, "root", "LOAM_ROOT"),
                               .runtime = FlagOrEnv(context, flags, "runtime", "LOAM_RUNTIME"),
                               .snapshotter = FlagOrEnv(context, flags, "snapshotter", "LOAM_SNAPSHOTTER")});
}

}  // namespace loam::cli
