#include "frontend/project_files.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/go_json.h"
#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "compiler/sema/earthfile/local_project.h"

namespace loam::frontend {
namespace {

using sema::earthfile::DirectoryEntry;
using sema::earthfile::GitFacts;
using sema::earthfile::Place;
using sema::earthfile::RemoteProject;

constexpr std::string_view kEarthfile = "Earthfile";
constexpr std::size_t kShortHash = 8;

// `git_path` "github.com/org/repo/sub" is of "github.com/org/repo".
std::string RepositoryOf(std::string_view git_path, const std::string& directory) {
  std::string_view repository = git_path;
  if (!directory.empty()) {
    repository.remove_suffix(std::min(repository.size(), directory.size() + 1));
  }
  return std::string(repository);
}

}  // namespace

GatewayProjectHost::GatewayProjectHost(GatewayClient& client, GatewayBuildHost& host, const Environment& environment,
                                       std::string earthfile)
    : client_(client), host_(host), environment_(environment), earthfile_(std::move(earthfile)) {}

Result<ir::Value> GatewayProjectHost::FilesOf(ir::Graph& graph, const Place& place, std::string_view path, bool follow,
                                              std::string& full) const {
  full = CleanPath(fmt::format("{}/{}", place.directory.empty() ? "." : place.directory, path));
  if (full.starts_with('/') || full == ".." || full.starts_with("../")) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("`{}` is outside of the build context", full));
  }
  if (!place.IsLocal()) {
    const std::size_t separator = place.root.find(' ');
    const std::vector<ir::KeyValue> attrs{
        {"git.fullurl", graph.Intern(std::string_view(place.root).substr(separator + 1))}};
    return graph.Add<ir::OpKind::kSourceGit>({}, {graph.Intern(place.root.substr(0, separator)), attrs});
  }
  const std::string follow_list = GoJsonStringList(std::vector<std::string>{full});
  std::vector<ir::KeyValue> attrs;
  if (follow && full != ".") {
    attrs.push_back({"local.followpaths", follow_list});
  }
  attrs.push_back({"local.session", environment_.session_id});
  attrs.push_back({"local.sharedkeyhint", kContextName});
  const ir::Value files = graph.Add<ir::OpKind::kSourceLocal>({}, {kContextName, attrs});
  const std::string name = fmt::format("[internal] load {}", full == "." ? "build context" : full);
  const std::vector<ir::KeyValue> description{{"llb.customname", name}};
  ir::Metadata metadata;
  metadata.description = description;
  graph.Annotate(files, metadata);
  return files;
}

Result<std::string> GatewayProjectHost::ReadFile(const Place& place, std::string_view path) {
  if (place.IsLocal() && path == kEarthfile && CleanPath(place.directory.empty() ? "." : place.directory) == ".") {
    return host_.ReadDockerfileNeighbour(earthfile_);
  }
  ir::Graph graph;
  std::string full;
  const ir::Value files = LOAM_TRY(FilesOf(graph, place, path, true, full));
  return host_.ReadFile(graph, files, full, 0);
}

Result<bool> GatewayProjectHost::FileExists(const Place& place, std::string_view path) {
  if (place.IsLocal() && path == kEarthfile && CleanPath(place.directory.empty() ? "." : place.directory) == ".") {
    return true;
  }
  ir::Graph graph;
  std::string full;
  const ir::Value files = LOAM_TRY(FilesOf(graph, place, path, true, full));
  const Result<sema::FileStat> stat = host_.StatFile(graph, files, full);
  if (!stat && stat.error().Is(ErrorCode::kNotFound)) {
    return false;
  }
  return !LOAM_TRY(Result<sema::FileStat>(stat)).is_directory;
}

Result<std::vector<DirectoryEntry>> GatewayProjectHost::ListDirectory(const Place& place, std::string_view path) {
  ir::Graph graph;
  std::string full;
  const ir::Value files = LOAM_TRY(FilesOf(graph, place, path, true, full));
  std::vector<DirectoryEntry> entries;
  for (const sema::FileStat& entry : LOAM_TRY(host_.ListDirectory(graph, files, full))) {
    const std::size_t slash = entry.path.rfind('/');
    entries.push_back({slash == std::string::npos ? entry.path : entry.path.substr(slash + 1), entry.is_directory});
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

Result<std::optional<GitFacts>> GatewayProjectHost::Git(const Place&) {
  // A context is files; which commit they are of is not known here.
  return std::optional<GitFacts>();
}

Result<RemoteProject> GatewayProjectHost::Fetch(std::string_view git_path, std::string_view tag) {
  const std::pair<std::string, std::string> key(git_path, tag);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = fetched_.find(key); found != fetched_.end()) {
      return found->second;
    }
  }
  const sema::earthfile::CloneAddress address = LOAM_TRY(sema::earthfile::CloneAddressOf(git_path, {}));
  const std::string repository = RepositoryOf(git_path, address.directory);
  api::ResolveSourceMetaRequest request;
  request.mutable_source()->set_identifier(fmt::format("git://{}{}{}", repository, tag.empty() ? "" : "#", tag));
  (*request.mutable_source()->mutable_attrs())["git.fullurl"] = address.urls.front();
  request.set_logname(fmt::format("[internal] resolve {}{}{}", repository, tag.empty() ? "" : ":", tag));
  const auto resolved = client_.ResolveSource(request);
  if (!resolved && resolved.error().Is(ErrorCode::kUnimplemented)) {
    return Unexpected(
        ErrorCode::kUnimplemented,
        fmt::format("the remote project `{}` needs a newer BuildKit: this one does not tell commits", git_path));
  }
  const api::ResolveSourceMetaResponse answer = LOAM_TRY(Result<api::ResolveSourceMetaResponse>(resolved));
  RemoteProject remote;
  remote.commit = answer.git().commitchecksum().empty() ? answer.git().checksum() : answer.git().commitchecksum();
  if (remote.commit.empty()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("`{}` has no commit `{}`", repository, tag));
  }
  remote.directory = address.directory;
  remote.clone_url = address.urls.front();
  remote.root = fmt::format("{}#{} {}", repository, remote.commit, remote.clone_url);
  remote.git.origin_url = remote.clone_url;
  remote.git.git_path = repository;
  remote.git.hash = remote.commit;
  remote.git.short_hash = remote.commit.substr(0, kShortHash);
  remote.git.relative_directory = address.directory;
  if (!tag.empty() && tag != remote.commit) {
    remote.git.branches = {std::string(tag)};
  }
  const std::lock_guard lock(mutex_);
  return fetched_.emplace(key, std::move(remote)).first->second;
}

Result<std::string> GatewayProjectHost::HashFile(const Place& place, std::string_view path) {
  const std::string text = LOAM_TRY(ReadFile(place, path));
  Sha256 hash;
  hash.Update(fmt::format("{} ", text.size()));
  hash.Update(text);
  return hash.Finish().Hex();
}

}  // namespace loam::frontend
