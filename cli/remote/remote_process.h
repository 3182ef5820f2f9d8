// A process with a terminal in a container of a remote engine.
#pragma once

#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/unique_fd.h"
#include "frontend/gateway_client.h"
#include "runtime-executor/session/remote/rpc.h"
#include "runtime-executor/worker/worker.h"

namespace loam::cli {

// What a process ended with; an Error if it did not start, which engines tell as 255 with a message.
Result<int> ExitCodeOf(const frontend::api::ExitMessage& exit);

class RemoteProcess final : public worker::ContainerProcess {
 public:
  // `bridge` outlives it.
  RemoteProcess(frontend::api::LLBBridge::StubInterface& bridge, std::stop_token stop);
  ~RemoteProcess() override;
  RemoteProcess(const RemoteProcess&) = delete;
  RemoteProcess& operator=(const RemoteProcess&) = delete;

  // `message` has the init of a process with a terminal. Once, first.
  Result<> Start(const frontend::api::ExecMessage& message);

  // Nothing more can be typed from then on.
  Result<worker::ExecResult> Wait(std::stop_token stop) override;
  Result<> Signal(int signal) override;
  Result<> Resize(std::uint16_t rows, std::uint16_t columns) override;
  // This side of a pair of sockets: reading ends with the process.
  [[nodiscard]] int terminal() const override { return ours_.get(); }

 private:
  void PassInput();
  void PassOutput();
  Result<> Send(const frontend::api::ExecMessage& message);
  void End();

  using Stream = grpc::ClientReaderWriterInterface<frontend::api::ExecMessage, frontend::api::ExecMessage>;

  frontend::api::LLBBridge::StubInterface& bridge_;
  session::CallContext context_;
  std::unique_ptr<Stream> stream_;
  std::mutex write_mutex_;  // orders writes to stream_, guards closed_
  bool closed_ = false;     // nothing more is written
  UniqueFd ours_;
  UniqueFd theirs_;
  std::optional<Result<int>> code_;  // written by the thread of output, read after it has ended
  std::thread input_;
  std::thread output_;
};

}  // namespace loam::cli
