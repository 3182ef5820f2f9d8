// `earthly docker2earthly`: a Dockerfile as an Earthfile.
#include <fmt/format.h>

#include "cli/commands/convert.h"
#include "cli/commands/earthfile/earth_verbs.h"

namespace loam::cli {
namespace {

constexpr Flag kFlags[] = {
    {.name = "dockerfile", .short_name = 0, .kind = FlagKind::kString, .value_name = "FILE", .help = ""},
    {.name = "earthfile", .short_name = 0, .kind = FlagKind::kString, .value_name = "FILE", .help = ""},
    {.name = "tag", .short_name = 0, .kind = FlagKind::kString, .value_name = "NAME", .help = ""},
};

}  // namespace

Exit RunDockerToEarthly(Context& context, const EarthSettings&, const std::vector<std::string>& words,
                        EarthDialect dialect) {
  const Result<EarthWords> parsed = ParseEarthWords(kFlags, words);
  if (!parsed) {
    PrintError(context, parsed.error());
    return Exit::kFailed;
  }
  if (!parsed->rest.empty()) {
    PrintError(context, Error(ErrorCode::kInvalidArgument,
                              fmt::format("{} docker2earthly takes no arguments", ProgramOf(dialect)))
                            .WithHint("name the file by --dockerfile"));
    return Exit::kFailed;
  }
  const Flags& flags = parsed->flags;
  return Convert(context, {.input = flags.Has("dockerfile") ? flags.String("dockerfile") : "Dockerfile",
                           .output = flags.Has("earthfile") ? flags.String("earthfile") : "Earthfile",
                           .image = flags.String("tag")});
}

}  // namespace loam::cli
