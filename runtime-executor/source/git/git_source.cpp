#include "runtime-executor/source/git/git_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/file_system.h"
#include "base/redact_urls.h"
#include "base/strings.h"
#include "runtime-executor/session/ssh_forwarder.h"
#include "runtime-executor/source/git/git_bundle.h"
#include "runtime-executor/source/git/git_checkout.h"
#include "runtime-executor/source/git/git_cli.h"
#include "runtime-executor/source/git/git_identifier.h"
#include "runtime-executor/source/git/git_mirror.h"
#include "runtime-executor/source/per_job.h"

namespace loam::source {
namespace {

// What git needs to talk to a remote, for as long as it talks.
struct Connection {
  std::shared_ptr<const StagedBundle> bundle;
  std::unique_ptr<session::SshForwarder> agent;
  std::optional<TempDir> known_hosts;
  // With the remote as "origin".
  std::optional<GitCli> remote;
  // Without: for repositories of our own, whose submodules have origins of their own.
  std::optional<GitCli> local;
};

class GitSourceImpl final : public GitSource {
 public:
  explicit GitSourceImpl(GitSourceOptions options) : options_(std::move(options)) {}

  [[nodiscard]] std::vector<std::string> Schemes() const override { return {"git"}; }
  Result<std::unique_ptr<SourceInstance>> Open(const SourceRequest& request, std::string_view reference) override;
  Result<GitTree> FetchTree(const GitTreeRequest& request, SourceContext& context) override;
  void ForgetEndedJobs() override {
    resolved_.ForgetEnded();
    staged_.ForgetEnded();
  }

  // The same for all that one job asks.
  Result<GitTarget> Resolve(const GitTreeRequest& request, SourceContext& context);
  // The files of a resolved commit; from an earlier checkout if there is one.
  Result<snapshot::FsRef> Checkout(const GitTreeRequest& request, const GitTarget& target, SourceContext& context,
                                   GitCommit* commit);
  Result<GitCommit> Commit(const GitTreeRequest& request, const GitTarget& target, SourceContext& context);
  Result<std::string> Object(const GitTreeRequest& request, const GitTarget& target, const std::string& kind,
                             const std::string& id, SourceContext& context);

 private:
  // Fetched once for all that a job asks.
  Result<std::shared_ptr<const StagedBundle>> StagedOf(const GitTreeRequest& request, SourceContext& context);
  Result<Connection> Connect(const GitTreeRequest& request, SourceContext& context);
  Result<GitMirror> FetchMirror(const Connection& connection, const GitTreeRequest& request, const GitTarget& target,
                                SourceContext& context);

  const GitSourceOptions options_;
  PerJob<GitTarget> resolved_;
  PerJob<std::shared_ptr<const StagedBundle>> staged_;
};

// As upstream computes it, so that caches are shared.
std::string CacheKey(const GitTreeRequest& request, const GitTarget& target) {
  std::string key = request.keep_git_dir ? target.id : target.commit_id();
  if (request.keep_git_dir) {
    key += ".git";
    if (!target.ref.empty()) {
      key += "#" + target.ref;
    }
  }
  if (!request.subdir.empty()) {
    key += ":" + request.subdir;
  }
  if (request.skip_submodules) {
    key += "(skip-submodules)";
  }
  if (!request.mtime.empty() && request.mtime != "checkout") {
    key += "(mtime=" + request.mtime + ")";
  }
  if (request.checkout_bundle) {
    key += "(bundle)";
  }
  return key;
}

// One token serves all repositories of github.com, as its actions have it.
std::string TokenScope(const std::string& remote) {
  for (const std::string_view prefix : {"https://github.com/", "https://www.github.com/"}) {
    if (remote.starts_with(prefix)) {
      return std::string(prefix);
    }
  }
  return remote;
}

// The URL without user and password, as git's configuration matches it.
std::string WithoutCredentials(const std::string& remote) {
  const std::size_t start = remote.find("://");
  if (start == std::string::npos) {
    return remote;
  }
  const std::size_t slash = remote.find('/', start + 3);
  const std::size_t at = remote.rfind('@', slash);
  return at == std::string::npos || at < start ? remote : remote.substr(0, start + 3) + remote.substr(at + 1);
}

Result<std::optional<std::string>> FindSecret(session::SecretStore& secrets, const std::string& id,
                                              const std::stop_token& stop) {
  auto value = secrets.Get(id, stop);
  if (!value && value.error().Is(ErrorCode::kNotFound)) {
    return std::nullopt;
  }
  if (!value) {
    return tl::unexpected(std::move(value).error());
  }
  return std::optional(std::move(*value));
}

// The Authorization header that the client's secrets make.
Result<std::optional<std::string>> AuthHeader(const GitTreeRequest& request, SourceContext& context) {
  const std::shared_ptr<session::SecretStore> secrets = context.client->secrets();
  const std::string host = GitHost(request.remote);
  for (const bool for_host : {true, false}) {
    for (const bool token : {false, true}) {
      const std::string& name = token ? request.auth_token_secret : request.auth_header_secret;
      if (name.empty()) {
        continue;
      }
      const auto value = LOAM_TRY(FindSecret(*secrets, for_host ? name + "." + host : name, context.stop));
      if (!value) {
        continue;
      }
      const std::string text(TrimSpace(*value));
      if (text.find_first_of("\r\n") != std::string::npos) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the secret `{}` has more than one line", name));
      }
      return std::optional(token ? "basic " + Base64Encode("x-access-token:" + text) : text);
    }
  }
  return std::nullopt;
}

class GitInstance final : public SourceInstance {
 public:
  GitInstance(GitSourceImpl& source, std::string identifier, GitTreeRequest request)
      : source_(source), identifier_(std::move(identifier)), request_(std::move(request)) {}

