#include "compiler/sema/earthfile/git_facts.h"

#include <algorithm>

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
  GitFacts facts = LOAM_TRY(ReadCommitFacts(directory, "HEAD"));
  facts.base_directory = top->first;
  facts.origin_url = Ask(directory, {"config", "--get", "remote.origin.url"});
  if (!facts.origin_url.empty()) {
    facts.git_path = GitPathOfUrl(facts.origin_url);
  }
  if (!branch.empty()) {
    facts.branches = {branch};
    facts.branch_overridden = true;
  }
  if (!facts.hash.empty()) {
    if (branch.empty()) {
      facts.branches = Lines(Ask(directory, {"rev-parse", "--abbrev-ref", "HEAD"}));
    }
    facts.tags = Lines(Ask(directory, {"describe", "--exact-match", "--tags"}));
    facts.refs = Lines(Ask(directory, {"for-each-ref", "--points-at", "HEAD", "--format", "%(refname:lstrip=-1)"}));
    std::erase(facts.refs, "HEAD");
  }
  return std::optional<GitFacts>(std::move(facts));
}

}  // namespace loam::sema::earthfile
