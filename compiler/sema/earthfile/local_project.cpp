#include "compiler/sema/earthfile/local_project.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/digest.h"
#include "base/file_system.h"
#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "compiler/sema/earthfile/fetched_projects.h"
#include "compiler/sema/earthfile/git_cache.h"
#include "compiler/sema/earthfile/git_facts.h"
#include "compiler/sema/earthfile/git_program.h"

namespace loam::sema::earthfile {
namespace {

std::string UrlEncode(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_' || c == '.' ||
        c == '~') {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

// RE2 writes groups as \1.
std::string Re2Replacement(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool group = text[i] == '$' && i + 1 < text.size();
    if (group && text[i + 1] >= '0' && text[i + 1] <= '9') {
      result += '\\';
    } else if (group && text[i + 1] == '{') {
      const std::size_t end = text.find('}', i);
      if (end != std::string_view::npos) {
        result += fmt::format("\\{}", text.substr(i + 2, end - i - 2));
        i = end;
        continue;
      }
      result += text[i];
    } else {
      result += text[i];
    }
  }
  return result;
}

std::vector<std::string> UrlsOf(const GitSite& site, const std::string& host, const std::string& path) {
  const auto ssh = [&](const std::string& user) {
    if (path.starts_with('/') || (site.port != 0 && site.port != 22)) {
      return fmt::format("ssh://{}@{}{}{}{}", user, host,
                         site.port != 0 && site.port != 22 ? fmt::format(":{}", site.port) : "",
                         path.starts_with('/') ? "" : "/", path);
    }
    return fmt::format("{}@{}:{}", user, host, path);
  };
  if (site.auth == "ssh") {
    return {ssh(site.user.empty() ? "git" : site.user)};
  }
  if (site.auth == "http") {
    return {fmt::format("http://{}/{}", host, path)};
  }
  if (site.auth == "https") {
    const std::string login = !site.user.empty() && !site.password.empty()
                                  ? fmt::format("{}:{}@", UrlEncode(site.user), UrlEncode(site.password))
                                  : std::string();
    return {fmt::format("https://{}{}/{}", login, host, path)};
  }
  std::vector<std::string> urls = {fmt::format("https://{}/{}", host, path)};
  if (std::getenv("SSH_AUTH_SOCK") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    urls.push_back(ssh("git"));
  }
  return urls;
}

std::string SshCommandOf(const GitSite& site) {
  if (site.strict_host_key_checking) {
    return site.ssh_command;
  }
  return fmt::format("{} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
                     site.ssh_command.empty() ? "ssh" : site.ssh_command);
}

// "github.com/a/b.git" of an address; nullopt if it is none of a server.
std::optional<std::string> GitPathOf(std::string_view url) {
  static const RE2 kUrl(R"((?:(?:https?|ssh|git)://(?:[^@/]+@)?([^/:]+)(?::\d+)?/|[^@/:]+@([^/:]+):)(.+))", RE2::Quiet);
  std::string host;
  std::string scp_host;
  std::string path;
  if (!RE2::FullMatch(re2::StringPiece(url.data(), url.size()), kUrl, &host, &scp_host, &path)) {
    return std::nullopt;
  }
  return fmt::format("{}/{}", host.empty() ? scp_host : host, path);
}

}  // namespace

Result<CloneAddress> CloneAddressOf(std::string_view git_path, const std::vector<GitSite>& sites) {
  const GitSite fallback;
  std::vector<const GitSite*> candidates;
  for (const GitSite& site : sites) {
    candidates.push_back(&site);
  }
  candidates.push_back(&fallback);
  for (const GitSite* site : candidates) {
    const bool all = site == &fallback;
    const std::string pattern = !site->pattern.empty() ? site->pattern
                                : all                  ? "[^/]+/[^/]+/[^/]+"
                                                       : fmt::format("{}/[^/]+/[^/]+", RE2::QuoteMeta(site->name));
    const RE2 regex(fmt::format("({})", pattern), RE2::Quiet);
    if (!regex.ok()) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("the pattern of git site `{}` is wrong: {}", site->name, regex.error()));
    }
    // `github.com/org/repo.git/sub` names the repository exactly.
    std::string subject(git_path);
    re2::StringPiece match;
    if (!RE2::PartialMatch(subject, regex, &match) || match.data() != subject.data()) {
      continue;
    }
    std::string repository(match.data(), match.size());
    CloneAddress address;
    address.ssh_command = SshCommandOf(*site);
    if (subject.size() > repository.size()) {
      address.directory = subject.substr(repository.size() + (subject[repository.size()] == '/' ? 1 : 0));
    }
    if (!site->substitute.empty()) {
      std::string url = repository;
      const RE2 plain(pattern, RE2::Quiet);
      RE2::GlobalReplace(&url, plain, Re2Replacement(site->substitute));
      address.urls = {std::move(url)};
      return address;
    }
    const std::size_t slash = repository.find('/');
    if (slash == std::string::npos) {
      continue;
    }
    const std::string host = repository.substr(0, slash);
    std::string path = site->prefix + repository.substr(slash + 1);
    if (!path.ends_with(".git") || site->suffix != ".git") {
      path += site->suffix;
    }
    address.urls = UrlsOf(*site, host, path);
    return address;
  }
  return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`{}` names no repository", git_path))
                        .WithHint("a remote project is written as host/owner/repository"));
}

