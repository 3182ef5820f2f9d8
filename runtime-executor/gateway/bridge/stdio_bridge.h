// The bridge for one frontend on a socket: its standard input and output.
#pragma once

#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/gateway/bridge/bridge_build.h"

namespace loam::gateway {

class StdioBridge {
 public:
  // Serves `build`, which outlives it.
  static Result<std::unique_ptr<StdioBridge>> Start(BridgeBuild& build);
  // Ends all calls and waits for them.
  ~StdioBridge();
  StdioBridge(const StdioBridge&) = delete;
  StdioBridge& operator=(const StdioBridge&) = delete;

  // The frontend's end of the socket, for its process.
  [[nodiscard]] int frontend_fd() const;
  // Once the process has it: keeps an eye on the connection. Calls `on_closed` if this side ends it, because what came
  // was no such protocol.
  void Watch(std::function<void()> on_closed);
  // Whether this side has ended it.
  [[nodiscard]] bool closed() const;

 private:
  class State;
  explicit StdioBridge(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace loam::gateway
