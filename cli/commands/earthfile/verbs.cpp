// loam ls, loam doc, loam init.
#include "cli/commands/verbs.h"
#include "cli/commands/earthfile/earth_verbs.h"

namespace loam::cli {
namespace {

constexpr Flag kArgsFlag = {.name = "args",
                            .short_name = 'a',
                            .kind = FlagKind::kBool,
                            .value_name = {},
                            .help = "also the ARGs of each target"};
constexpr Flag kLongFlag = {.name = "long",
                            .short_name = 'l',
                            .kind = FlagKind::kBool,
                            .value_name = {},
                            .help = "all that is known of each target"};
constexpr Flag kListFlags[] = {kArgsFlag, kLongFlag};
constexpr Flag kDocFlags[] = {kLongFlag};

using EarthRun = Exit (*)(Context&, const EarthSettings&, const std::vector<std::string>&, EarthDialect);

Exit Run(Context& context, const Flags& flags, EarthRun run) {
  std::vector<std::string> words = flags.positional();
  for (const std::string_view name : {"args", "long"}) {
    if (flags.Bool(name)) {
      words.push_back("--" + std::string(name));
    }
  }
  return run(context, EarthSettings(context, Flags()), words, EarthDialect::kLoam);
}

Exit Ls(Context& context, const Flags& flags) {
  return Run(context, flags, RunEarthLs);
}
Exit Doc(Context& context, const Flags& flags) {
  return Run(context, flags, RunEarthDoc);
}
Exit Init(Context& context, const Flags& flags) {
  return Run(context, flags, RunEarthInit);
}

}  // namespace

const Command kLsCommand = {.name = "ls",
                            .summary = "list the targets of an Earthfile, or (`./...`) of all below a directory",
                            .usage = "loam ls [FLAGS] [DIRECTORY | DIRECTORY/...]",
                            .flags = kListFlags,
                            .run = Ls};
const Command kDocCommand = {.name = "doc",
                             .summary = "print what the comments of an Earthfile's targets say",
                             .usage = "loam doc [FLAGS] [DIRECTORY][+TARGET]",
                             .flags = kDocFlags,
                             .run = Doc};
const Command kInitCommand = {
    .name = "init", .summary = "write an Earthfile to start from", .usage = "loam init", .flags = {}, .run = Init};

}  // namespace loam::cli
