#include "language-server/features/earthfile/language.h"

#include <fmt/format.h>

#include "compiler/sema/earthfile/features.h"
#include "compiler/sema/earthfile/flags.h"

namespace loam::lsp::earthfile {
namespace {

constexpr CommandInfo kCommands[] = {
    {"VERSION", "VERSION [--feature…] 0.8", "The version of the language. The first line of every Earthfile.",
     "VERSION ${1:0.8}"},
    {"FROM", "FROM [FLAGS] image | +target [--arg=value…]",
     "Where the following commands run: in an image, or in what another target has made.", "FROM ${1:image}"},
    {"FROM DOCKERFILE", "FROM DOCKERFILE [FLAGS] context [--arg=value…]",
     "Builds a Dockerfile and goes on from its image. The context is a directory beside the Earthfile, or an artifact.",
     "FROM DOCKERFILE ${1:.}"},
    {"LOCALLY", "LOCALLY",
     "The following commands run on the machine that builds, in the Earthfile's directory, never cached.", ""},
    {"COPY", "COPY [FLAGS] source… dest",
     "Copies files of the Earthfile's directory, or artifacts of targets (`+target/path`). Artifacts of a target with "
     "arguments are written `(+target/path --arg=value)`.",
     "COPY ${1:source} ${2:dest}"},
    {"SAVE ARTIFACT", "SAVE ARTIFACT [FLAGS] source [dest] [AS LOCAL path]",
     "Makes a file or directory available to other targets as `+target/dest`, and with `AS LOCAL` writes it to the "
     "machine "
     "when everything is built.",
     "SAVE ARTIFACT ${1:source}"},
    {"SAVE IMAGE", "SAVE IMAGE [FLAGS] [name…]",
     "Makes an image of what the target is at this point, and with `--push` pushes it.", "SAVE IMAGE ${1:name}"},
    {"RUN", "RUN [FLAGS] command…", "Runs a command. Every variable of the target is in its environment.",
     "RUN ${1:command}"},
    {"EXPOSE", "EXPOSE port…", "Says on which ports a container of the image listens.", "EXPOSE ${1:port}"},
    {"VOLUME", "VOLUME path…", "Directories whose content belongs to a container rather than to its image.",
     "VOLUME ${1:path}"},
    {"ENV", "ENV key=value",
     "Sets an environment variable, for the following commands and for containers of the image.",
     "ENV ${1:key}=${2:value}"},
    {"ARG", "ARG [--required] [--global] name[=default]",
     "Declares an argument, which callers (`BUILD +t --name=value`) and the command line may set. In the base recipe "
     "`--global` makes it visible in all targets.",
     "ARG ${1:name}"},
    {"SET", "SET name = value", "Changes a variable that LET has made.", "SET ${1:name} = ${2:value}"},
    {"LET", "LET name = value", "Makes a variable of the target, which nobody else can set.",
     "LET ${1:name} = ${2:value}"},
    {"LABEL", "LABEL key=value…", "Adds metadata to the image.", "LABEL ${1:key}=${2:value}"},
    {"BUILD", "BUILD [FLAGS] +target [--arg=value…]",
     "Builds another target, with its outputs. An argument that is given several times builds it for each value.",
     "BUILD +${1:target}"},
    {"WORKDIR", "WORKDIR path", "The directory of the following commands. It is made if there is none.",
     "WORKDIR ${1:path}"},
    {"USER", "USER user[:group]", "The user of the following commands and of containers.", "USER ${1:user}"},
    {"CMD", "CMD command… | [\"executable\", …]", "What a container of the image runs if nothing is given.",
     "CMD [\"${1:executable}\"]"},
    {"ENTRYPOINT", "ENTRYPOINT command… | [\"executable\", …]", "The program that a container of the image is.",
     "ENTRYPOINT [\"${1:executable}\"]"},
    {"GIT CLONE", "GIT CLONE [FLAGS] url dest", "Clones a repository; it is cloned again when the branch has moved.",
     "GIT CLONE ${1:url} ${2:dest}"},
    {"HEALTHCHECK", "HEALTHCHECK [FLAGS] CMD command… | NONE", "How to find out whether a container is well.",
     "HEALTHCHECK CMD ${1:command}"},
    {"DO", "DO [FLAGS] +FUNCTION [--arg=value…]", "Runs the commands of a function here.", "DO +${1:FUNCTION}"},
    {"FUNCTION", "FUNCTION", "The first command of a function.", ""},
    {"COMMAND", "COMMAND", "The first command of a function before VERSION 0.8; since then it is `FUNCTION`.", ""},
    {"IMPORT", "IMPORT [--allow-privileged] project [AS alias]",
     "Gives another project a short name: `alias+target`, `alias+FUNCTION`.", "IMPORT ${1:project}"},
    {"CACHE", "CACHE [FLAGS] path",
     "A directory that keeps its files between builds, for the following commands of the target.", "CACHE ${1:path}"},
    {"HOST", "HOST name address", "An entry of /etc/hosts for the following RUNs.", "HOST ${1:name} ${2:address}"},
    {"PROJECT", "PROJECT organisation/project", "Whose secrets are meant.", "PROJECT ${1:organisation}/${2:project}"},
    {"WITH DOCKER", "WITH DOCKER [FLAGS]\n    RUN …\nEND",
     "Runs one RUN with a Docker daemon beside it, which has the images that are loaded and pulled.",
     "WITH DOCKER --load ${1:image}=+${2:target}\n    RUN ${3:docker run $1}\nEND"},
    {"IF", "IF [FLAGS] command…\n    …\nELSE IF command…\n    …\nELSE\n    …\nEND",
     "Runs a command in the build; the block is evaluated if its exit code is 0.", "IF ${1:[ -f file ]}\n    $0\nEND"},
    {"ELSE IF", "ELSE IF command…", "Another condition of IF.", "ELSE IF ${1:condition}"},
    {"ELSE", "ELSE", "What is evaluated if no condition held.", ""},
    {"FOR", "FOR [FLAGS] name IN words…\n    …\nEND", "Evaluates the block for each word.",
     "FOR ${1:name} IN ${2:words}\n    $0\nEND"},
    {"WAIT", "WAIT\n    …\nEND", "Everything in the block is built, saved and pushed before the next command.",
     "WAIT\n    $0\nEND"},
    {"TRY", "TRY\n    RUN …\nFINALLY\n    SAVE ARTIFACT … AS LOCAL …\nEND",
     "Runs a command and writes files to the machine even if it fails. Needs `VERSION --try`.",
     "TRY\n    RUN ${1:command}\nFINALLY\n    SAVE ARTIFACT ${2:file} AS LOCAL ${2:file}\nEND"},
    {"CATCH", "CATCH", "A clause of TRY that is not supported.", ""},
    {"FINALLY", "FINALLY", "What is saved of a TRY, also if it failed.", ""},
    {"END", "END", "Ends a block.", ""},
};

struct FlagDoc {
  std::string_view command;  // "" for all that have it
  std::string_view flag;
  std::string_view values;
  std::string_view text;
};
constexpr std::string_view kPlatforms = "linux/amd64|linux/arm64|linux/arm/v7|native|user";
constexpr FlagDoc kFlags[] = {
    {"", "platform", kPlatforms, "The platform that it is built for."},
    {"", "build-arg", "", "`name=value`: the older form of `--name=value` behind the reference."},
    {"", "allow-privileged", "", "Allows a remote project to use privileges."},
    {"", "pass-args", "", "Hands all arguments of the caller on."},
    {"FROM DOCKERFILE", "target", "", "The stage of the Dockerfile; the last one by itself."},
    {"RUN", "push", "", "Runs only with `--push`, and after everything else succeeded."},
    {"", "privileged", "", "Runs with all privileges of the builder; whoever builds needs `--allow-privileged`."},
    {"RUN", "entrypoint", "", "Runs the entrypoint of the image, with these arguments."},
    {"", "ssh", "", "Makes the SSH agent of whoever builds available."},
    {"", "no-cache", "", "Runs each time, and everything behind it."},
    {"RUN", "interactive", "", "Opens a terminal; what it changes is thrown away."},
    {"RUN", "interactive-keep", "", "Opens a terminal; what it changes stays."},
    {"", "secret", "", "`NAME` or `NAME=id`: a secret in the environment, which is not part of the cache key."},
    {"", "mount",
     "type=cache,target=|type=secret,id=|type=tmpfs,target=|type=ssh-experimental|type=bind-experimental,target=",
     "A cache, a secret or a temporary filesystem at a path."},
    {"RUN", "network", "none", "`none` runs without a network."},
    {"RUN", "raw-output", "", "Prints what it says without the target's name in front."},
    {"RUN", "aws", "", "Makes AWS credentials available."},
    {"RUN", "oidc", "", "With `--aws`: takes them from this role."},
    {"RUN", "with-docker", "", "Obsolete: use WITH DOCKER."},
    {"COPY", "dir", "", "Copies directories themselves rather than what is in them."},
    {"", "chown", "", "Owner of the copies: `user:group`."},
    {"", "chmod", "", "Permissions of the copies, octal."},
    {"", "keep-ts", "", "Keeps the times of files."},
    {"", "keep-own", "", "Keeps the owners of files."},
    {"", "if-exists", "", "Sources that are not there are left out without an error."},
    {"", "symlink-no-follow", "", "Copies links as links."},
    {"SAVE ARTIFACT", "force", "", "Writes outside of the Earthfile's directory."},
    {"SAVE IMAGE", "cache-from", "", "An image whose cache is used."},
    {"SAVE IMAGE", "push", "", "Pushes the image, if the build runs with `--push`."},
    {"SAVE IMAGE", "cache-hint", "", "Keeps this point for caches in registries."},
    {"SAVE IMAGE", "insecure", "", "Pushes without TLS."},
    {"SAVE IMAGE", "no-manifest-list", "", "Makes a plain image, not a list of platforms."},
    {"SAVE IMAGE", "without-earthly-labels", "", "Adds no labels about the build."},
    {"BUILD", "auto-skip", "", "Skips the target if nothing that it depends on has changed since it was last built."},
    {"GIT CLONE", "branch", "", "Branch, tag or commit."},
    {"FOR", "sep", "", "Characters that words are split at; blanks and line ends by themselves."},
    {"ARG", "required", "", "Building without a value is an error."},
    {"ARG", "global", "", "Visible in all targets of the file; in the base recipe only."},
    {"CACHE", "sharing", "locked|shared|private", "What happens if two steps want the cache at once."},
    {"CACHE", "id", "", "Shares the cache with all Earthfiles that use this id."},
    {"CACHE", "persist", "", "Puts the files of the cache into the image as well."},
    {"WITH DOCKER", "compose", "", "A compose file, whose services are started first."},
    {"WITH DOCKER", "service", "", "A service of the compose file; all of them by itself."},
    {"WITH DOCKER", "load", "", "`name=+target`: an image of a target for the daemon."},
    {"WITH DOCKER", "pull", "", "An image that the daemon is given."},
    {"WITH DOCKER", "cache-id", "", "Keeps the daemon's data between builds."},
    {"HEALTHCHECK", "interval", "", "Time between two checks."},
    {"HEALTHCHECK", "timeout", "", "A check that takes longer has failed."},
    {"HEALTHCHECK", "start-period", "", "Time in which failures do not count."},
    {"HEALTHCHECK", "start-interval", "", "Time between two checks during the start period."},
    {"HEALTHCHECK", "retries", "", "How many checks in a row must fail."},
};

struct BuiltinDoc {
  std::string_view name;
  std::string_view text;
};
constexpr BuiltinDoc kBuiltins[] = {
    {"EARTHLY_CI", "`true` if built with `--ci`."},
    {"EARTHLY_PUSH", "`true` if built with `--push`."},
    {"EARTHLY_LOCALLY", "`true` behind LOCALLY."},
    {"EARTHLY_VERSION", "The version of the program that builds."},
    {"EARTHLY_TARGET", "The reference of the target: `github.com/a/b:main+build`."},
    {"EARTHLY_TARGET_NAME", "The name of the target: `build`."},
    {"EARTHLY_TARGET_PROJECT", "The project of the target, with its tag."},
    {"EARTHLY_TARGET_TAG", "The tag or branch of the target's project."},
    {"EARTHLY_TARGET_TAG_DOCKER", "The same, as a tag of an image may be written."},
    {"EARTHLY_GIT_HASH", "The commit of the work tree."},
    {"EARTHLY_GIT_SHORT_HASH", "The first eight digits of the commit."},
    {"EARTHLY_GIT_BRANCH", "The branch of the work tree."},
    {"EARTHLY_GIT_TAG", "A tag of the commit."},
    {"EARTHLY_GIT_ORIGIN_URL", "The address of the remote `origin`."},
    {"EARTHLY_GIT_PROJECT_NAME", "`owner/repository` of the remote `origin`."},
    {"EARTHLY_GIT_COMMIT_TIMESTAMP", "When the commit was made, in seconds."},
    {"EARTHLY_GIT_AUTHOR", "Who wrote the commit."},
    {"EARTHLY_SOURCE_DATE_EPOCH", "When the commit was made, in seconds; 0 without git."},
    {"TARGETPLATFORM", "The platform that is built for: `linux/amd64`."},
    {"TARGETOS", "Its operating system."},
    {"TARGETARCH", "Its architecture."},
    {"TARGETVARIANT", "Its variant: `v7`."},
    {"NATIVEPLATFORM", "The platform that the builder runs on."},
    {"USERPLATFORM", "The platform of whoever builds."},
};

}  // namespace

std::span<const CommandInfo> Commands() {
  return kCommands;
}

const CommandInfo* FindCommand(std::string_view keyword) {
  for (const CommandInfo& each : kCommands) {
    if (each.keyword == keyword) {
      return &each;
    }
  }
  return nullptr;
}

std::string_view FlagText(std::string_view command, std::string_view flag) {
  std::string_view common;
  for (const FlagDoc& each : kFlags) {
    if (each.flag == flag && each.command == command) {
      return each.text;
    }
    if (each.flag == flag && each.command.empty()) {
      common = each.text;
    }
  }
  return common;
}

std::string_view FlagValues(std::string_view command, std::string_view flag) {
  for (const FlagDoc& each : kFlags) {
    if (each.flag == flag && (each.command.empty() || each.command == command)) {
      return each.values;
    }
  }
  return {};
}

std::string_view BuiltinText(std::string_view name) {
  for (const BuiltinDoc& each : kBuiltins) {
    // EARTH_GIT_HASH is another name of EARTHLY_GIT_HASH.
    if (each.name == name ||
        (name.starts_with("EARTH_") && each.name.starts_with("EARTHLY_") && each.name.substr(8) == name.substr(6))) {
      return each.text;
    }
  }
  return {};
}

std::string DocumentationOf(std::string_view subject) {
  const auto behind = [&](std::string_view word) {
    return subject.starts_with(word) ? subject.substr(word.size()) : std::string_view();
  };
  if (const std::string_view name = behind("command "); !name.empty()) {
    const CommandInfo* info = FindCommand(name);
    if (info == nullptr) {
      return {};
    }
    std::string out = fmt::format("```earthfile\n{}\n```\n{}", info->form, info->text);
    for (const auto& flag : sema::earthfile::FlagsOf(name)) {
      const std::string written = flag.name.empty() ? fmt::format("-{}", flag.letter) : fmt::format("--{}", flag.name);
      out += fmt::format("\n- `{}` {}", written, flag.name.empty() ? "The Dockerfile." : FlagText(name, flag.name));
    }
    return out;
  }
  if (const std::string_view rest = behind("flag "); !rest.empty()) {
    const std::size_t at = rest.find(" --");
    if (at == std::string_view::npos) {
      return {};
    }
    const std::string_view command = rest.substr(0, at);
    const std::string_view flag = rest.substr(at + 3);
    std::string out = fmt::format("`{} --{}`\n\n{}", command, flag, FlagText(command, flag));
    for (const auto& info : sema::earthfile::FlagsOf(command)) {
      if (info.name == flag) {
        out += info.otherwise.empty() || info.name == "sep" ? "" : fmt::format("\n\nDefault: `{}`", info.otherwise);
        if (const auto feature = sema::earthfile::FeatureWithFlag(info.feature)) {
          const auto& since = sema::earthfile::InfoOf(*feature).since;
          out += since.empty() ? fmt::format("\n\nNeeds `VERSION --{}`.", info.feature)
                               : fmt::format("\n\nSince VERSION {}.", since);
        }
      }
    }
    return out;
  }
  if (const std::string_view name = behind("builtin "); !name.empty()) {
    const std::string_view text = BuiltinText(name);
    return fmt::format("`{}`: a builtin, known where `ARG {}` declares it.{}{}", name, name, text.empty() ? "" : "\n\n",
                       text);
  }
  if (const std::string_view name = behind("feature "); !name.empty()) {
    if (const auto feature = sema::earthfile::FeatureWithFlag(name)) {
      const auto& info = sema::earthfile::InfoOf(*feature);
      return fmt::format("`--{}`: {}\n\n{}", info.flag, info.meaning,
                         info.since.empty() ? "No version has it by itself."
                                            : fmt::format("Every version since {} has it.", info.since));
    }
  }
  return {};
}

}  // namespace loam::lsp::earthfile
