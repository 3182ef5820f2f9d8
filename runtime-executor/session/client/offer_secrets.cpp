// Secrets, SSH agents and credentials.
#include <sys/socket.h>

#include <array>
#include <thread>

#include "proto/session/auth/auth.grpc.pb.h"
#include "proto/session/secrets/secrets.grpc.pb.h"
#include "proto/session/sshforward/ssh.grpc.pb.h"
#include "runtime-executor/session/client/call_metadata.h"
#include "runtime-executor/session/client/offered_services.h"
#include "runtime-executor/session/remote/server_status.h"

namespace loam::session {
namespace {

class Secrets final : public moby::buildkit::secrets::v1::Secrets::Service {
 public:
  explicit Secrets(std::shared_ptr<SecretStore> secrets) : secrets_(std::move(secrets)) {}
  grpc::Status GetSecret(grpc::ServerContext*, const moby::buildkit::secrets::v1::GetSecretRequest* request,
                         moby::buildkit::secrets::v1::GetSecretResponse* response) override {
    auto value = secrets_->Get(request->id());
    if (!value) {
      return ToGrpcStatus(value.error());
    }
    response->set_data(*std::move(value));
    return grpc::Status::OK;
  }

 private:
  const std::shared_ptr<SecretStore> secrets_;
};

using SshCall = grpc::ServerReaderWriter<moby::sshforward::v1::BytesMessage, moby::sshforward::v1::BytesMessage>;

class Ssh final : public moby::sshforward::v1::SSH::Service {
 public:
  explicit Ssh(std::shared_ptr<SshAgents> agents) : agents_(std::move(agents)) {}

  grpc::Status CheckAgent(grpc::ServerContext*, const moby::sshforward::v1::CheckAgentRequest* request,
                          moby::sshforward::v1::CheckAgentResponse*) override {
    return ToGrpcStatus(agents_->Check(request->id()));
  }

  grpc::Status ForwardAgent(grpc::ServerContext* context, SshCall* call) override {
    auto socket = agents_->Connect(MetadataValue(*context, "buildkit.ssh.id"));
    if (!socket) {
      return ToGrpcStatus(socket.error());
    }
    std::thread to_agent([&] {
      moby::sshforward::v1::BytesMessage message;
      bool open = true;
      while (open && call->Read(&message)) {
        std::string_view data = message.data();
        while (open && !data.empty()) {
          const ssize_t sent = send(socket->get(), data.data(), data.size(), MSG_NOSIGNAL);
          open = sent > 0;
          data.remove_prefix(open ? static_cast<std::size_t>(sent) : 0);
        }
      }
      shutdown(socket->get(), SHUT_RDWR);
    });
    std::array<char, 32768> buffer{};
    moby::sshforward::v1::BytesMessage message;
    ssize_t got = 0;
    while ((got = recv(socket->get(), buffer.data(), buffer.size(), 0)) > 0) {
      message.set_data(buffer.data(), static_cast<std::size_t>(got));
      if (!call->Write(message)) {
        break;
      }
    }
    context->TryCancel();
    to_agent.join();
    return grpc::Status::OK;
  }

 private:
  const std::shared_ptr<SshAgents> agents_;
};

class RegistryLogins final : public moby::filesync::v1::Auth::Service {
 public:
  explicit RegistryLogins(std::shared_ptr<RegistryAuth> auth) : auth_(std::move(auth)) {}

  // The other calls let the client fetch tokens itself; without them the daemon does, with the credentials.
  grpc::Status Credentials(grpc::ServerContext*, const moby::filesync::v1::CredentialsRequest* request,
                           moby::filesync::v1::CredentialsResponse* response) override {
    // The daemon asks for the host that it speaks to.
    const std::string host = request->host() == "registry-1.docker.io" ? "docker.io" : request->host();
    const auto found = auth_->Credentials(host);
    if (!found) {
      return ToGrpcStatus(found.error());
    }
    if (!found->identity_token.empty()) {
      response->set_secret(found->identity_token);
    } else {
      response->set_username(found->username);
      response->set_secret(found->password);
    }
    return grpc::Status::OK;
  }

 private:
  const std::shared_ptr<RegistryAuth> auth_;
};

}  // namespace

OfferedService OfferSecrets(std::shared_ptr<SecretStore> secrets) {
  return {std::make_unique<Secrets>(std::move(secrets)), {"/moby.buildkit.secrets.v1.Secrets/GetSecret"}};
}

OfferedService OfferSsh(std::shared_ptr<SshAgents> agents) {
  return {std::make_unique<Ssh>(std::move(agents)),
          {"/moby.sshforward.v1.SSH/CheckAgent", "/moby.sshforward.v1.SSH/ForwardAgent"}};
}

OfferedService OfferCredentials(std::shared_ptr<RegistryAuth> auth) {
  return {std::make_unique<RegistryLogins>(std::move(auth)), {"/moby.filesync.v1.Auth/Credentials"}};
}

}  // namespace loam::session
