#include "cli/remote/remote_process.h"

#include <string.h>  // NOLINT(modernize-deprecated-headers): sigabbrev_np
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/file_system.h"
#include "frontend/status.h"

namespace loam::cli {
namespace {

namespace api = frontend::api;

constexpr const char* kProcess = "1";

api::ExecMessage Message() {
  api::ExecMessage message;
  message.set_processid(kProcess);
  return message;
}

}  // namespace

Result<int> ExitCodeOf(const api::ExitMessage& exit) {
  constexpr std::uint32_t kNoProcess = 255;
  const std::string& message = exit.error().message();
  if (exit.code() == kNoProcess && !message.empty() && message.find("exit code: 255") == std::string::npos) {
    return Unexpected(ErrorCode::kUnknown, message);
  }
  return static_cast<int>(exit.code());
}

RemoteProcess::RemoteProcess(api::LLBBridge::StubInterface& bridge, std::stop_token stop)
    : bridge_(bridge), context_(std::move(stop)) {}

RemoteProcess::~RemoteProcess() {
  if (output_.joinable()) {
    context_->TryCancel();
  }
  End();
}

Result<> RemoteProcess::Start(const api::ExecMessage& message) {
  int pair[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return UnexpectedErrno("a pair of sockets for a terminal");
  }
  ours_ = UniqueFd(pair[0]);
  theirs_ = UniqueFd(pair[1]);
  stream_ = bridge_.ExecProcess(context_.get());
  if (!stream_->Write(message)) {
    return Unexpected(frontend::FromGrpcStatus(stream_->Finish()));
  }
  input_ = std::thread([this] { PassInput(); });
  output_ = std::thread([this] { PassOutput(); });
  return {};
}

void RemoteProcess::PassInput() {
  char buffer[16384];
  while (true) {
    const ssize_t got = ::read(theirs_.get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return;
    }
    api::ExecMessage message = Message();
    message.mutable_file()->set_fd(0);
    message.mutable_file()->set_data(buffer, static_cast<std::size_t>(got));
    if (!Send(message)) {
      return;
    }
  }
}

void RemoteProcess::PassOutput() {
  api::ExecMessage message;
  bool ended = false;
  bool silent = false;
  while (stream_->Read(&message)) {
    if (message.has_file()) {
      if (!message.file().data().empty()) {
        // Whoever has the terminal may be gone: the process goes on.
        static_cast<void>(WriteAll(theirs_.get(), message.file().data(), "the terminal of a step"));
      }
      silent = silent || message.file().eof();
    } else if (message.has_exit()) {
      code_ = ExitCodeOf(message.exit());
      ended = true;
    }
    // BuildKit says that it is done only when nothing more can be typed.
    if (message.has_done() || (ended && silent)) {
      const std::lock_guard lock(write_mutex_);
      if (!std::exchange(closed_, true)) {
        stream_->WritesDone();
      }
    }
  }
  ::shutdown(theirs_.get(), SHUT_RDWR);
}

Result<> RemoteProcess::Send(const api::ExecMessage& message) {
  const std::lock_guard lock(write_mutex_);
  if (closed_ || !stream_->Write(message)) {
    return Unexpected(ErrorCode::kFailedPrecondition, "the process has ended");
  }
  return {};
}

void RemoteProcess::End() {
  if (output_.joinable()) {
    output_.join();
  }
  if (input_.joinable()) {
    ::shutdown(ours_.get(), SHUT_RDWR);
    input_.join();
  }
}

Result<worker::ExecResult> RemoteProcess::Wait(std::stop_token stop) {
  const std::stop_callback canceled(stop, [this] { context_->TryCancel(); });
  End();
  if (stream_ != nullptr) {
    const grpc::Status status = std::exchange(stream_, nullptr)->Finish();
    if (stop.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    if (!code_ && !status.ok()) {
      return Unexpected(frontend::FromGrpcStatus(status));
    }
  }
  if (!code_) {
    return Unexpected(ErrorCode::kInternal, "a process on the engine ended without an exit code");
  }
  worker::ExecResult result;
  result.exit_code = LOAM_TRY(Result<int>(*code_));
  return result;
}

Result<> RemoteProcess::Signal(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  if (name == nullptr) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("there is no signal {}", signal));
  }
  api::ExecMessage message = Message();
  message.mutable_signal()->set_name(name);
  return Send(message);
}

Result<> RemoteProcess::Resize(std::uint16_t rows, std::uint16_t columns) {
  api::ExecMessage message = Message();
  message.mutable_resize()->set_rows(rows);
  message.mutable_resize()->set_cols(columns);
  return Send(message);
}

}  // namespace loam::cli
