#include "compiler/sema/earthfile/builtin_args.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/strings.h"

namespace loam::sema::earthfile {
namespace {

constexpr std::string_view kOldPrefix = "EARTHLY_";
constexpr std::string_view kNewPrefix = "EARTH_";

// Names after either prefix.
constexpr std::array<std::string_view, 27> kNames = {"BUILD_SHA",
                                                     "CI",
                                                     "CI_RUNNER",
                                                     "GIT_AUTHOR",
                                                     "GIT_AUTHOR_EMAIL",
                                                     "GIT_AUTHOR_NAME",
                                                     "GIT_BRANCH",
                                                     "GIT_CO_AUTHORS",
                                                     "GIT_COMMIT_AUTHOR_TIMESTAMP",
                                                     "GIT_COMMIT_TIMESTAMP",
                                                     "GIT_HASH",
                                                     "GIT_ORIGIN_URL",
                                                     "GIT_ORIGIN_URL_SCRUBBED",
                                                     "GIT_PROJECT_NAME",
                                                     "GIT_REFS",
                                                     "GIT_SHORT_HASH",
                                                     "GIT_TAG",
                                                     "LOCALLY",
                                                     "PUSH",
                                                     "SOURCE_DATE_EPOCH",
                                                     "TARGET",
                                                     "TARGET_NAME",
                                                     "TARGET_PROJECT",
                                                     "TARGET_PROJECT_NO_TAG",
                                                     "TARGET_TAG",
                                                     "TARGET_TAG_DOCKER",
                                                     "VERSION"};
// Only with the new prefix.
constexpr std::string_view kContentHash = "EARTH_GIT_CONTENT_HASH";
constexpr std::array<std::string_view, 12> kPlatformNames = {
    "NATIVEARCH",     "NATIVEOS",      "NATIVEPLATFORM", "NATIVEVARIANT", "TARGETARCH",   "TARGETOS",
    "TARGETPLATFORM", "TARGETVARIANT", "USERARCH",       "USEROS",        "USERPLATFORM", "USERVARIANT"};

bool IsSuffix(std::string_view suffix) {
  return !suffix.empty() && std::find(kNames.begin(), kNames.end(), suffix) != kNames.end();
}

void Both(Scope& scope, std::string_view suffix, std::string_view value) {
  scope.insert_or_assign(fmt::format("{}{}", kOldPrefix, suffix), std::string(value));
  scope.insert_or_assign(fmt::format("{}{}", kNewPrefix, suffix), std::string(value));
}

void AddPlatform(Scope& scope, std::string_view prefix, const Platform& platform) {
  scope.insert_or_assign(fmt::format("{}PLATFORM", prefix), platform.ToString());
  scope.insert_or_assign(fmt::format("{}OS", prefix), platform.os);
  scope.insert_or_assign(fmt::format("{}ARCH", prefix), platform.architecture);
  scope.insert_or_assign(fmt::format("{}VARIANT", prefix), platform.variant);
}

std::string_view Truth(bool value) {
  return value ? "true" : "false";
}

std::string_view First(const std::vector<std::string>& values) {
  return values.empty() ? std::string_view() : std::string_view(values.front());
}

void AddGit(Scope& scope, const GitFacts& git, const Features& features) {
  Both(scope, "GIT_HASH", git.hash);
  Both(scope, "GIT_SHORT_HASH", git.short_hash);
  scope.insert_or_assign(std::string(kContentHash), git.content_hash);
  Both(scope, "GIT_BRANCH", First(git.branches));
  Both(scope, "GIT_TAG", First(git.tags));
  Both(scope, "GIT_ORIGIN_URL", git.origin_url);
  Both(scope, "GIT_ORIGIN_URL_SCRUBBED", ScrubCredentials(git.origin_url));
  Both(scope, "GIT_PROJECT_NAME", ProjectNameOfUrl(git.origin_url));
  Both(scope, "GIT_COMMIT_TIMESTAMP", git.commit_timestamp);
  if (features.Has(Feature::kGitCommitAuthorTimestamp)) {
    Both(scope, "GIT_COMMIT_AUTHOR_TIMESTAMP", git.author_timestamp);
  }
  Both(scope, "SOURCE_DATE_EPOCH", git.commit_timestamp.empty() ? "0" : git.commit_timestamp);
  if (features.Has(Feature::kGitAuthorArgs)) {
    Both(scope, "GIT_AUTHOR", git.author_email);
    Both(scope, "GIT_CO_AUTHORS", Join(git.co_authors, " "));
  }
  if (features.Has(Feature::kGitAuthorEmailNameArgs)) {
    if (!git.author_name.empty() && !git.author_email.empty()) {
      Both(scope, "GIT_AUTHOR", fmt::format("{} <{}>", git.author_name, git.author_email));
    }
    Both(scope, "GIT_AUTHOR_EMAIL", git.author_email);
    Both(scope, "GIT_AUTHOR_NAME", git.author_name);
  }
  if (features.Has(Feature::kGitRefs)) {
    Both(scope, "GIT_REFS", Join(git.refs, " "));
  }
}

// "https://user@host/path" -> "host/path"; `scp` tells that there was no "://".
std::string_view WithoutUser(std::string_view url, bool* scp) {
  const std::size_t scheme = url.find("://");
  *scp = scheme == std::string_view::npos;
  if (!*scp) {
    url.remove_prefix(scheme + 3);
  }
  if (const std::size_t at = url.find('@'); at != std::string_view::npos) {
    url.remove_prefix(at + 1);
  }
  return url;
}

std::string WithoutDotGit(std::string url) {
  if (url.ends_with(".git")) {
    url.resize(url.size() - 4);
  }
  return url;
}

void ColonToSlash(std::string& url) {
  if (const std::size_t colon = url.find(':'); colon != std::string::npos) {
    url[colon] = '/';
  }
}

}  // namespace

Reference WithGitFacts(Reference reference, const GitFacts* facts) {
  if (facts == nullptr || facts->git_path.empty()) {
    return reference;
  }
  reference.git_path = facts->relative_directory.empty()
                           ? facts->git_path
                           : CleanPath(fmt::format("{}/{}", facts->git_path, facts->relative_directory));
  if (reference.tag.empty()) {
    reference.tag = !facts->tags.empty()       ? facts->tags.front()
                    : !facts->branches.empty() ? facts->branches.front()
                                               : facts->hash;
  }
  return reference;
}

Scope BuiltinArgs(const BuiltinOptions& options) {
  Scope scope;
  const Reference& target = options.target;
  Both(scope, "TARGET", target.Canonical());
  Both(scope, "TARGET_PROJECT", target.ProjectCanonical());
  Reference no_tag = target;
  no_tag.tag.clear();
  Both(scope, "TARGET_PROJECT_NO_TAG", no_tag.ProjectCanonical());
  Both(scope, "TARGET_NAME", target.name);
  std::string_view tag = target.tag;
  if (options.git != nullptr && options.git->branch_overridden && !options.git->branches.empty()) {
    tag = options.git->branches.front();
  }
  Both(scope, "TARGET_TAG", tag);
  Both(scope, "TARGET_TAG_DOCKER", DockerTagSafe(tag));
  if (options.platforms != nullptr) {
    AddPlatform(scope, "TARGET", options.platforms->Current());
    AddPlatform(scope, "USER", options.platforms->user());
    if (options.features.Has(Feature::kNewPlatform)) {
      AddPlatform(scope, "NATIVE", options.platforms->native());
    }
  }
  if (options.features.Has(Feature::kWaitBlock)) {
    Both(scope, "PUSH", Truth(options.push));
  }
  if (options.features.Has(Feature::kVersionArg)) {
    Both(scope, "VERSION", options.version);
    Both(scope, "BUILD_SHA", options.build_sha);
  }
  if (options.features.Has(Feature::kCiArg)) {
    Both(scope, "CI", Truth(options.ci));
  }
  if (options.features.Has(Feature::kLocallyArg)) {
    Both(scope, "LOCALLY", "false");
  }
  if (options.features.Has(Feature::kEarthlyCiRunnerArg)) {
    Both(scope, "CI_RUNNER", "false");
  }
  if (options.git == nullptr) {
    Both(scope, "SOURCE_DATE_EPOCH", "0");
  } else {
    AddGit(scope, *options.git, options.features);
  }
  return scope;
}

Scope TargetPlatformArgs(const PlatformResolver& platforms) {
  Scope scope;
  AddPlatform(scope, "TARGET", platforms.Current());
  return scope;
}

Scope LocallyArgs(bool locally) {
  Scope scope;
  Both(scope, "LOCALLY", Truth(locally));
  return scope;
}

bool IsBuiltinArg(std::string_view name) {
  if (name.starts_with(kOldPrefix)) {
    return IsSuffix(name.substr(kOldPrefix.size()));
  }
  if (name.starts_with(kNewPrefix)) {
    return name == kContentHash || IsSuffix(name.substr(kNewPrefix.size()));
  }
  return std::find(kPlatformNames.begin(), kPlatformNames.end(), name) != kPlatformNames.end();
}

std::optional<std::string> NewNameOfBuiltin(std::string_view name) {
  if (!name.starts_with(kOldPrefix) || !IsBuiltinArg(name)) {
    return std::nullopt;
  }
  return fmt::format("{}{}", kNewPrefix, name.substr(kOldPrefix.size()));
}

std::vector<std::string> BuiltinArgNames() {
  std::vector<std::string> names(kPlatformNames.begin(), kPlatformNames.end());
  for (const std::string_view suffix : kNames) {
    if (!suffix.empty()) {
      names.push_back(fmt::format("{}{}", kOldPrefix, suffix));
      names.push_back(fmt::format("{}{}", kNewPrefix, suffix));
    }
  }
  names.emplace_back(kContentHash);
  std::sort(names.begin(), names.end());
  return names;
}

std::string ScrubCredentials(std::string_view url) {
  // [scheme://]name:password@rest, where the name has no colon and the password no at sign
  std::size_t begin = 0;
  if (const std::size_t scheme = url.find("://");
      scheme != std::string_view::npos && scheme > 0 &&
      std::all_of(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(scheme),
                  [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; })) {
    begin = scheme + 3;
  }
  const std::size_t colon = url.find(':', begin);
  const std::size_t at = colon == std::string_view::npos ? colon : url.find('@', colon + 1);
  if (at == std::string_view::npos || colon == begin || at == colon + 1) {
    return std::string(url);
  }
  return fmt::format("{}:xxxxx{}", url.substr(0, colon), url.substr(at));
}

std::string GitPathOfUrl(std::string_view url) {
  bool scp = false;
  std::string path(WithoutUser(url, &scp));
  ColonToSlash(path);
  return WithoutDotGit(std::move(path));
}

std::string ProjectNameOfUrl(std::string_view url) {
  bool scp = false;
  std::string path(WithoutUser(url, &scp));
  if (scp) {
    ColonToSlash(path);
  }
  path = WithoutDotGit(std::move(path));
  const std::size_t slash = path.find('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::vector<std::string> CoAuthorsOf(std::string_view commit_body) {
  std::vector<std::string> addresses;
  for (std::string_view line : Split(commit_body, '\n')) {
    line = TrimSpace(line);
    const std::size_t last = line.rfind(' ');
    if (!line.starts_with("Co-authored-by: ") || last == std::string_view::npos || last == line.find(' ')) {
      continue;
    }
    std::string_view address = line.substr(last + 1);
    if (address.size() < 3 || address.front() != '<' || address.back() != '>') {
      continue;
    }
    address = address.substr(1, address.size() - 2);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.emplace_back(address);
    }
  }
  return addresses;
}

}  // namespace loam::sema::earthfile
