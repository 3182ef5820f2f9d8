// `loam earthly`: earthly's command line, so that scripts and CI files go on working.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/earthfile/earth_verbs.h"
#include "compiler/sema/earthfile/reference.h"

namespace loam::cli {
namespace {

constexpr std::string_view kLanguageVersion = "v0.8.16";

// What earthly's cloud and daemon needed.
constexpr std::string_view kRefused[] = {
    "account", "org",      "orgs",       "organization", "organizations", "project", "projects",     "secret",
    "secrets", "registry", "registries", "satellite",    "satellites",    "sat",     "cloud",        "clouds",
    "github",  "gha",      "web",        "billing",      "preview",       "promote", "earthly-cloud"};

Exit RunPrune(Context& context, const EarthSettings& settings, const std::vector<std::string>& words, EarthDialect) {
  std::vector<std::string> arguments = {"prune"};
  for (const std::string& word : words) {
    if (word == "--all" || word == "-a") {
      arguments.emplace_back("--all");
    } else if (word == "--reset") {
      arguments.emplace_back("--all");
    } else {
      arguments.push_back(word);
    }
  }
  if (settings.flags().Has("root")) {
    arguments.insert(arguments.end(), {"--root", settings.flags().String("root")});
  }
  return RunMain(context, arguments);
}

constexpr EarthVerb kVerbs[] = {
    {"bootstrap", "teach shells to complete `earthly`; there is no daemon to set up", false, RunEarthBootstrap},
    {"config", "change earthly's configuration file", false, RunEarthConfig},
    {"debug", "print the syntax tree of an Earthfile as JSON", true, RunEarthDebug},
    {"doc", "print what the comments of targets say", false, RunEarthDoc},
    {"docker-build", "build a Dockerfile", false, RunEarthDockerBuild},
    {"docker2earth", "convert a Dockerfile to an Earthfile", true, RunDockerToEarthly},
    {"docker2earthly", "convert a Dockerfile to an Earthfile", true, RunDockerToEarthly},
    {"init", "write an Earthfile to start from", false, RunEarthInit},
    {"ls", "list the targets of an Earthfile", false, RunEarthLs},
    {"prune", "remove what the cache holds", false, RunPrune},
};

void PrintHelp(std::FILE* out, const Context& context) {
  PrintTo(out,
          "usage: earthly [FLAGS] TARGET [--ARG=VALUE…]\n"
          "       earthly [FLAGS] --artifact TARGET/PATH [DEST] [--ARG=VALUE…]\n"
          "       earthly [FLAGS] --image TARGET [--ARG=VALUE…]\n"
          "       earthly [FLAGS] COMMAND [ARGUMENTS]\n\ncommands:\n");
  const bool hidden = IsTrueText(context.Env("EARTHLY_SHOW_HIDDEN"));
  for (const EarthVerb& verb : EarthVerbs()) {
    if (!verb.hidden || hidden) {
      PrintTo(out, "  {:<14} {}\n", verb.name, verb.summary);
    }
  }
  std::vector<Flag> shown;
  for (const Flag& flag : EarthFlags()) {
    if (hidden || !IsHiddenEarthFlag(flag.name)) {
      shown.push_back(flag);
    }
  }
  PrintTo(out, "\nflags (most of them also as EARTHLY_* variables):\n{}", DescribeFlags(shown));
}

}  // namespace

std::optional<Error> RefusedCloudCommand(std::string_view name) {
  if (std::find(std::begin(kRefused), std::end(kRefused), name) == std::end(kRefused)) {
    return std::nullopt;
  }
  return Error(ErrorCode::kUnimplemented,
               fmt::format("`{}` is a command of earthly's cloud service, which does not exist any more", name));
}

std::span<const EarthVerb> EarthVerbs() {
  return kVerbs;
}

bool LooksLikeEarthReference(std::string_view word) {
  if (word.starts_with('-')) {
    return false;
  }
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\\') {
      ++i;
    } else if (word[i] == '+') {
      return i == 0 || word.find("://") == std::string_view::npos;
    }
  }
  return false;
}

std::optional<Exit> TryEarthCommand(Context& context, const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    return std::nullopt;
  }
  const bool explain = arguments[0] == "explain";
  const bool build = arguments[0] == "build" || explain;
  if (!build && !arguments[0].starts_with('-') && !LooksLikeEarthReference(arguments[0])) {
    return std::nullopt;
  }
  if (std::none_of(arguments.begin(), arguments.end(), LooksLikeEarthReference)) {
    return std::nullopt;
  }
  const std::vector<std::string> rest(arguments.begin() + (build ? 1 : 0), arguments.end());
  Result<EarthWords> words = ParseEarthWords(EarthFlags(), rest);
  if (build && (!words || words->rest.empty() || !LooksLikeEarthReference(words->rest[0]))) {
    // A Dockerfile's flags may have values with a plus.
    return std::nullopt;
  }
  if (!words) {
    PrintError(context, words.error());
    return Exit::kUsage;
  }
  if (words->flags.help()) {
    PrintHelp(context.out, context);
    return Exit::kOk;
  }
  return BuildEarthTarget(context, EarthSettings(context, std::move(words->flags)), words->rest, EarthDialect::kLoam,
                          explain ? EarthAction::kExplain : EarthAction::kBuild);
}

Exit RunEarthly(Context& context, const std::vector<std::string>& arguments) {
  if (const std::string line = context.Env("COMP_LINE"); !line.empty()) {
    return CompleteEarthly(context, line, context.Env("COMP_POINT"));
  }
  Result<EarthWords> words = ParseEarthWords(EarthFlags(), arguments);
  if (words && !words->rest.empty() && words->rest[0] == "build") {
    // The flags may also follow the verb.
    std::vector<std::string> joined = arguments;
    joined.erase(joined.end() - static_cast<std::ptrdiff_t>(words->rest.size()));
    words = ParseEarthWords(EarthFlags(), joined);
  }
  if (!words) {
    PrintError(context, words.error());
    return Exit::kFailed;
  }
  if (words->flags.help()) {
    PrintHelp(context.out, context);
    return Exit::kOk;
  }
  if (words->flags.Bool("version")) {
    PrintTo(context.out, "earthly version {}+loam{} {} linux\n", kLanguageVersion, LOAM_VERSION, LOAM_VERSION);
    return Exit::kOk;
  }
  const std::vector<std::string> rest = words->rest;
  EarthSettings settings(context, std::move(words->flags));
  if (!rest.empty() && !LooksLikeEarthReference(rest[0])) {
    const std::vector<std::string> after(rest.begin() + 1, rest.end());
    for (const EarthVerb& verb : EarthVerbs()) {
      if (verb.name == rest[0]) {
        return verb.run(context, settings, after, EarthDialect::kEarthly);
      }
    }
    if (const std::optional<Error> refused = RefusedCloudCommand(rest[0])) {
      PrintEarthError(context, *refused, EarthDialect::kEarthly);
      return Exit::kFailed;
    }
  }
  if (rest.empty()) {
    PrintHelp(context.err, context);
  }
  return BuildEarthTarget(context, std::move(settings), rest, EarthDialect::kEarthly);
}

Exit RunNamed(Context& context, std::string_view called, const std::vector<std::string>& arguments) {
  const std::string_view name = called.substr(called.rfind('/') + 1);
  return name == "earthly" || name == "earth" ? RunEarthly(context, arguments) : RunMain(context, arguments);
}

}  // namespace loam::cli