Result<std::string> ConfiguredCloneUrl(std::string_view url, const std::vector<GitSite>& sites) {
  const std::optional<std::string> git_path = GitPathOf(url);
  if (!git_path) {
    return std::string(url);
  }
  for (const GitSite& site : sites) {
    const std::vector<GitSite> one = {site};
    // The fallback is not asked for: the address is one already.
    const auto with = CloneAddressOf(*git_path, one);
    const auto without = CloneAddressOf(*git_path, {});
    if (with && (!without || with->urls != without->urls)) {
      return with->directory.empty() ? with->urls.front() : std::string(url);
    }
  }
  return std::string(url);
}

std::string MirroredCloneUrl(const std::string& url) {
  const Result<std::string> mirrored =
      RunGit({.args = {"ls-remote", "--get-url", "--", url}, .directory = {}, .ssh_command = {}});
  const bool keyless = mirrored && (mirrored->starts_with("git://") || mirrored->starts_with("http://") ||
                                    mirrored->starts_with("https://"));
  return keyless ? *mirrored : url;
}

std::string ConfiguredSshCommand(std::string_view url, const std::vector<GitSite>& sites) {
  const std::optional<std::string> git_path = GitPathOf(url);
  const auto address = git_path ? CloneAddressOf(*git_path, sites) : Result<CloneAddress>(CloneAddress());
  return address ? address->ssh_command : std::string();
}

class LocalProjectHost::Impl {
 public:
  explicit Impl(LocalProjectOptions options)
      : options_(std::move(options)), cache_(options_.cache_directory, options_.offline) {}

  Result<std::string> PathOf(const Place& place, std::string_view path) const {
    if (place.IsLocal()) {
      const std::string directory = place.directory.starts_with('/')
                                        ? place.directory
                                        : fmt::format("{}/{}", options_.directory, place.directory);
      return path.starts_with('/') ? std::string(path) : CleanPath(fmt::format("{}/{}", directory, path));
    }
    // A fetched project must not reach out of its tree, by links or dots.
    const std::string full = CleanPath(fmt::format("{}/{}/{}", place.root, place.directory, path));
    std::error_code error;
    const std::filesystem::path real = std::filesystem::weakly_canonical(full, error);
    const std::filesystem::path root = std::filesystem::weakly_canonical(place.root, error);
    const std::string real_text = real.string();
    const std::string root_text = root.string();
    if (error || (real_text != root_text && !real_text.starts_with(root_text + "/"))) {
      return Unexpected(ErrorCode::kPermissionDenied, fmt::format("`{}` leads out of the repository", path));
    }
    return full;
  }

  Result<std::optional<GitFacts>> Git(const Place& place) {
    const std::string directory = LOAM_TRY(PathOf(place, ""));
    const std::lock_guard lock(mutex_);
    // A project has many directories and mostly one repository: git is asked once.
    const std::optional<std::string> nearest = NearestGitEntry(directory);
    if (nearest) {
      if (nearest->empty()) {
        return std::nullopt;
      }
      const std::optional<GitFacts>* const known = LOAM_TRY(Repository(*nearest));
      if (!*known) {
        return std::nullopt;
      }
      if ((*known)->base_directory == *nearest) {
        GitFacts facts = **known;
        std::error_code failed;
        const std::string real = std::filesystem::canonical(directory, failed).string();
        facts.relative_directory = real.size() > nearest->size() ? real.substr(nearest->size() + 1) : "";
        return std::optional<GitFacts>(std::move(facts));
      }
    }
    const auto top = LOAM_TRY(FindGitTop(directory));
    if (!top) {
      return std::nullopt;
    }
    std::optional<GitFacts> facts = *LOAM_TRY(Repository(top->first));
    if (facts) {
      facts->relative_directory = top->second;
    }
    return facts;
  }

