#include "language-server/features/dockerfile/language.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "language-server/features/dockerfile/cursor.h"

namespace loam::lsp::dockerfile {
namespace {

using Kind = ast::InstructionKind;

constexpr InstructionInfo kInstructions[] = {
    {Kind::kAdd,
     "Puts files of the build context, of a URL or of a git repository into the image. Archives of the context are "
     "unpacked.",
     "ADD source… dest\nADD [\"source\", …, \"dest\"]\nADD <<EOF dest"},
    {Kind::kArg,
     "Declares a build argument, which `--build-arg` sets. It is a variable from here to the end of the stage; in "
     "front of the first `FROM`, for the words of all `FROM`s.",
     "ARG name\nARG name=default"},
    {Kind::kCmd,
     "The command that a container of the image runs if none is given. The last one of a stage counts. With an "
     "`ENTRYPOINT`, its arguments.",
     "CMD [\"executable\", \"parameter\", …]\nCMD [\"parameter\", …]\nCMD command parameter …"},
    {Kind::kCopy, "Copies files of the build context, of another stage or of an image into the image.",
     "COPY source… dest\nCOPY [\"source\", …, \"dest\"]\nCOPY --from=stage source… dest\nCOPY <<EOF dest"},
    {Kind::kEntrypoint,
     "The program that a container of the image is. What `docker run` is given, or else `CMD`, are its arguments.",
     "ENTRYPOINT [\"executable\", \"parameter\", …]\nENTRYPOINT command parameter …"},
    {Kind::kEnv,
     "Sets environment variables, for the following instructions, for stages that start from this one, and for "
     "containers.",
     "ENV key=value …\nENV key value"},
    {Kind::kExpose, "Says on which ports a container listens. It opens none: `docker run -p` does.",
     "EXPOSE port\nEXPOSE port/protocol …"},
    {Kind::kFrom, "Begins a stage, from an image, from an earlier stage, or from `scratch`, which is empty.",
     "FROM image\nFROM image:tag AS name\nFROM image@digest\nFROM --platform=os/arch image"},
    {Kind::kHealthcheck,
     "How to find out whether a container is well: a command whose exit code says so. `NONE` switches off that of the "
     "base image.",
     "HEALTHCHECK [--interval=30s] [--timeout=30s] [--start-period=0s] [--retries=3] CMD command\nHEALTHCHECK NONE"},
    {Kind::kLabel, "Adds metadata to the image, as keys and values.", "LABEL key=\"value\" …"},
    {Kind::kMaintainer, "Names the author. Deprecated: `LABEL org.opencontainers.image.authors=…` says it today.",
     "MAINTAINER name"},
    {Kind::kOnbuild, "An instruction for later: it runs at the begin of a build that starts from this image.",
     "ONBUILD instruction"},
    {Kind::kRun, "Runs a command; what it changes in the filesystem is a layer of the image.",
     "RUN command …\nRUN [\"executable\", \"parameter\", …]\nRUN --mount=type=cache,target=/path command\nRUN <<EOF"},
    {Kind::kShell, "The shell that runs commands written as text, instead of `/bin/sh -c`.",
     "SHELL [\"executable\", \"parameter\", …]"},
    {Kind::kStopSignal, "The signal that asks a container to end, by name or number.", "STOPSIGNAL SIGTERM"},
    {Kind::kUser, "The user, and perhaps the group, of the following instructions and of containers.",
     "USER user\nUSER user:group\nUSER uid:gid"},
    {Kind::kVolume, "Directories whose content belongs to a container rather than to its image.",
     "VOLUME /path …\nVOLUME [\"/path\", …]"},
    {Kind::kWorkdir, "The directory of the following instructions and of containers. It is made if there is none.",
     "WORKDIR /path"},
};

constexpr FlagInfo kFlags[] = {
    {Kind::kAdd, "chown", "user:group", "",
     "Owner of what is added, by names or numbers. Without it everything belongs to 0:0."},
    {Kind::kAdd, "chmod", "mode", "", "Permissions of what is added: octal, or symbolic as of `chmod`."},
    {Kind::kAdd, "link", "", "true|false",
     "Adds the files as a layer of its own, which does not depend on those below: it stays cached when they change."},
    {Kind::kAdd, "checksum", "sha256:digest", "",
     "What a file from a URL, or the commit of a git repository, must be."},
    {Kind::kAdd, "keep-git-dir", "", "true|false", "Keeps the `.git` directory of a repository."},
    {Kind::kAdd, "unpack", "", "true|false",
     "Whether archives are unpacked: by default those of the context are, those of URLs are not."},
    {Kind::kAdd, "exclude", "pattern", "", "Files that are left out. May be given several times."},
    {Kind::kCopy, "chown", "user:group", "",
     "Owner of the copies, by names or numbers. Without it everything belongs to 0:0."},
    {Kind::kCopy, "chmod", "mode", "", "Permissions of the copies: octal, or symbolic as of `chmod`."},
    {Kind::kCopy, "from", "stage", "",
     "Where the files come from instead of the build context: an earlier stage by name or number, an image, or a named "
     "context."},
    {Kind::kCopy, "link", "", "true|false",
     "Copies the files as a layer of its own, which does not depend on those below: it stays cached when they change."},
    {Kind::kCopy, "parents", "", "true|false", "Keeps the directories of the sources."},
    {Kind::kCopy, "exclude", "pattern", "", "Files that are left out. May be given several times."},
    {Kind::kFrom, "platform", "arm64",
     "$BUILDPLATFORM|$TARGETPLATFORM|linux/amd64|linux/arm64|linux/arm/v7|linux/s390x|linux/ppc64le|windows/amd64",
     "Which image of a multi-platform one: `$BUILDPLATFORM` for tools that run while building."},
    {Kind::kHealthcheck, "interval", "30s", "", "Time between two checks."},
    {Kind::kHealthcheck, "retries", "3", "",
     "How many checks must fail in a row before the container counts as unhealthy."},
    {Kind::kHealthcheck, "start-interval", "5s", "", "Time between two checks during the start period."},
    {Kind::kHealthcheck, "start-period", "5s", "", "Time in which the container starts and failures do not count."},
    {Kind::kHealthcheck, "timeout", "30s", "", "A check that takes longer has failed."},
    {Kind::kRun, "mount", "type=cache,target=/path", "type=bind|type=cache|type=secret|type=ssh|type=tmpfs",
     "What the command sees besides the stage's files: a cache that is kept between builds, a secret, files of the "
     "context or of a stage, an SSH agent."},
    {Kind::kRun, "network", "default", "default|none|host",
     "The network of the command: `none` for a step that must not need one."},
    {Kind::kRun, "security", "sandbox", "sandbox|insecure",
     "`insecure` runs the command with all capabilities; the build must allow it."},
    {Kind::kRun, "device", "name", "", "A CDI device for the command."},
};

constexpr SnippetInfo kSnippets[] = {
    {"ADD", Kind::kAdd, "ADD ${1:source} ${2:dest}"},
    {"ARG_NameOnly", Kind::kArg, "ARG ${1:name}"},
    {"ARG_DefaultValue", Kind::kArg, "ARG ${1:name}=${2:defaultValue}"},
    {"CMD", Kind::kCmd, "CMD [ \"${1:executable}\" ]"},
    {"COPY", Kind::kCopy, "COPY ${1:source} ${2:dest}"},
    {"ENTRYPOINT", Kind::kEntrypoint, "ENTRYPOINT [ \"${1:executable}\" ]"},
    {"ENV", Kind::kEnv, "ENV ${1:key}=${2:value}"},
    {"EXPOSE", Kind::kExpose, "EXPOSE ${1:port}"},
    {"FROM", Kind::kFrom, "FROM ${1:baseImage}"},
    {"HEALTHCHECK_CMD", Kind::kHealthcheck,
     "HEALTHCHECK --interval=${1:30s} --timeout=${2:30s} --start-period=${3:5s} --retries=${4:3} CMD [ "
     "\"${5:executable}\" ]"},
    {"HEALTHCHECK_NONE", Kind::kHealthcheck, "HEALTHCHECK NONE"},
    {"LABEL", Kind::kLabel, "LABEL ${1:key}=\"${2:value}\""},
    {"MAINTAINER", Kind::kMaintainer, "MAINTAINER ${1:name}"},
    {"ONBUILD", Kind::kOnbuild, "ONBUILD ${1:INSTRUCTION}"},
    {"RUN", Kind::kRun, "RUN ${1:command}"},
    {"SHELL", Kind::kShell, "SHELL [ \"${1:executable}\" ]"},
    {"STOPSIGNAL", Kind::kStopSignal, "STOPSIGNAL ${1:signal}"},
    {"USER", Kind::kUser, "USER ${1:daemon}"},
    {"VOLUME", Kind::kVolume, "VOLUME [ \"${1:/data}\" ]"},
    {"WORKDIR", Kind::kWorkdir, "WORKDIR ${1:/the/workdir/path}"},
    {"FROM_Stage", Kind::kFrom, "FROM ${1:baseImage} AS ${2:stage}"},
    {"RUN_Cache", Kind::kRun, "RUN --mount=type=cache,target=${1:/root/.cache} ${2:command}"},
    {"RUN_Secret", Kind::kRun, "RUN --mount=type=secret,id=${1:id} ${2:command}"},
    {"RUN_Heredoc", Kind::kRun, "RUN <<EOF\n${1:command}\nEOF"},
    {"COPY_Stage", Kind::kCopy, "COPY --from=${1:stage} ${2:source} ${3:dest}"},
};

constexpr MountKeyInfo kMountKeys[] = {
    {"type", "bind|cache|tmpfs|secret|ssh", "bind|cache|tmpfs|secret|ssh", "What is mounted."},
    {"target", "bind|cache|tmpfs|secret|ssh", "", "Where it is seen."},
    {"source", "bind|cache", "", "The directory of `from` that is mounted."},
    {"from", "bind|cache", "", "A stage, image or named context instead of the build context."},
    {"rw", "bind", "", "What is written is seen by the command, and forgotten."},
    {"id", "cache|secret|ssh", "", "The name by which it is found; the target, for a cache without one."},
    {"sharing", "cache", "shared|private|locked", "What several steps at once do: share it, have one each, or wait."},
    {"mode", "cache|secret|ssh", "", "Permissions, in octal."},
    {"uid", "cache|secret|ssh", "", "Owner."},
    {"gid", "cache|secret|ssh", "", "Group."},
    {"ro", "cache", "", "The command may not write to it."},
    {"required", "secret|ssh", "true|false", "The step fails without it."},
    {"env", "secret", "", "The environment variable that holds the secret."},
    {"size", "tmpfs", "", "The most that it holds."},
};

constexpr VariableInfo kPredefined[] = {
    {"ALL_PROXY", "Proxy for everything."}, {"all_proxy", "Proxy for everything."},
    {"FTP_PROXY", "Proxy for FTP."},        {"ftp_proxy", "Proxy for FTP."},
    {"HTTP_PROXY", "Proxy for HTTP."},      {"http_proxy", "Proxy for HTTP."},
    {"HTTPS_PROXY", "Proxy for HTTPS."},    {"https_proxy", "Proxy for HTTPS."},
    {"NO_PROXY", "Hosts without a proxy."}, {"no_proxy", "Hosts without a proxy."},
};

constexpr VariableInfo kPlatform[] = {
    {"BUILDARCH", "Architecture of the machine that builds."},
    {"BUILDOS", "Operating system of the machine that builds."},
    {"BUILDPLATFORM", "Platform of the machine that builds."},
    {"BUILDVARIANT", "Variant of the architecture of the machine that builds."},
    {"TARGETARCH", "Architecture that is built for."},
    {"TARGETOS", "Operating system that is built for."},
    {"TARGETPLATFORM", "Platform that is built for."},
    {"TARGETVARIANT", "Variant of the architecture that is built for."},
    {"TARGETSTAGE", "Name of the stage that is built."},
};

constexpr DirectiveInfo kDirectives[] = {
    {"escape", "`",
     "The character that continues lines and takes meaning from the next one: a backslash, or a backtick where paths "
     "have backslashes."},
    {"syntax", "docker/dockerfile:experimental", "The image of the frontend that reads this file."},
    {"check", "skip=all", "Build checks of this file: `skip=RULE,…`, `error=true`, `experimental=RULE,…`."},
};

std::string Link(std::string_view anchor) {
  return fmt::format("[Reference](https://docs.docker.com/reference/dockerfile/#{})", anchor);
}

}  // namespace

std::span<const FlagInfo> Flags() {
  return kFlags;
}

const FlagInfo* FindFlagInfo(ast::InstructionKind instruction, std::string_view name) {
  for (const FlagInfo& flag : kFlags) {
    if (flag.instruction == instruction && flag.name == name) {
      return &flag;
    }
  }
  return nullptr;
}

std::span<const SnippetInfo> Snippets() {
  return kSnippets;
}

const InstructionInfo* FindInstructionInfo(ast::InstructionKind kind) {
  for (const InstructionInfo& info : kInstructions) {
    if (info.kind == kind) {
      return &info;
    }
  }
  return nullptr;
}

std::span<const MountKeyInfo> MountKeys() {
  return kMountKeys;
}
std::span<const VariableInfo> PredefinedArguments() {
  return kPredefined;
}
std::span<const VariableInfo> PlatformArguments() {
  return kPlatform;
}
std::span<const DirectiveInfo> Directives() {
  return kDirectives;
}

std::string DocumentationOf(std::string_view subject) {
  for (const DirectiveInfo& directive : kDirectives) {
    if (EqualsIgnoreCase(directive.name, subject)) {
      return fmt::format("{}\n\n```dockerfile\n# {}={}\n```\n\n{}", directive.text, directive.name,
                         directive.placeholder, Link(directive.name));
    }
  }
  if (const auto parts = SplitOnce(subject, ' '); parts && parts->second.starts_with("--")) {
    const FlagInfo* flag = FindFlagInfo(KindOfKeyword(parts->first), parts->second.substr(2));
    return flag == nullptr ? std::string() : std::string(flag->text);
  }
  const InstructionInfo* info = FindInstructionInfo(KindOfKeyword(subject));
  if (info == nullptr) {
    return {};
  }
  return fmt::format("{}\n\n```dockerfile\n{}\n```\n\n{}", info->summary, info->forms,
                     Link(ToLowerAscii(ast::KeywordOf(info->kind))));
}

}  // namespace loam::lsp::dockerfile
