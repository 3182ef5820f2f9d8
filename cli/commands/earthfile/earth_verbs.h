// The verbs of earthly's command line: `loam earthly …`, and the program under the name `earthly`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/commands/earthfile/earth_build.h"

namespace loam::cli {

// True for `+target`, `./dir+target`, `github.com/a/b+t`: a word that names a target rather than a path.
bool LooksLikeEarthReference(std::string_view word);

// `loam +target …`, `loam build [FLAGS] +target …`: nullopt if the command line is not about Earthfiles.
std::optional<Exit> TryEarthCommand(Context& context, const std::vector<std::string>& arguments);

// A command of earthly's cloud service, such as `account`: why it is refused.
std::optional<Error> RefusedCloudCommand(std::string_view name);

// earthly's own command line.
Exit RunEarthly(Context& context, const std::vector<std::string>& arguments);

// The whole program: a link named `earthly` or `earth` takes earthly's command line. `called`: argv[0].
Exit RunNamed(Context& context, std::string_view called, const std::vector<std::string>& arguments);

struct EarthVerb {
  std::string_view name;
  std::string_view summary;
  bool hidden;
  // `words` are what follows the verb.
  Exit (*run)(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
              EarthDialect dialect);
};
std::span<const EarthVerb> EarthVerbs();

// bash completion by COMP_LINE and COMP_POINT; prints the candidates.
Exit CompleteEarthly(Context& context, const std::string& line, const std::string& point);

// --- one file each ---------------------------------------------------------------------------------------------------
Exit RunEarthBootstrap(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                       EarthDialect dialect);
Exit RunEarthDebug(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                   EarthDialect dialect);
Exit RunEarthInit(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                  EarthDialect dialect);
Exit RunEarthDockerBuild(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                         EarthDialect dialect);
Exit RunDockerToEarthly(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                        EarthDialect dialect);
Exit RunEarthLs(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                EarthDialect dialect);
Exit RunEarthDoc(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                 EarthDialect dialect);
Exit RunEarthConfig(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                    EarthDialect dialect);

}  // namespace loam::cli
