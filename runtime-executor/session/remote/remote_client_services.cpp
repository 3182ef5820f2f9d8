#include "runtime-executor/session/remote/remote_client_services.h"

#include <fcntl.h>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/file_system.h"
#include "proto/containerd/services/content/v1/content.grpc.pb.h"
#include "proto/session/auth/auth.grpc.pb.h"
#include "proto/session/secrets/secrets.grpc.pb.h"
#include "proto/session/sshforward/ssh.grpc.pb.h"
#include "proto/session/upload/upload.grpc.pb.h"
#include "runtime-executor/session/remote/remote_dirs.h"
#include "runtime-executor/session/remote/rpc.h"
#include "runtime-executor/session/remote/stream_pump.h"
#include "runtime-executor/session/token_fetcher.h"

namespace loam::session {
namespace {

constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::string_view kGetSecret = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
constexpr std::string_view kCheckAgent = "/moby.sshforward.v1.SSH/CheckAgent";
constexpr std::string_view kForwardAgent = "/moby.sshforward.v1.SSH/ForwardAgent";
constexpr std::string_view kCredentials = "/moby.filesync.v1.Auth/Credentials";
constexpr std::string_view kFetchToken = "/moby.filesync.v1.Auth/FetchToken";
constexpr std::string_view kTokenAuthority = "/moby.filesync.v1.Auth/GetTokenAuthority";
constexpr std::string_view kPullUpload = "/moby.upload.v1.Upload/Pull";
constexpr std::string_view kWriteContent = "/containerd.services.content.v1.Content/Write";
// Below gRPC's limit for a message.
constexpr std::size_t kContentPiece = std::size_t{1} << 20;
constexpr std::string_view kReadContent = "/containerd.services.content.v1.Content/Read";
// Docker Hub's credentials are kept under the name of its registry's host.
constexpr std::string_view kDockerHub = "docker.io";
constexpr std::string_view kDockerHubRegistry = "registry-1.docker.io";

// The session, if it offers the method; else kNotFound.
Result<std::shared_ptr<Session>> SessionWith(const RemoteClientOptions& options, std::string_view method,
                                             std::string_view what, const std::stop_token& stop) {
  auto session = LOAM_TRY(options.sessions->Get(options.session_id, kPatience, stop));
  if (!session->Supports(method)) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("{}: the client offers none", what));
  }
  return session;
}

class RemoteSecrets final : public SecretStore {
 public:
  explicit RemoteSecrets(const RemoteClientOptions& options) : options_(options) {}

  Result<std::string> Get(std::string_view id, std::stop_token stop) override {
    const std::string doing = fmt::format("secret {}", id);
    const auto session = LOAM_TRY(options_.sessions->Get(options_.session_id, kPatience, stop));
    if (!session->Supports(kGetSecret)) {
      // As BuildKit says it.
      return Unexpected(ErrorCode::kNotFound, fmt::format("{}: not found", doing));
    }
    CallContext context(std::move(stop));
    moby::buildkit::secrets::v1::GetSecretRequest request;
    request.set_id(std::string(id));
    moby::buildkit::secrets::v1::GetSecretResponse response;
    const auto stub = moby::buildkit::secrets::v1::Secrets::NewStub(session->channel());
    LOAM_TRY(CheckGrpcStatus(stub->GetSecret(context.get(), request, &response), doing));
    return std::move(*response.mutable_data());
  }

 private:
  const RemoteClientOptions options_;
};

class RemoteSsh final : public SshAgents {
 public:
  explicit RemoteSsh(const RemoteClientOptions& options) : options_(options) {}

  Result<> Check(std::string_view id, std::stop_token stop) override {
    const std::string doing = fmt::format("SSH agent {}", id.empty() ? "default" : id);
    const auto session = LOAM_TRY(options_.sessions->Get(options_.session_id, kPatience, stop));
    // As BuildKit says it.
    const auto none = [&] {
      return Unexpected(ErrorCode::kNotFound, fmt::format("no SSH key \"{}\" forwarded from the client", id));
    };
    if (!session->Supports(kCheckAgent)) {
      return none();
    }
    CallContext context(std::move(stop));
    moby::sshforward::v1::CheckAgentRequest request;
    request.set_id(std::string(id));
    moby::sshforward::v1::CheckAgentResponse response;
    const auto stub = moby::sshforward::v1::SSH::NewStub(session->channel());
    const grpc::Status status = stub->CheckAgent(context.get(), request, &response);
    if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
      return none();
    }
    return CheckGrpcStatus(status, doing);
  }

  Result<UniqueFd> Connect(std::string_view id, std::stop_token stop) override {
    const auto session = LOAM_TRY(SessionWith(options_, kForwardAgent, "SSH agent", stop));
    std::shared_ptr<moby::sshforward::v1::SSH::Stub> stub = moby::sshforward::v1::SSH::NewStub(session->channel());
    return PumpToSocket<moby::sshforward::v1::BytesMessage>(session, std::move(stop),
                                                            [stub, id = std::string(id)](grpc::ClientContext& context) {
                                                              if (!id.empty()) {
                                                                AddMetadata(context, "buildkit.ssh.id", {id});
                                                              }
                                                              return stub->ForwardAgent(&context);
                                                            });
  }

 private:
  const RemoteClientOptions options_;
};

