// BuildSite over several engines: what is built goes to the first engine whose workers are of the platform of its
// commands, else to the first that emulates it; a name for images of several platforms is pushed by their engines and
// put together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/gateway/earthfile/build_site.h"
#include "runtime-executor/session/client_services.h"

namespace loam::cli {

struct EngineSite {
  gateway::earthfile::BuildSite* site = nullptr;
  // "linux/amd64"; its workers' own first.
  std::vector<std::string> platforms;
};

// Which of the engines builds a serialised pb.Definition. kFailedPrecondition if its commands are of platforms that no
// engine has together: a definition is built by one.
Result<std::size_t> RouteDefinition(std::string_view definition, std::span<const EngineSite> sites);

// At least one site; the sites and the client outlive it.
std::unique_ptr<gateway::earthfile::BuildSite> MakeRoutedSite(std::vector<EngineSite> sites,
                                                              session::ClientServices& client);

}  // namespace loam::cli
