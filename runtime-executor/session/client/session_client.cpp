#include "runtime-executor/session/client/session_client.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_posix.h>

#include "base/unique_fd.h"
#include "proto/api/services/control/control.grpc.pb.h"
#include "runtime-executor/session/client/offered_services.h"
#include "runtime-executor/session/remote/rpc.h"
#include "runtime-executor/session/remote/session_manager.h"

namespace loam::session {
namespace {

using moby::buildkit::v1::BytesMessage;
using moby::buildkit::v1::Control;

std::string NewId() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}", device(), device(), device());
}

class Client final : public SessionClient {
 public:
  Client() : id_(NewId()) {}
  ~Client() override {
    context_.TryCancel();
    if (ours_.valid()) {
      shutdown(ours_.get(), SHUT_RDWR);
    }
    for (std::jthread* thread : {&to_daemon_, &from_daemon_}) {
      if (thread->joinable()) {
        thread->join();
      }
    }
    if (server_ != nullptr) {
      server_->Shutdown(std::chrono::system_clock::now());
      server_->Wait();
    }
  }

  Result<> Start(const std::shared_ptr<grpc::Channel>& control, SessionClientOptions options) {
    services_.push_back(OfferDirectories(options.services->local_dirs()));
    services_.push_back(OfferSecrets(options.services->secrets()));
    services_.push_back(OfferSsh(options.services->ssh()));
    services_.push_back(OfferCredentials(options.services->registry_auth()));
    if (auto layouts = options.services->oci_layouts()) {
      services_.push_back(OfferLayouts(std::move(layouts)));
    }
    services_.push_back(TakeOutputs(std::move(options.outputs)));
    // The daemon asks after the client's health all the time.
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    for (const OfferedService& offered : services_) {
      builder.RegisterService(offered.service.get());
    }
    server_ = builder.BuildAndStart();
    int ends[2];
    if (server_ == nullptr || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return UnexpectedErrno("start the session");
    }
    ours_ = UniqueFd(ends[0]);
    fcntl(ends[1], F_SETFL, fcntl(ends[1], F_GETFL) | O_NONBLOCK);
    grpc::AddInsecureChannelFromFd(server_.get(), ends[1]);

    context_.AddMetadata(std::string(kSessionIdHeader), id_);
    context_.AddMetadata("x-docker-expose-session-name", "loam");
    context_.AddMetadata(std::string(kSessionSharedKeyHeader), options.shared_key);
    for (const OfferedService& offered : services_) {
      for (const std::string& method : offered.methods) {
        context_.AddMetadata(std::string(kSessionMethodHeader), method);
      }
    }
    context_.AddMetadata(std::string(kSessionMethodHeader), "/grpc.health.v1.Health/Check");
    stub_ = Control::NewStub(control);
    call_ = stub_->Session(&context_);
    to_daemon_ = std::jthread([this] { PumpToDaemon(); });
    from_daemon_ = std::jthread([this] { PumpFromDaemon(); });
    return {};
  }

  [[nodiscard]] const std::string& id() const override { return id_; }

 private:
  void PumpToDaemon() {
    std::array<char, 32768> buffer{};
    BytesMessage message;
    ssize_t got = 0;
    while ((got = recv(ours_.get(), buffer.data(), buffer.size(), 0)) > 0) {
      message.set_data(buffer.data(), static_cast<std::size_t>(got));
      if (!call_->Write(message)) {
        return;
      }
    }
    call_->WritesDone();
  }
  void PumpFromDaemon() {
    BytesMessage message;
    while (call_->Read(&message)) {
      std::string_view data = message.data();
      while (!data.empty()) {
        const ssize_t sent = send(ours_.get(), data.data(), data.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
          return;
        }
        data.remove_prefix(static_cast<std::size_t>(sent));
      }
    }
    shutdown(ours_.get(), SHUT_RDWR);
  }

  const std::string id_;
  std::vector<OfferedService> services_;
  std::unique_ptr<grpc::Server> server_;
  UniqueFd ours_;
  std::unique_ptr<Control::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<BytesMessage, BytesMessage>> call_;
  std::jthread to_daemon_;
  std::jthread from_daemon_;
};

}  // namespace

Result<std::unique_ptr<SessionClient>> SessionClient::Open(const std::shared_ptr<grpc::Channel>& control,
                                                           SessionClientOptions options) {
  auto client = std::make_unique<Client>();
  LOAM_TRY(client->Start(control, std::move(options)));
  return std::unique_ptr<SessionClient>(std::move(client));
}

}  // namespace loam::session