  Result<SourceKey> Resolve(SourceContext& context) override {
    LOAM_TRY(EnsureResolved(context));
    SourceKey key;
    key.keys = {CacheKey(request_, *target_)};
    key.pin = target_->id;
    key.preimage.fields = {
        {"op", "source"}, {"source", RedactUrls(identifier_)}, {"source.digest", target_->commit_id()}};
    const auto add = [&](std::string_view name, std::string value) {
      if (!value.empty()) {
        key.preimage.fields.push_back({fmt::format("attr:{}", name), std::move(value)});
      }
    };
    add("git.fullurl", RedactUrls(request_.remote));
    add("git.keepgitdir", request_.keep_git_dir ? target_->ref : "");
    add("git.skipsubmodules", request_.skip_submodules ? "true" : "");
    add("git.mtime", request_.mtime);
    return key;
  }

  Result<snapshot::FsRef> Fetch(SourceContext& context) override {
    LOAM_TRY(EnsureResolved(context));
    return source_.Checkout(request_, *target_, context, nullptr);
  }

  Result<std::optional<std::int64_t>> Time(SourceContext& context) override {
    LOAM_TRY(EnsureResolved(context));
    return std::optional(LOAM_TRY(source_.Commit(request_, *target_, context)).committer_time);
  }

  Result<SourceMeta> Meta(SourceContext& context, const SourceMetaRequest& request) override {
    LOAM_TRY(EnsureResolved(context));
    SourceMeta meta;
    meta.git = SourceMeta::Git{target_->id, target_->ref, target_->commit, "", ""};
    if (request.git_objects) {
      meta.git->commit_object = LOAM_TRY(source_.Object(request_, *target_, "commit", target_->commit_id(), context));
      if (!target_->commit.empty()) {
        meta.git->tag_object = LOAM_TRY(source_.Object(request_, *target_, "tag", target_->id, context));
      }
    }
    return meta;
  }

 private:
  Result<> EnsureResolved(SourceContext& context) {
    if (!target_) {
      target_ = LOAM_TRY(source_.Resolve(request_, context));
    }
    return {};
  }

