// `earthly docker-build`: a Dockerfile without an Earthfile, which is what `loam build` does.
#include <fmt/format.h>

#include "base/strings.h"
#include "cli/commands/earthfile/earth_verbs.h"

namespace loam::cli {
namespace {

constexpr Flag kFlags[] = {
    {.name = "build-arg", .short_name = 0, .kind = FlagKind::kList, .value_name = "NAME=VALUE", .help = ""},
    {.name = "dockerfile", .short_name = 'f', .kind = FlagKind::kString, .value_name = "FILE", .help = ""},
    {.name = "platform", .short_name = 0, .kind = FlagKind::kList, .value_name = "OS/ARCH", .help = ""},
    {.name = "secret", .short_name = 's', .kind = FlagKind::kList, .value_name = "NAME=VALUE", .help = ""},
    {.name = "tag", .short_name = 't', .kind = FlagKind::kList, .value_name = "NAME", .help = ""},
    {.name = "target", .short_name = 0, .kind = FlagKind::kString, .value_name = "STAGE", .help = ""},
};

}  // namespace

Exit RunEarthDockerBuild(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                         EarthDialect dialect) {
  const auto fail = [&](std::string message) {
    PrintError(context, Error(ErrorCode::kInvalidArgument, std::move(message)));
    return Exit::kFailed;
  };
  Result<EarthWords> parsed = ParseEarthWords(kFlags, words);
  if (!parsed) {
    PrintError(context, parsed.error());
    return Exit::kFailed;
  }
  std::vector<std::string> paths;
  std::vector<std::string> args;
  for (const std::string& word : parsed->rest) {
    if (word.starts_with("--")) {
      args.push_back(word.substr(2));
    } else {
      paths.push_back(word);
    }
  }
  if (paths.empty()) {
    return fail(fmt::format("no build context path provided. Try {} docker-build <path>", ProgramOf(dialect)));
  }
  if (paths.size() > 1) {
    return fail(fmt::format("invalid arguments {}", Join(paths, " ")));
  }
  const Flags& flags = parsed->flags;
  std::vector<std::string> arguments = {"build"};
  const auto add = [&](std::string_view name, const std::string& value) {
    arguments.push_back(fmt::format("--{}", name));
    arguments.push_back(value);
  };
  if (flags.Has("dockerfile")) {
    // earthly finds it beside the context's files.
    const std::string file = flags.String("dockerfile");
    add("file", file.starts_with('/') || paths[0] == "." ? file : paths[0] + "/" + file);
  }
  for (const std::string& tag : flags.List("tag")) {
    add("tag", tag);
  }
  for (const std::string& platform : flags.List("platform")) {
    add("platform", platform);
  }
  if (flags.Has("target")) {
    add("target", flags.String("target"));
  }
  for (const std::string& arg : flags.List("build-arg")) {
    add("build-arg", arg);
  }
  for (const std::string& arg : args) {
    add("build-arg", arg);
  }
  if (settings.Bool("no-cache")) {
    arguments.emplace_back("--no-cache");
  }
  if (settings.Bool("push")) {
    arguments.emplace_back("--push");
  }
  if (settings.flags().Has("root")) {
    add("root", settings.flags().String("root"));
  }
  arguments.push_back(paths[0]);
  return RunMain(context, arguments);
}

}  // namespace loam::cli