class RemoteAuth final : public RegistryAuth, public TokenFetcher {
 public:
  explicit RemoteAuth(const RemoteClientOptions& options) : options_(options) {}

  Result<std::optional<RegistryToken>> FetchToken(const TokenRequest& request, std::stop_token stop) override {
    const auto none = std::optional<RegistryToken>();
    if (options_.session_id.empty()) {
      return none;
    }
    const auto session = LOAM_TRY(options_.sessions->Get(options_.session_id, kPatience, stop));
    if (!session->Supports(kFetchToken) || !session->Supports(kTokenAuthority)) {
      return none;
    }
    const auto stub = moby::filesync::v1::Auth::NewStub(session->channel());
    const std::string host(request.host == kDockerHub ? kDockerHubRegistry : request.host);
    {
      // Clients say here whether they want to get tokens. (The key, by which clients with the same password could share
      // tokens, is of no use here: each has its own.)
      CallContext context(stop);
      moby::filesync::v1::GetTokenAuthorityRequest ask;
      ask.set_host(host);
      ask.set_salt(options_.session_id);
      moby::filesync::v1::GetTokenAuthorityResponse authority;
      const grpc::Status status = stub->GetTokenAuthority(context.get(), ask, &authority);
      if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED ||
          status.error_code() == grpc::StatusCode::UNAVAILABLE) {
        return none;
      }
      LOAM_TRY(CheckGrpcStatus(status, fmt::format("token for {}", request.host)));
    }
    CallContext context(std::move(stop));
    moby::filesync::v1::FetchTokenRequest ask;
    ask.set_clientid("loam");
    ask.set_host(host);
    ask.set_realm(std::string(request.realm));
    ask.set_service(std::string(request.service));
    ask.mutable_scopes()->Assign(request.scopes.begin(), request.scopes.end());
    moby::filesync::v1::FetchTokenResponse answer;
    LOAM_TRY(CheckGrpcStatus(stub->FetchToken(context.get(), ask, &answer), fmt::format("token for {}", request.host)));
    return std::optional(RegistryToken{answer.token(), std::chrono::seconds(answer.expiresin())});
  }

  Result<RegistryCredentials> Credentials(std::string_view host, std::stop_token stop) override {
    if (options_.session_id.empty()) {
      return RegistryCredentials();
    }
    const auto session = LOAM_TRY(options_.sessions->Get(options_.session_id, kPatience, stop));
    if (!session->Supports(kCredentials)) {
      return RegistryCredentials();
    }
    CallContext context(std::move(stop));
    moby::filesync::v1::CredentialsRequest request;
    request.set_host(std::string(host == kDockerHub ? kDockerHubRegistry : host));
    moby::filesync::v1::CredentialsResponse response;
    const auto stub = moby::filesync::v1::Auth::NewStub(session->channel());
    const grpc::Status status = stub->Credentials(context.get(), request, &response);
    if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
      return RegistryCredentials();
    }
    LOAM_TRY(CheckGrpcStatus(status, fmt::format("credentials for {}", host)));
    RegistryCredentials credentials;
    credentials.username = response.username();
    // A secret without a user name is a refresh token.
    (response.username().empty() ? credentials.identity_token : credentials.password) = response.secret();
    return credentials;
  }

 private:
  const RemoteClientOptions options_;
};

// Clients take this one as it is, so what cannot be a header's value cannot be asked for.
Result<> AddStoreId(grpc::ClientContext& context, const std::string& store_id) {
  constexpr const char* kStoreId = "buildkit-attachable-store-id";
  if (!IsAscii(store_id)) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("header key \"{}\" contains value with non-printable ASCII characters", kStoreId));
  }
  context.AddMetadata(kStoreId, store_id);
  return {};
}

// Clients put "oci:" before the names of their layouts; directories of caches have "local:" already.
std::string NameAtClient(std::string_view store_id) {
  return store_id.starts_with("local:") ? std::string(store_id) : fmt::format("oci:{}", store_id);
}

class RemoteLayouts final : public OciLayouts {
 public:
  explicit RemoteLayouts(const RemoteClientOptions& options) : options_(options) {}

