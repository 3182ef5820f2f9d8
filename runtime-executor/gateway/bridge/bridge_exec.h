// ExecProcess of the bridge: one stream of messages that starts processes in containers and carries their input,
// output, signals and ends.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "runtime-executor/gateway/bridge/bridge_containers.h"

namespace moby::buildkit::v1::frontend {
class ExecMessage;
class FdMessage;
class InitMessage;
}  // namespace moby::buildkit::v1::frontend

namespace loam::gateway {

namespace bridge_api = moby::buildkit::v1::frontend;

// The stream as the transport has it. Read and Write may be called from two threads at once.
class ExecStream {
 public:
  virtual ~ExecStream() = default;
  // False at its end.
  virtual bool Read(bridge_api::ExecMessage& message) = 0;
  virtual bool Write(const bridge_api::ExecMessage& message) = 0;
  // Makes a blocked Read return; from any thread.
  virtual void Cancel() = 0;
  // The other side is gone; nobody waits for the processes.
  [[nodiscard]] virtual bool canceled() const = 0;
};

class ExecSession {
 public:
  // Both outlive the session.
  ExecSession(BridgeContainers& containers, ExecStream& stream);
  ~ExecSession();
  ExecSession(const ExecSession&) = delete;
  ExecSession& operator=(const ExecSession&) = delete;

  // Serves the stream until it ends and all processes have ended. On stop, or when the other side is gone, they are
  // killed.
  Result<> Run(std::stop_token stop);

 private:
  class ProcessIo;

  Result<> Handle(const bridge_api::ExecMessage& message);
  Result<> Start(const std::string& id, const bridge_api::InitMessage& init);
  void Send(const bridge_api::ExecMessage& message);

  BridgeContainers& containers_;
  ExecStream& stream_;
  std::mutex write_mutex_;
  std::stop_source stop_;
  std::map<std::string, std::unique_ptr<ProcessIo>> processes_;
};

}  // namespace loam::gateway