  GitSourceImpl& source_;
  const std::string identifier_;
  const GitTreeRequest request_;
  std::optional<GitTarget> target_;
};

Result<std::unique_ptr<SourceInstance>> GitSourceImpl::Open(const SourceRequest& request, std::string_view reference) {
  return std::make_unique<GitInstance>(*this, request.identifier,
                                       LOAM_TRY(ParseGitIdentifier(request, reference, options_.allow_file)));
}

Result<std::shared_ptr<const StagedBundle>> GitSourceImpl::StagedOf(const GitTreeRequest& request,
                                                                    SourceContext& context) {
  if (options_.registry == nullptr) {
    return Unexpected(ErrorCode::kUnimplemented, "git bundles need a client of registries");
  }
  const std::string key = fmt::format("{}\n{}\n{}", request.bundle, request.bundle_store, request.checksum);
  return staged_.Get(context.client, key, [&]() -> Result<std::shared_ptr<const StagedBundle>> {
    return std::make_shared<const StagedBundle>(
        LOAM_TRY(StageBundle(request, *options_.registry, options_.tmp_dir, context)));
  });
}

Result<Connection> GitSourceImpl::Connect(const GitTreeRequest& request, SourceContext& context) {
  Connection connection;
  GitCliOptions options;
  std::string remote = request.remote;
  std::string transport = GitTransport(remote);
  if (!request.bundle.empty()) {
    // Submodules still come from where they are; the repository itself needs no credentials.
    connection.bundle = LOAM_TRY(StagedOf(request, context));
    remote = connection.bundle->url;
    transport = "file";
  }
  if (transport == "file") {
    options.allowed_protocols += ":file";
    options.config.emplace_back("safe.directory", "*");
  }
  if (transport.starts_with("http")) {
    if (const auto header = LOAM_TRY(AuthHeader(request, context))) {
      options.config.emplace_back(fmt::format("http.{}.extraheader", WithoutCredentials(TokenScope(request.remote))),
                                  "Authorization: " + *header);
    }
  }
  if (transport == "ssh" && options_.ssh_command) {
    options.ssh_command = options_.ssh_command(request.remote);
  }
  if (!request.ssh_agent.empty()) {
    const std::shared_ptr<session::SshAgents> agents = context.client->ssh();
    auto offered = agents->Check(request.ssh_agent, context.stop);
    if (!offered && transport == "ssh" && options.ssh_command.empty()) {
      return Unexpected(std::move(offered)
                            .error()
                            .Wrap(RedactUrls(request.remote))
                            .WithHint("forward an SSH agent: --ssh default (Earthfiles: set SSH_AUTH_SOCK)"));
    }
    if (offered) {
      auto connect = [agents, id = request.ssh_agent](std::stop_token stop) { return agents->Connect(id, stop); };
      connection.agent = LOAM_TRY(session::SshForwarder::Start(connect, ::geteuid(), ::getegid(), 0600));
      options.ssh_auth_sock = fmt::format("/proc/{}/fd/{}/{}", ::getpid(), connection.agent->mount_fd(),
                                          session::SshForwarder::kSocketName);
    }
  }
  if (!request.known_hosts.empty()) {
    connection.known_hosts = LOAM_TRY(TempDir::Create(options_.tmp_dir, "git-known-hosts-"));
    options.known_hosts_file = connection.known_hosts->Child("known_hosts");
    LOAM_TRY(WriteFileAtomic(options.known_hosts_file, request.known_hosts, 0600));
  } else if (transport == "ssh") {
    LOAM_TRY(MakeDirs(options_.mirrors_dir, 0700));
    options.known_hosts_file = options_.mirrors_dir + "/known_hosts";
    options.known_hosts_grow = true;
  }
  connection.local.emplace(options);
  options.config.emplace_back("remote.origin.url", remote);
  connection.remote.emplace(std::move(options));
  return connection;
}

Result<GitTarget> GitSourceImpl::Resolve(const GitTreeRequest& request, SourceContext& context) {
  LOAM_TRY(CheckGitRequest(request, options_.allow_file));
  const auto mismatch = [&](const std::string& got) {
    return Unexpected(
        Error(ErrorCode::kFailedPrecondition, fmt::format("{}: expected checksum to match {}, got {}",
                                                          RedactUrls(request.remote), request.checksum, got))
            .WithHint("the ref has moved, or the checksum is that of another commit"));
  };
  if (IsCommitId(request.ref)) {
    if (!request.ref.starts_with(request.checksum)) {
      return mismatch(request.ref);
    }
    return GitTarget{request.ref, request.ref, ""};
  }
  if (request.fetch_by_commit) {
    GitTarget target{request.ref, request.checksum, ""};
    if (request.ref.empty()) {
      target.ref = request.checksum;
    } else if (!request.ref.starts_with("refs/")) {
      target.ref = "refs/heads/" + request.ref;
    }
    return target;
  }
  if (!request.bundle.empty() && request.ref.empty()) {
    return GitTarget{request.checksum, request.checksum, ""};
  }
  const std::string key = request.remote + "#" + request.ref + (request.bundle.empty() ? "" : "\n" + request.bundle);
  GitTarget target = LOAM_TRY(resolved_.Get(context.client, key, [&]() -> Result<GitTarget> {
    const Connection connection = LOAM_TRY(Connect(request, context));
    return ResolveGitRef(*connection.remote, request.remote, request.ref, context.progress, context.stop);
  }));
  if (!target.id.starts_with(request.checksum) && !target.commit.starts_with(request.checksum)) {
    return mismatch(target.commit.empty() ? target.id : target.id + " or " + target.commit);
  }
  return target;
}

Result<GitMirror> GitSourceImpl::FetchMirror(const Connection& connection, const GitTreeRequest& request,
                                             const GitTarget& target, SourceContext& context) {
  GitMirror mirror = LOAM_TRY(GitMirror::Open(*connection.remote, options_.mirrors_dir, request.remote, target.id,
                                              context.progress, context.stop));
  LOAM_TRY_CONTEXT(RedactUrls(request.remote), mirror.Fetch(target, request.fetch_by_commit));
  return mirror;
}

Result<GitCommit> GitSourceImpl::Commit(const GitTreeRequest& request, const GitTarget& target,
                                        SourceContext& context) {
  const Connection connection = LOAM_TRY(Connect(request, context));
  GitMirror mirror = LOAM_TRY(FetchMirror(connection, request, target, context));
  return mirror.ReadCommit(target);
}

Result<std::string> GitSourceImpl::Object(const GitTreeRequest& request, const GitTarget& target,
                                          const std::string& kind, const std::string& id, SourceContext& context) {
  const Connection connection = LOAM_TRY(Connect(request, context));
  GitMirror mirror = LOAM_TRY(FetchMirror(connection, request, target, context));
  return mirror.ReadObject(kind, id);
}

Result<snapshot::FsRef> GitSourceImpl::Checkout(const GitTreeRequest& request, const GitTarget& target,
                                                SourceContext& context, GitCommit* commit) {
  std::string key = CacheKey(request, target);
  if (request.keep_git_dir) {
    key += " " + request.remote;  // stands in the `.git`
  }
  if (commit == nullptr) {
    if (auto found = LOAM_TRY(options_.index->FindCheckout(key))) {
      return std::move(*found);
    }
  }
  const Connection connection = LOAM_TRY(Connect(request, context));
  if (request.checkout_bundle) {
    const TempDir scratch = LOAM_TRY(TempDir::Create(options_.tmp_dir, "git-"));
    const std::string tree =
        LOAM_TRY_CONTEXT(RedactUrls(request.remote), WriteBundle(*connection.remote, target, request.fetch_by_commit,
                                                                 scratch.path(), context.progress, context.stop));
    const snapshot::FsRef fs(std::vector<snapshot::LayerRef>{LOAM_TRY(options_.layers->Adopt(tree))});
    LOAM_TRY(options_.layers->Describe(
        fs, fmt::format("git bundle checkout for {}#{}", RedactUrls(request.remote), request.ref)));
    LOAM_TRY(options_.index->PutCheckout(key, fs));
    return fs;
  }
  // Open until the files are written: the mirror holds their objects.
  GitMirror mirror = LOAM_TRY(FetchMirror(connection, request, target, context));
  if (commit != nullptr) {
    *commit = LOAM_TRY(mirror.ReadCommit(target));
  }
  // Another build may have made it in the meantime.
  if (auto found = LOAM_TRY(options_.index->FindCheckout(key))) {
    return std::move(*found);
  }
  const TempDir scratch = LOAM_TRY(TempDir::Create(options_.tmp_dir, "git-"));
  GitCheckout checkout;
  checkout.request = &request;
  checkout.target = &target;
  checkout.git = &*connection.local;
  checkout.mirror = mirror.path();
  checkout.scratch = scratch.path();
  checkout.progress = context.progress;
  const std::string tree = LOAM_TRY_CONTEXT(RedactUrls(request.remote), WriteCheckout(checkout, context.stop));
  if (request.mtime == "commit") {
    const std::int64_t time = LOAM_TRY(mirror.ReadCommit(target)).committer_time;
    const UniqueFd root = LOAM_TRY(OpenFile(tree, O_RDONLY | O_DIRECTORY));
    LOAM_TRY(SetTimes(root.get(), time));
  }
  const snapshot::FsRef fs(std::vector<snapshot::LayerRef>{LOAM_TRY(options_.layers->Adopt(tree))});
  LOAM_TRY(
      options_.layers->Describe(fs, fmt::format("git snapshot for {}#{}", RedactUrls(request.remote), request.ref)));
  LOAM_TRY(options_.index->PutCheckout(key, fs));
  return fs;
}

Result<GitTree> GitSourceImpl::FetchTree(const GitTreeRequest& request, SourceContext& context) {
  const GitTarget target = LOAM_TRY(Resolve(request, context));
  GitTree tree;
  tree.fs = LOAM_TRY(Checkout(request, target, context, &tree.commit));
  return tree;
}

}  // namespace

std::unique_ptr<GitSource> MakeGitSource(GitSourceOptions options) {
  return std::make_unique<GitSourceImpl>(std::move(options));
}

}  // namespace loam::source
