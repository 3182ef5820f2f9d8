#include "cli/commands/earthfile/earth_flags.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::cli {
namespace {

enum class Standing : std::uint8_t { kShown, kHidden, kIgnored };

struct Entry {
  Flag flag;
  Standing standing = Standing::kShown;
};

constexpr Entry kEntries[] = {
    {{.name = "allow-privileged",
      .short_name = 'P',
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "allow RUN --privileged and WITH DOCKER"},
     Standing::kShown},
    {{.name = "arg-file-path",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "FILE",
      .help = "values of ARGs (default .arg)",
      .completion = "file"},
     Standing::kShown},
    {{.name = "artifact",
      .short_name = 'a',
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "write only the named artifact: `--artifact +target/path [DEST]`"},
     Standing::kShown},
    {{.name = "auto-skip",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "do nothing if the target was built with the same inputs before"},
     Standing::kShown},
    {{.name = "auto-skip-db-path",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "FILE",
      .help = "where --auto-skip keeps what was built",
      .completion = "file"},
     Standing::kShown},
    {{.name = "build-arg",
      .short_name = 0,
      .kind = FlagKind::kList,
      .value_name = "NAME[=VALUE]",
      .help = "value of an ARG; also `--NAME=VALUE` after the target"},
     Standing::kShown},
    {{.name = "build-arg-file",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "FILE",
      .help = "the same as --arg-file-path",
      .completion = "file"},
     Standing::kShown},
    {{.name = "buildkit-additional-args",
      .short_name = 0,
      .kind = FlagKind::kList,
      .value_name = "ARG",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "buildkit-container-name",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "NAME",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "buildkit-host",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "URL",
      .help = "the same as --engine"},
     Standing::kHidden},
    {{.name = "buildkit-image",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "IMAGE",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "buildkit-volume-name",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "NAME",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "cache-from",
      .short_name = 0,
      .kind = FlagKind::kList,
      .value_name = "IMAGE",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "ci", .short_name = 0, .kind = FlagKind::kBool, .value_name = "", .help = "for CI: --no-output --strict"},
     Standing::kShown},
    {{.name = "config",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "FILE",
      .help = "earthly's configuration file (default ~/.earthly/config.yml)",
      .completion = "file"},
     Standing::kShown},
    {{.name = "debug", .short_name = 'D', .kind = FlagKind::kBool, .value_name = "", .help = "more messages"},
     Standing::kHidden},
    {{.name = "disable-remote-registry-proxy",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "env-file-path",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "FILE",
      .help = "values of EARTHLY_* settings (default .env)",
      .completion = "file"},
     Standing::kShown},
    {{.name = "exec-stats",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "show what each command used of CPU and memory"},
     Standing::kHidden},
    {{.name = "exec-stats-summary",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "FILE",
      .help = "write a table of it (-: to standard output)",
      .completion = "file"},
     Standing::kHidden},
    {{.name = "git-branch",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "BRANCH",
      .help = "the branch the build counts as being on"},
     Standing::kHidden},
    {{.name = "git-lfs-pull-include",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "PATHS",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "git-password",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "PASSWORD",
      .help = "accepted without effect; git's own configuration is used"},
     Standing::kIgnored},
    {{.name = "git-username",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "NAME",
      .help = "accepted without effect; git's own configuration is used"},
     Standing::kIgnored},
    {{.name = "github-annotations",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "groups and annotations of GitHub Actions (set there)"},
     Standing::kShown},
    {{.name = "global-wait-end",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "image",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "keep only the image of the named target: `--image +target`"},
     Standing::kShown},
    {{.name = "installation-name",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "NAME",
      .help = "the configuration is in ~/.NAME instead of ~/.earthly"},
     Standing::kHidden},
    {{.name = "interactive",
      .short_name = 'i',
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "open a shell in a step that failed"},
     Standing::kShown},
    {{.name = "load",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "load saved images into Docker, or fail; without it they are where Docker runs"},
     Standing::kShown},
    {{.name = "logstream-debug-file",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "FILE",
      .help = "write every event of the build: JSON lines for *.json, else protobuf"},
     Standing::kHidden},
    {{.name = "logstream-debug-manifest-file",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "FILE",
      .help = "write the build's targets and commands: JSON for *.json, else protobuf"},
     Standing::kHidden},
    {{.name = "max-remote-cache",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "no-auto-skip",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "ignore BUILD --auto-skip"},
     Standing::kShown},
    {{.name = "no-buildkit-update",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "no-cache", .short_name = 0, .kind = FlagKind::kBool, .value_name = "", .help = "run everything"},
     Standing::kShown},
    {{.name = "no-fake-dep",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "no-output",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "write no artifacts and keep no images"},
     Standing::kShown},
    {{.name = "org",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "NAME",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "output",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "write artifacts and keep images also with --ci"},
     Standing::kShown},
    {{.name = "platform",
      .short_name = 0,
      .kind = FlagKind::kList,
      .value_name = "OS/ARCH",
      .help = "platform to build for"},
     Standing::kShown},
    {{.name = "profiler",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "progress",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "MODE",
      .help = "auto, tty, plain, rawjson or quiet",
      .completion = "auto|tty|plain|rawjson|quiet"},
     Standing::kShown},
    {{.name = "project",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "NAME",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "pull",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "ask the registry for the newest images"},
     Standing::kHidden},
    {{.name = "push",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "push images and run RUN --push"},
     Standing::kShown},
    {{.name = "quiet", .short_name = 'q', .kind = FlagKind::kBool, .value_name = "", .help = "only errors"},
     Standing::kShown},
    {{.name = "remote-cache",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "IMAGE",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "save-inline-cache",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "secret",
      .short_name = 's',
      .kind = FlagKind::kList,
      .value_name = "NAME[=VALUE]",
      .help = "a secret; without a value, from the environment"},
     Standing::kShown},
    {{.name = "secret-file",
      .short_name = 0,
      .kind = FlagKind::kList,
      .value_name = "NAME=FILE",
      .help = "a secret from a file"},
     Standing::kShown},
    {{.name = "secret-file-path",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "FILE",
      .help = "secrets (default .secret)",
      .completion = "file"},
     Standing::kShown},
    {{.name = "server-conn-timeout",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "DURATION",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "ssh-auth-sock",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "SOCKET",
      .help = "agent for RUN --ssh and git (default $SSH_AUTH_SOCK)",
      .completion = "file"},
     Standing::kShown},
    {{.name = "strict",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "refuse LOCALLY and --interactive"},
     Standing::kShown},
    {{.name = "ticktock",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "use-inline-cache",
      .short_name = 0,
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "accepted without effect"},
     Standing::kIgnored},
    {{.name = "verbose",
      .short_name = 'V',
      .kind = FlagKind::kBool,
      .value_name = "",
      .help = "also what the build does for itself"},
     Standing::kShown},
    {{.name = "version", .short_name = 0, .kind = FlagKind::kBool, .value_name = "", .help = "print the version"},
     Standing::kShown},
    {{.name = "version-flag-overrides",
      .short_name = 0,
      .kind = FlagKind::kString,
      .value_name = "FLAGS",
      .help = "further VERSION flags for all Earthfiles"},
     Standing::kHidden},
    {kEngineFlag, Standing::kShown},
    {kTlsCaFlag, Standing::kShown},
    {kTlsCertFlag, Standing::kShown},
    {kTlsKeyFlag, Standing::kShown},
    {kTlsServerNameFlag, Standing::kShown},
    {kRootFlag, Standing::kShown},
    {kRuntimeFlag, Standing::kShown},
    {kSnapshotterFlag, Standing::kShown},
};

constexpr std::size_t kCount = std::size(kEntries);

constexpr std::array<Flag, kCount> FlagsOf() {
  std::array<Flag, kCount> flags{};
  for (std::size_t i = 0; i < kCount; ++i) {
    flags[i] = kEntries[i].flag;
  }
  return flags;
}
constexpr std::array<Flag, kCount> kFlags = FlagsOf();

// Flags whose variable is not made of their name.
constexpr std::pair<std::string_view, std::string_view> kOtherVariables[] = {
    {"artifact", ""},
    {"image", ""},
    {"quiet", ""},
    {"progress", ""},
    {"version", ""},
    {"engine", ""},
    {"tlscacert", ""},
    {"tlscert", ""},
    {"tlskey", ""},
    {"tlsservername", ""},
    {"root", ""},
    {"runtime", ""},
    {"snapshotter", ""},
    {"build-arg-file", ""},
    {"platform", "EARTHLY_PLATFORMS"},
    {"build-arg", "EARTHLY_BUILD_ARGS"},
    {"secret", "EARTHLY_SECRETS"},
    {"secret-file", "EARTHLY_SECRET_FILES"},
    {"git-username", "GIT_USERNAME"},
    {"git-password", "GIT_PASSWORD"},
    {"git-branch", "EARTHLY_GIT_BRANCH_OVERRIDE"},
    {"github-annotations", "GITHUB_ACTIONS"},
    {"buildkit-container-name", "EARTHLY_CONTAINER_NAME"},
    {"buildkit-volume-name", "EARTHLY_VOLUME_NAME"},
};

Standing StandingOf(std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.flag.name == name) {
      return entry.standing;
    }
  }
  return Standing::kShown;
}