  Result<RemoteProject> Fetch(std::string_view git_path, std::string_view tag) {
    if (options_.cache_directory.empty()) {
      return Unexpected(ErrorCode::kFailedPrecondition, "remote projects cannot be fetched here");
    }
    CloneAddress address = LOAM_TRY(CloneAddressOf(git_path, options_.sites));
    GitCache::Checkout checkout = LOAM_TRY(cache_.Get(address.urls, std::string(tag), address.ssh_command));
    RemoteProject remote{.root = checkout.tree,
                         .directory = address.directory,
                         .clone_url = checkout.url,
                         .commit = checkout.commit,
                         .git = std::move(checkout.git),
                         .local_path = checkout.tree};
    // The reference itself, not the address, says what the project is called.
    remote.git.relative_directory = address.directory;
    LOAM_TRY(
        RememberProject(options_.cache_directory, git_path, tag, CleanPath(checkout.tree + "/" + address.directory)));
    return remote;
  }

 private:
  // What git says at `directory`; under mutex_.
  Result<const std::optional<GitFacts>*> Repository(const std::string& directory) {
    auto known = repositories_.find(directory);
    if (known == repositories_.end()) {
      known = repositories_.emplace(directory, LOAM_TRY(ReadGitFacts(directory, options_.git_branch))).first;
    }
    return &known->second;
  }

  LocalProjectOptions options_;
  GitCache cache_;
  std::mutex mutex_;  // of repositories_
  std::map<std::string, std::optional<GitFacts>> repositories_;
};

Result<std::string> ReadProjectFile(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("{} is no regular file", path))
                          .WithHint("files of a project are read again at each build; write it into a file"));
  }
  return loam::ReadFile(path);
}

LocalProjectHost::LocalProjectHost(LocalProjectOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
LocalProjectHost::~LocalProjectHost() = default;

Result<std::string> LocalProjectHost::PathOf(const Place& place, std::string_view path) const {
  return impl_->PathOf(place, path);
}

Result<std::string> LocalProjectHost::ReadFile(const Place& place, std::string_view path) {
  return ReadProjectFile(LOAM_TRY(impl_->PathOf(place, path)));
}

Result<bool> LocalProjectHost::FileExists(const Place& place, std::string_view path) {
  const std::string full = LOAM_TRY(impl_->PathOf(place, path));
  struct stat info {};
  if (stat(full.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return false;
    }
    return UnexpectedErrno(fmt::format("stat {}", full));
  }
  return !S_ISDIR(info.st_mode);
}

Result<std::vector<DirectoryEntry>> LocalProjectHost::ListDirectory(const Place& place, std::string_view path) {
  const std::string full = LOAM_TRY(impl_->PathOf(place, path));
  std::vector<DirectoryEntry> entries;
  for (std::string& name : LOAM_TRY(ListDir(full))) {
    struct stat info {};
    const bool directory = stat(fmt::format("{}/{}", full, name).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    entries.push_back({std::move(name), directory});
  }
  return entries;
}

Result<std::optional<GitFacts>> LocalProjectHost::Git(const Place& place) {
  return impl_->Git(place);
}

Result<RemoteProject> LocalProjectHost::Fetch(std::string_view git_path, std::string_view tag) {
  return impl_->Fetch(git_path, tag);
}

Result<std::string> LocalProjectHost::HashFile(const Place& place, std::string_view path) {
  const std::string full = LOAM_TRY(impl_->PathOf(place, path));
  const UniqueFd fd = LOAM_TRY(OpenFile(full, O_RDONLY));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) {
    return UnexpectedErrno(fmt::format("stat {}", full));
  }
  Sha256 hash;
  hash.Update(fmt::format("{} ", info.st_size));
  std::vector<char> buffer(std::size_t{1} << 16);
  std::uint64_t offset = 0;
  while (const std::size_t got = LOAM_TRY(ReadAt(fd.get(), buffer, offset, full))) {
    hash.Update(std::string_view(buffer.data(), got));
    offset += got;
  }
  return hash.Finish().Hex();
}

}  // namespace loam::sema::earthfile
