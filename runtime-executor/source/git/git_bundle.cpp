#include "runtime-executor/source/git/git_bundle.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "runtime-executor/source/blob/blob_locator.h"

namespace loam::source {
namespace {

constexpr std::string_view kHeads = "refs/heads/";
constexpr std::string_view kTags = "refs/tags/";
constexpr std::size_t kSha256Size = 64;

// A bare repository.
class Repository {
 public:
  Repository(const GitCli& git, std::string path, solver::ProgressWriter* progress, std::stop_token stop)
      : git_(git), path_(std::move(path)), progress_(progress), stop_(std::move(stop)) {}

  Result<> Init(std::size_t id_size) {
    std::vector<std::string> args = {"init", "--quiet", "--bare"};
    if (id_size == kSha256Size) {
      args.emplace_back("--object-format=sha256");
    }
    LOAM_TRY(Run(std::move(args)));
    return {};
  }

  // Empty `protocols`: those of the cli.
  Result<std::string> Run(std::vector<std::string> args, std::string protocols = "", bool shows_progress = false) {
    GitCall call;
    call.args = std::move(args);
    call.git_dir = path_;
    call.allowed_protocols = std::move(protocols);
    call.shows_progress = shows_progress;
    return git_.Run(call, shows_progress ? progress_ : nullptr, stop_);
  }

 private:
  const GitCli& git_;
  const std::string path_;
  solver::ProgressWriter* const progress_;
  const std::stop_token stop_;
};

// Branches and tags as they are; anything else as a branch.
std::string RefInBundle(const GitTarget& target) {
  if (target.ref.empty() || IsCommitId(target.ref)) {
    return std::string(kHeads) + "main";
  }
  if (target.ref.starts_with(kHeads) || target.ref.starts_with(kTags)) {
    return target.ref;
  }
  constexpr std::string_view kRefs = "refs/";
  return std::string(kHeads) + (target.ref.starts_with(kRefs) ? target.ref.substr(kRefs.size()) : target.ref);
}

}  // namespace

Result<StagedBundle> StageBundle(const GitTreeRequest& request, registry::RegistryClient& registry,
                                 const std::string& tmp_dir, SourceContext& context) {
  const BlobLocator locator = LOAM_TRY(ParseBlobLocator(request.bundle, request.bundle_store));
  StagedBundle staged{LOAM_TRY(TempDir::Create(tmp_dir, "git-bundle-")), ""};
  const auto content = LOAM_TRY(content::ContentStore::Open(staged.directory.Child("content")));
  LOAM_TRY_CONTEXT("fetch the git bundle " + request.bundle, FetchBlob(registry, locator, context, *content));
  const std::string file = content->PathOf(locator.digest);

  const GitCli git({.config = {{"safe.directory", "*"}}, .allowed_protocols = "file"});
  const std::string path = staged.directory.Child("repository");
  Repository repository(git, path, context.progress, context.stop);
  LOAM_TRY(repository.Init(request.checksum.size()));
  LOAM_TRY_CONTEXT("import the git bundle " + request.bundle,
                   repository.Run({"fetch", "--quiet", "--no-write-fetch-head", "--", file, "+refs/*:refs/*"}));
  auto found = repository.Run({"cat-file", "-e", request.checksum + "^{commit}"});
  if (!found) {
    if (found.error().Detail<GitErrorDetail>() == nullptr) {
      return tl::unexpected(std::move(found).error());
    }
    return Unexpected(ErrorCode::kNotFound,
                      fmt::format("commit {} not found in bundle {}", request.checksum, request.bundle));
  }
  // What fetches from here may ask for any commit.
  LOAM_TRY(repository.Run({"config", "uploadpack.allowAnySHA1InWant", "true"}));
  staged.url = "file://" + path;
  return staged;
}

Result<std::string> WriteBundle(const GitCli& remote, const GitTarget& target, bool exact, const std::string& scratch,
                                solver::ProgressWriter* progress, std::stop_token stop) {
  Repository repository(remote, scratch + "/repository", progress, std::move(stop));
  LOAM_TRY(repository.Init(target.id.size()));
  const std::string ref = RefInBundle(target);
  const auto fetch = [&](const std::string& from) {
    return repository.Run({"fetch", "--progress", "--no-tags", "--no-write-fetch-head", "--force", "--", "origin",
                           fmt::format("+{}:{}", from, ref)},
                          "", true);
  };
  const bool by_name = !exact && !IsCommitId(target.ref);
  LOAM_TRY(fetch(by_name ? target.ref : target.id));
  const std::string id(TrimSpace(LOAM_TRY(repository.Run({"rev-parse", "--verify", ref}))));
  if (id != target.id) {
    // The ref moved on since it was resolved.
    LOAM_TRY(fetch(target.id));
  }
  const std::string tree = scratch + "/tree";
  LOAM_TRY(MakeDirs(tree, 0755));
  // One thread: the same objects give the same file.
  LOAM_TRY(repository.Run(
      {"-c", "pack.threads=1", "bundle", "create", "--quiet", fmt::format("{}/{}", tree, kBundleFile), ref}));
  return tree;
}

}  // namespace loam::source
