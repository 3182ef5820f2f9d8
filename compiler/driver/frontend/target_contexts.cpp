#include "compiler/driver/frontend/target_contexts.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/base64.h"

namespace loam::driver {
namespace {

constexpr std::string_view kContext = "context:";
constexpr std::string_view kTarget = "target:";

}  // namespace

Result<> BuildTargetContexts(DockerfileRequest& request,
                             const std::function<Result<CompileResult>(const DockerfileRequest&)>& compile) {
  // Name of the context, and the stage.
  std::vector<std::pair<std::string, std::string>> targets;
  for (const auto& [key, value] : request.options) {
    if (key.starts_with(kContext) && value.starts_with(kTarget)) {
      targets.emplace_back(key.substr(kContext.size()), value.substr(kTarget.size()));
    }
  }
  if (targets.empty()) {
    return {};
  }
  DockerfileRequest part = request;
  for (const auto& [name, target] : targets) {
    part.options.erase(fmt::format("{}{}", kContext, name));
  }
  for (const auto& [name, target] : targets) {
    if (target.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the context `{}` names no target", name));
    }
    part.options["target"] = target;
    const CompileResult compiled =
        LOAM_TRY_CONTEXT(fmt::format("the context `{}`, target `{}`", name, target), compile(part));
    const auto add = [&](const std::string& input, const CompiledPlatform& platform) {
      request.inputs[input] = platform.definition.bytes;
      request.options[fmt::format("{}{}", kContext, input)] = "input:" + input;
      request.options["input-metadata:" + input] =
          fmt::format(R"({{"containerimage.config":"{}"}})", Base64Encode(platform.image_config));
    };
    bool first = true;
    for (const CompiledPlatform& platform : compiled.platforms) {
      // For stages of other platforms than those of the build, the first serves.
      if (std::exchange(first, false)) {
        add(name, platform);
      }
      add(fmt::format("{}::{}", name, platform.platform), platform);
    }
  }
  return {};
}

}  // namespace loam::driver
