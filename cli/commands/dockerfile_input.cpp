#include "cli/commands/dockerfile_input.h"

#include <fmt/format.h>

#include "base/file_system.h"
#include "cli/commands/common.h"
#include "compiler/sema/json_build_host.h"
#include "runtime-executor/gateway/build_host.h"

namespace loam::cli {

Result<DockerfileInput> ReadDockerfileInput(const BuildContext& files, const BuildRequest& request,
                                            std::string_view what) {
  if (!files.remote_url.empty()) {
    return Unexpected(ErrorCode::kUnimplemented,
                      fmt::format("{} does not fetch remote contexts; give it a directory", what));
  }
  DockerfileInput input;
  std::string text = LOAM_TRY(ReadFile(files.dockerfile_dir + "/" + files.dockerfile_name));
  input.sources = std::make_unique<source::SourceManager>();
  input.buffer = LOAM_TRY(input.sources->AddText(files.display_name, std::move(text)));
  input.options = LOAM_TRY(sema::ParseFrontendOptions(request.frontend.options));
  input.options.file_name = files.dockerfile_name;
  return input;
}

Result<CompilerHost> OpenCompilerHost(const Context& context, const Flags& flags, const BuildRequest& request) {
  CompilerHost around;
  if (flags.Has("images")) {
    const std::string json = LOAM_TRY(ReadFile(flags.String("images")));
    around.host = std::make_unique<sema::JsonBuildHost>(
        LOAM_TRY_CONTEXT(flags.String("images"), sema::JsonBuildHost::Parse(json)));
    return around;
  }
  around.engine = LOAM_TRY(OpenEngine(context, flags));
  around.job =
      std::make_unique<engine::Job>(around.engine->StartJob({.client = request.client,
                                                             .progress = std::make_shared<solver::NullProgressSink>(),
                                                             .entitlements = {},
                                                             .title = request.title,
                                                             .build_key = request.build_key}));
  around.host = gateway::MakeBuildHost(*around.job, *request.client, context.stop);
  return around;
}

}  // namespace loam::cli
