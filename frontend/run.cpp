#include "frontend/run.h"

#include "frontend/dockerfile_build.h"
#include "frontend/earthfile_build.h"
#include "frontend/status.h"
#include "proto/google/rpc/status.pb.h"

namespace loam::frontend {
namespace {

Result<api::Result> Build(GatewayClient& client, const Environment& environment) {
  LOAM_TRY(client.Connect());
  const std::map<std::string, std::string> inputs = LOAM_TRY(client.Inputs());
  auto built = LOAM_TRY(BuildDockerfile(client, environment, inputs));
  if (const auto* const earthfile = std::get_if<EarthfileFound>(&built)) {
    return BuildEarthfile(client, environment, inputs, earthfile->name);
  }
  return std::get<api::Result>(std::move(built));
}

}  // namespace

Result<> Run(GatewayClient& client, const Environment& environment) {
  Result<api::Result> built = Build(client, environment);
  api::ReturnRequest request;
  if (built) {
    *request.mutable_result() = *std::move(built);
  } else {
    SetStatus(built.error(), *request.mutable_error());
  }
  return client.Return(request);
}

}  // namespace loam::frontend
