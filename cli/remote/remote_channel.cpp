#include "cli/remote/remote_channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/client_interceptor.h>

#include "base/file_system.h"
#include "base/unique_fd.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::cli {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::seconds kPatienceWhenRefused{3};
// How a bridge's calls find their build (BuildKit's Control API).
constexpr const char* kBuildHeader = "buildkit-controlapi-buildid";

using Interceptors = std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>;

class NameBuild final : public grpc::experimental::Interceptor {
 public:
  explicit NameBuild(std::string build) : build_(std::move(build)) {}
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->insert({kBuildHeader, build_});
    }
    methods->Proceed();
  }

 private:
  const std::string build_;
};

class NameBuildFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit NameBuildFactory(std::string build) : build_(std::move(build)) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo*) override {
    return new NameBuild(build_);  // gRPC owns it
  }

 private:
  const std::string build_;
};

Result<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(const EngineAddress& address, const EngineTls& tls) {
  if (!tls.enabled()) {
    return grpc::InsecureChannelCredentials();
  }
  if (address.target.empty() || address.target.starts_with("unix:")) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{}: TLS is for tcp:// engines", address.text));
  }
  grpc::SslCredentialsOptions options;
  const auto read = [](const std::string& path, std::string& into) -> Result<> {
    if (!path.empty()) {
      into = LOAM_TRY(ReadFile(path));
    }
    return {};
  };
  LOAM_TRY(read(tls.ca, options.pem_root_certs));
  LOAM_TRY(read(tls.certificate, options.pem_cert_chain));
  LOAM_TRY(read(tls.key, options.pem_private_key));
  return grpc::SslCredentials(options);
}

// True when the engine answers. One that refuses may just be starting; one that is far away may be slow.
bool WaitForEngine(grpc::Channel& channel) {
  const auto start = std::chrono::system_clock::now();
  auto deadline = start + kPatience;
  for (auto state = channel.GetState(true); state != GRPC_CHANNEL_READY; state = channel.GetState(true)) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
      deadline = std::min(deadline, start + kPatienceWhenRefused);
    }
    if (state == GRPC_CHANNEL_SHUTDOWN || !channel.WaitForStateChange(state, deadline)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<RemoteChannel> RemoteChannel::Open(const EngineAddress& address, const EngineTls& tls,
                                          const std::string& build) {
  RemoteChannel remote;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(session::kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(session::kMaxMessageBytes);
  Interceptors interceptors;
  if (!build.empty()) {
    interceptors.push_back(std::make_unique<NameBuildFactory>(build));
  }
  if (address.target.empty()) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return UnexpectedErrno("make a socket pair");
    }
    const UniqueFd theirs(ends[1]);
    fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK);
    ProcessSpec spec;
    spec.args = address.command;
    spec.fds = {{0, theirs.get()}, {1, theirs.get()}, {2, 2}};
    remote.program_ = LOAM_TRY_CONTEXT(address.text, Process::Spawn(spec));
    remote.channel_ = grpc::experimental::CreateCustomInsecureChannelWithInterceptorsFromFd(
        "engine", ends[0], arguments, std::move(interceptors));
    return remote;
  }
  if (!tls.server_name.empty()) {
    arguments.SetSslTargetNameOverride(tls.server_name);
  }
  // A socket's path is no name of a host.
  if (address.target.starts_with("unix:")) {
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  }
  remote.channel_ = grpc::experimental::CreateCustomChannelWithInterceptors(
      address.target, LOAM_TRY(CredentialsOf(address, tls)), arguments, std::move(interceptors));
  if (!WaitForEngine(*remote.channel_)) {
    return Unexpected(Error(ErrorCode::kUnavailable, fmt::format("no engine answers at {}", address.text))
                          .WithHint("start buildkitd or loamd there"));
  }
  return remote;
}

}  // namespace loam::cli
