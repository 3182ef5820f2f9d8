#include "compiler/sema/earthfile/git_facts.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <future>

#include "base/strings.h"
#include "compiler/sema/earthfile/git_program.h"

namespace loam::sema::earthfile {
namespace {

// What git printed; "" if it failed.
std::string Ask(const std::string& directory, std::vector<std::string> args) {
  return RunGit({.args = std::move(args), .directory = directory, .ssh_command = {}}).value_or("");
}

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.empty() && std::find(lines.begin(), lines.end(), line) == lines.end()) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

}  // namespace

Result<std::optional<std::pair<std::string, std::string>>> FindGitTop(const std::string& directory) {
  const auto answer =
      RunGit({.args = {"rev-parse", "--show-toplevel", "--show-prefix"}, .directory = directory, .ssh_command = {}});
  if (!answer) {
    return std::nullopt;
  }
  auto lines = SplitOnce(*answer, '\n');
  std::string prefix(lines ? lines->second : std::string_view());
  if (prefix.ends_with('/')) {
    prefix.pop_back();
  }
  return std::pair(std::string(lines ? lines->first : std::string_view(*answer)), std::move(prefix));
}

std::optional<std::string> NearestGitEntry(const std::string& directory) {
  for (const char* const variable :
       {"GIT_DIR", "GIT_WORK_TREE", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM"}) {
    if (std::getenv(variable) != nullptr) {  // NOLINT(concurrency-mt-unsafe)
      return std::nullopt;
    }
  }
  std::error_code failed;
  std::filesystem::path place = std::filesystem::canonical(directory, failed);
  struct stat start {};
  if (failed || ::stat(place.c_str(), &start) != 0) {
    return std::nullopt;
  }
  while (true) {
    struct stat info {};
    if (::stat(place.c_str(), &info) != 0 || info.st_dev != start.st_dev) {
      return std::string();
    }
    if (place.filename() == ".git") {
      return std::nullopt;  // inside of a repository's own files
    }
    if (::lstat((place / ".git").c_str(), &info) == 0) {
      return place.string();
    }
    if (!place.has_relative_path()) {
      return std::string();
    }
    place = place.parent_path();
  }
}

Result<GitFacts> ReadCommitFacts(const std::string& git_directory, const std::string& commit) {
  GitFacts facts;
  const std::string log =
      Ask(git_directory, {"log", "-1", "--abbrev=8", "--format=%H%n%h%n%T%n%ct%n%at%n%ae%n%an%n%b", commit});
  const std::vector<std::string_view> lines = Split(log, '\n');
  if (lines.size() >= 7) {
    std::string* const fields[] = {
        &facts.hash,         &facts.short_hash, &facts.content_hash, &facts.commit_timestamp, &facts.author_timestamp,
        &facts.author_email, &facts.author_name};
    std::size_t offset = 0;
    for (std::size_t i = 0; i < 7; ++i) {
      *fields[i] = lines[i];
      offset += lines[i].size() + 1;
    }
    if (offset < log.size()) {
      facts.co_authors = CoAuthorsOf(std::string_view(log).substr(offset));
    }
  }
  return facts;
}

Result<std::optional<GitFacts>> ReadGitFacts(const std::string& directory, const std::string& branch) {
  const auto top = LOAM_TRY(FindGitTop(directory));
  if (!top) {
    return std::nullopt;
  }
  // Each is a process of its own: they run beside each other.
  const auto ask = [&](std::vector<std::string> args) {
    return std::async(std::launch::async, [&directory, args = std::move(args)] { return Ask(directory, args); });
  };
  std::future<std::string> origin = ask({"config", "--get", "remote.origin.url"});
  std::future<std::string> head = ask({"rev-parse", "--abbrev-ref", "HEAD"});
  std::future<std::string> tags = ask({"describe", "--exact-match", "--tags"});
  std::future<std::string> refs = ask({"for-each-ref", "--points-at", "HEAD", "--format", "%(refname:lstrip=-1)"});
  GitFacts facts = LOAM_TRY(ReadCommitFacts(directory, "HEAD"));
  facts.base_directory = top->first;
  facts.origin_url = origin.get();
  if (!facts.origin_url.empty()) {
    facts.git_path = GitPathOfUrl(facts.origin_url);
  }
  if (!branch.empty()) {
    facts.branches = {branch};
    facts.branch_overridden = true;
  }
  if (!facts.hash.empty()) {
    if (branch.empty()) {
      facts.branches = Lines(head.get());
    }
    facts.tags = Lines(tags.get());
    facts.refs = Lines(refs.get());
    std::erase(facts.refs, "HEAD");
  }
  return std::optional<GitFacts>(std::move(facts));
}

}  // namespace loam::sema::earthfile