const Flag* FindFlag(std::span<const Flag> table, std::string_view name) {
  for (const Flag& flag : table) {
    if (flag.name == name) {
      return &flag;
    }
  }
  return nullptr;
}

const Flag* FindShort(std::span<const Flag> table, char letter) {
  for (const Flag& flag : table) {
    if (flag.short_name == letter) {
      return &flag;
    }
  }
  return nullptr;
}

bool TakesWord(const Flag& flag) {
  return flag.kind == FlagKind::kString || flag.kind == FlagKind::kList;
}

}  // namespace

std::span<const Flag> EarthFlags() {
  return kFlags;
}

bool IsEarthFlag(std::string_view name) {
  const std::span<const Flag> flags = EarthFlags();
  return std::any_of(flags.begin(), flags.end(), [&](const Flag& flag) { return flag.name == name; });
}

bool IsHiddenEarthFlag(std::string_view name) {
  return StandingOf(name) != Standing::kShown;
}

bool IsIgnoredEarthFlag(std::string_view name) {
  return StandingOf(name) == Standing::kIgnored;
}

bool IsTrueText(std::string_view text) {
  const std::string lower = ToLowerAscii(text);
  return lower == "true" || lower == "1" || lower == "t" || lower == "yes" || lower == "y";
}

bool IsFalseText(std::string_view text) {
  const std::string lower = ToLowerAscii(text);
  return lower == "false" || lower == "0" || lower == "f" || lower == "no" || lower == "n";
}