  Result<UniqueFd> OpenBlob(std::string_view store_id, const Digest& digest, std::stop_token stop) override {
    const std::string doing = fmt::format("OCI layout `{}`, blob {}", store_id, digest.ToString());
    const auto session = LOAM_TRY(SessionWith(options_, kReadContent, doing, stop));
    CallContext context(std::move(stop));
    LOAM_TRY_CONTEXT(doing, AddStoreId(*context, NameAtClient(store_id)));
    containerd::services::content::v1::ReadContentRequest request;
    request.set_digest(digest.ToString());
    const auto stub = containerd::services::content::v1::Content::NewStub(session->channel());
    const auto call = stub->Read(context.get(), request);
    // Layers are large: not in memory.
    LOAM_TRY(MakeDirs(options_.directory_cache, 0700));
    UniqueFd file = LOAM_TRY(OpenFile(options_.directory_cache, O_TMPFILE | O_RDWR, 0600));
    containerd::services::content::v1::ReadContentResponse response;
    while (call->Read(&response)) {
      LOAM_TRY(WriteAll(file.get(), response.data(), doing));
    }
    LOAM_TRY(CheckGrpcStatus(call->Finish(), doing));
    if (lseek(file.get(), 0, SEEK_SET) != 0) {
      return UnexpectedErrno("lseek");
    }
    return file;
  }

  Result<> WriteBlob(std::string_view store_id, const Digest& digest, std::uint64_t size, int blob,
                     std::stop_token stop) override {
    namespace content = containerd::services::content::v1;
    const std::string doing = fmt::format("OCI layout `{}`, blob {}", store_id, digest.ToString());
    const auto session = LOAM_TRY(SessionWith(options_, kWriteContent, doing, stop));
    CallContext context(std::move(stop));
    LOAM_TRY_CONTEXT(doing, AddStoreId(*context, std::string(store_id)));
    const auto stub = content::Content::NewStub(session->channel());
    const auto call = stub->Write(context.get());
    const auto exchange = [&](content::WriteContentRequest& request) {
      content::WriteContentResponse response;
      return call->Write(request) && call->Read(&response);
    };
    content::WriteContentRequest request;
    request.set_ref("loam-" + digest.ToString());
    request.set_total(static_cast<std::int64_t>(size));
    request.set_expected(digest.ToString());
    request.set_action(content::STAT);
    bool open = exchange(request);
    Result<> read;
    for (std::uint64_t offset = 0; open && offset < size;) {
      std::string& data = *request.mutable_data();
      data.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kContentPiece, size - offset)));
      const Result<std::size_t> got = ReadAt(blob, data, offset, doing);
      if (!got || *got == 0) {
        read = got ? Unexpected(ErrorCode::kDataLoss, doing + ": it is shorter than it should be")
                   : Unexpected(got.error());
        context->TryCancel();
        break;
      }
      data.resize(*got);
      request.set_action(content::WRITE);
      request.set_offset(static_cast<std::int64_t>(offset));
      open = exchange(request);
      offset += *got;
    }
    if (open && read) {
      request.clear_data();
      request.set_action(content::COMMIT);
      request.set_offset(static_cast<std::int64_t>(size));
      exchange(request);
      call->WritesDone();
    }
    // The last answer comes twice; a call does not end before everything is read.
    for (content::WriteContentResponse rest; call->Read(&rest);) {
    }
    const grpc::Status status = call->Finish();
    if (!read) {
      return read;
    }
    return status.error_code() == grpc::StatusCode::ALREADY_EXISTS ? Result<>() : CheckGrpcStatus(status, doing);
  }

 private:
  const RemoteClientOptions options_;
};

class RemoteUploads final : public Uploads {
 public:
  explicit RemoteUploads(const RemoteClientOptions& options) : options_(options) {}

  Result<> Pull(std::string_view host, std::string_view path,
                const std::function<Result<>(std::string_view data)>& receive, std::stop_token stop) override {
    const std::string doing = fmt::format("upload http://{}{}", host, path);
    const auto session = LOAM_TRY(SessionWith(options_, kPullUpload, doing, stop));
    CallContext context(std::move(stop));
    AddMetadata(*context, "urlhost", {std::string(host)});
    AddMetadata(*context, "urlpath", {std::string(path)});
    const auto stub = moby::upload::v1::Upload::NewStub(session->channel());
    const auto call = stub->Pull(context.get());
    Result<> taken;
    for (moby::upload::v1::BytesMessage message; taken && call->Read(&message);) {
      taken = receive(message.data());
    }
    if (!taken) {
      context->TryCancel();
    }
    call->WritesDone();
    const grpc::Status status = call->Finish();
    return taken ? CheckGrpcStatus(status, doing) : taken;
  }

 private:
  const RemoteClientOptions options_;
};

}  // namespace

std::shared_ptr<ClientServices> MakeRemoteClientServices(RemoteClientOptions options) {
  return MakeClientServices({.secrets = std::make_shared<RemoteSecrets>(options),
                             .ssh = std::make_shared<RemoteSsh>(options),
                             .local_dirs = MakeRemoteDirs(options),
                             .oci_layouts = std::make_shared<RemoteLayouts>(options),
                             .registry_auth = std::make_shared<RemoteAuth>(options),
                             .uploads = std::make_shared<RemoteUploads>(options)});
}

}  // namespace loam::session
