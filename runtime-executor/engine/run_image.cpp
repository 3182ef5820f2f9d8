#include "runtime-executor/engine/run_image.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/image_reference.h"
#include "base/platform.h"
#include "llb-emit/image_source.h"
#include "runtime-executor/engine/engine_state.h"

namespace loam::engine {

namespace {

constexpr std::string_view kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

using Json = nlohmann::json;

std::vector<std::string> StringsOf(const Json& config, const char* key) {
  std::vector<std::string> strings;
  if (const auto found = config.find(key); found != config.end() && found->is_array()) {
    for (const Json& item : *found) {
      if (item.is_string()) {
        strings.push_back(item.get<std::string>());
      }
    }
  }
  return strings;
}

std::string StringOf(const Json& config, const char* key) {
  const auto found = config.find(key);
  return found != config.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<worker::ExecSpec> SpecOf(const RunImageRequest& request, const std::string& image_config) {
  const Json document = Json::parse(image_config, nullptr, false);
  const Json config = document.is_object() ? document.value("config", Json::object()) : Json::object();
  worker::ExecSpec spec;
  std::vector<std::string> command = StringsOf(config, "Entrypoint");
  std::vector<std::string> arguments = StringsOf(config, "Cmd");
  if (request.entrypoint) {
    command.clear();
    arguments.clear();
    if (!request.entrypoint->empty()) {
      command.push_back(*request.entrypoint);
    }
  }
  spec.args = std::move(command);
  const std::vector<std::string>& tail = request.arguments.empty() ? arguments : request.arguments;
  spec.args.insert(spec.args.end(), tail.begin(), tail.end());
  if (spec.args.empty()) {
    return Unexpected(Error(ErrorCode::kFailedPrecondition,
                            fmt::format("the image `{}` has neither CMD nor ENTRYPOINT", request.image))
                          .WithHint(fmt::format("give a command: `loam run {} COMMAND`", request.image)));
  }
  spec.env = StringsOf(config, "Env");
  const bool has_path =
      std::any_of(spec.env.begin(), spec.env.end(), [](const std::string& item) { return item.starts_with("PATH="); });
  if (!has_path) {
    spec.env.emplace_back(kDefaultPath);
  }
  for (const std::string& item : request.env) {
    const std::string name = item.substr(0, item.find('=') + 1);
    std::erase_if(spec.env, [&](const std::string& other) { return other.starts_with(name); });
    spec.env.push_back(item);
  }
  spec.user = request.user.empty() ? StringOf(config, "User") : request.user;
  spec.cwd = request.cwd.empty() ? StringOf(config, "WorkingDir") : request.cwd;
  spec.network = request.network;
  spec.stdin_fd = request.stdin_fd;
  return spec;
}

}  // namespace

Result<int> RunImage(Engine& engine, Job& job, const RunImageRequest& request, worker::OutputSink& output,
                     std::stop_token stop) {
  const ImageReference reference = LOAM_TRY(ParseImageReference(request.image));
  const Platform platform = HostPlatform();
  const ResolvedImage image = LOAM_TRY(job.ResolveImage({.ref = reference.ToString(),
                                                         .platform = platform,
                                                         .resolve_mode = "default",
                                                         .log_name = {},
                                                         .oci_store_id = {}},
                                                        stop));
  worker::ExecSpec spec = LOAM_TRY(SpecOf(request, image.config));
  const pb::Definition definition = llb::ImageDefinition(image.pinned_ref, platform);
  const snapshot::FsRef fs = LOAM_TRY(job.Solve(definition, stop));
  snapshot::ActiveFs root = LOAM_TRY(engine.state().layers->Begin(fs, stop));
  spec.root_fd = root.fd();
  worker::Worker* const worker = LOAM_TRY(engine.state().Worker());
  return LOAM_TRY(worker->Run(spec, output, stop)).exit_code;
}

}  // namespace loam::engine
