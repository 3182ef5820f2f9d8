#include "runtime-executor/gateway/bridge/stdio_bridge.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>

#include "runtime-executor/gateway/bridge/bridge_service.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::gateway {

namespace {

// What comes of a frontend in all, before calls have it.
constexpr std::size_t kMaxMemory = std::size_t{256} << 20;
// Each call that runs has a thread; more of them wait at the frontend. Far above what frontends do: a client that has
// opened more before it heard of the limit sends some of them behind its acknowledgement, and gRPC ends the connection.
constexpr int kMaxCalls = 4'096;

}  // namespace

class StdioBridge::State {
 public:
  explicit State(BridgeBuild& build)
      // The service asks for a pointer that it may keep during a call; the build is the caller's.
      : build_(&build, [](BridgeBuild*) {}),
        service_(
            MakeBridgeService([this](const std::string&) { return Result<std::shared_ptr<BridgeBuild>>(build_); })) {}

  ~State() {
    if (watcher_.joinable()) {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = write(wake_.get(), &one, sizeof(one));
      watcher_.join();
    }
    frontend_.Reset();
    if (server_ != nullptr) {
      server_->Shutdown(std::chrono::system_clock::now());
      server_->Wait();
    }
  }

  Result<> Open() {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
      return UnexpectedErrno("make a socket for a frontend");
    }
    UniqueFd ours(fds[0]);
    frontend_ = UniqueFd(fds[1]);
    wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
    if (!wake_.valid() || fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) {
      return UnexpectedErrno("prepare a socket for a frontend");
    }
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    grpc::ResourceQuota quota("frontend");
    quota.Resize(kMaxMemory);
    builder.SetResourceQuota(quota);
    builder.SetMaxReceiveMessageSize(session::kMaxMessageBytes);
    builder.SetMaxSendMessageSize(session::kMaxMessageBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCalls);
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) {
      return Unexpected(ErrorCode::kInternal, "the bridge of a frontend cannot be started");
    }
    grpc::AddInsecureChannelFromFd(server_.get(), ours.Release());
    return {};
  }

  void Watch(std::function<void()> on_closed) {
    watcher_ = std::thread([this, on_closed = std::move(on_closed)] {
      // The process has its own descriptor of that end: what hangs up here is the other one.
      pollfd polls[2] = {{frontend_.get(), 0, 0}, {wake_.get(), POLLIN, 0}};
      while (poll(polls, 2, -1) < 0 && errno == EINTR) {
      }
      if (polls[1].revents == 0) {
        on_closed();
      }
    });
  }

  [[nodiscard]] bool closed() const {
    pollfd other{frontend_.get(), 0, 0};
    return poll(&other, 1, 0) > 0;
  }
  [[nodiscard]] int frontend_fd() const { return frontend_.get(); }

 private:
  const std::shared_ptr<BridgeBuild> build_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  UniqueFd frontend_;
  UniqueFd wake_;
  std::thread watcher_;
};

StdioBridge::StdioBridge(std::unique_ptr<State> state) : state_(std::move(state)) {}
StdioBridge::~StdioBridge() = default;

Result<std::unique_ptr<StdioBridge>> StdioBridge::Start(BridgeBuild& build) {
  auto state = std::make_unique<State>(build);
  LOAM_TRY(state->Open());
  return std::unique_ptr<StdioBridge>(new StdioBridge(std::move(state)));
}

int StdioBridge::frontend_fd() const {
  return state_->frontend_fd();
}

void StdioBridge::Watch(std::function<void()> on_closed) {
  state_->Watch(std::move(on_closed));
}

bool StdioBridge::closed() const {
  return state_->closed();
}

}  // namespace loam::gateway