std::string EarthVariable(std::string_view flag) {
  for (const auto& [name, variable] : kOtherVariables) {
    if (name == flag) {
      return std::string(variable);
    }
  }
  std::string variable = "EARTHLY_" + ToUpperAscii(flag);
  for (char& c : variable) {
    c = c == '-' ? '_' : c;
  }
  return variable;
}

std::vector<std::string> EarthVariables() {
  std::vector<std::string> names;
  for (const Flag& flag : kFlags) {
    if (std::string name = EarthVariable(flag.name); !name.empty()) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

Result<EarthWords> ParseEarthWords(std::span<const Flag> table, const std::vector<std::string>& arguments) {
  std::vector<std::string> head;
  std::size_t at = 0;
  for (; at < arguments.size(); ++at) {
    std::string word = arguments[at];
    if (word == "--") {
      ++at;
      break;
    }
    if (!word.starts_with('-') || word == "-") {
      break;
    }
    const std::string_view bare = std::string_view(word).substr(word.starts_with("--") ? 2 : 1);
    const std::string_view name = bare.substr(0, bare.find('='));
    const Flag* flag = FindFlag(table, name);
    if (flag != nullptr && name.size() > 1) {
      word = "--" + std::string(bare);
    } else if (!word.starts_with("--")) {
      flag = FindShort(table, word[1]);
    }
    const bool inline_value = word.starts_with("--") ? word.find('=') != std::string::npos : word.size() > 2;
    head.push_back(std::move(word));
    if (flag != nullptr && TakesWord(*flag) && !inline_value && at + 1 < arguments.size()) {
      head.push_back(arguments[++at]);
    }
  }
  EarthWords words{.flags = LOAM_TRY(Flags::Parse(table, head)), .rest = {}};
  words.rest.assign(arguments.begin() + static_cast<std::ptrdiff_t>(std::min(at, arguments.size())), arguments.end());
  return words;
}

std::string EarthSettings::FromEnvironment(std::string_view flag) const {
  const std::string variable = EarthVariable(flag);
  if (variable.empty()) {
    return {};
  }
  std::string value = context_->Env(variable.c_str());
  constexpr std::string_view kOld = "EARTHLY_";
  if (value.empty() && variable.starts_with(kOld)) {
    value = context_->Env(("EARTH_" + variable.substr(kOld.size())).c_str());
  }
  return value;
}

bool EarthSettings::IsSet(std::string_view flag) const {
  return flags_.Has(flag) || !FromEnvironment(flag).empty();
}

bool EarthSettings::Has(std::string_view flag) const {
  return !String(flag).empty();
}

std::string EarthSettings::String(std::string_view flag, std::string_view fallback) const {
  if (flags_.Has(flag)) {
    return flags_.String(flag);
  }
  if (std::string value = FromEnvironment(flag); !value.empty()) {
    return value;
  }
  if (const auto found = file_values_.find(EarthVariable(flag));
      found != file_values_.end() && !found->second.empty()) {
    return found->second;
  }
  return std::string(fallback);
}

bool EarthSettings::Bool(std::string_view flag) const {
  return IsTrueText(String(flag));
}

std::vector<std::string> EarthSettings::List(std::string_view flag) const {
  if (flags_.Has(flag)) {
    return flags_.List(flag);
  }
  std::vector<std::string> values;
  const std::string text = String(flag);
  for (const std::string_view part : Split(text, ',')) {
    if (!part.empty()) {
      values.emplace_back(part);
    }
  }
  return values;
}

}  // namespace loam::cli
