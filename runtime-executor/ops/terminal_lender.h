// The client's terminal, lent to one process at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "runtime-executor/worker/worker.h"

namespace loam::ops {

// Whoever sits at the other end of a process's terminal.
class TerminalPeer {
 public:
  virtual ~TerminalPeer() = default;
  // Passes on what is typed and printed, and changes of size, until the process and its children are gone; returns
  // then. Blocks.
  virtual void Attach(worker::ContainerProcess& process) = 0;
};

class TerminalLender {
 public:
  virtual ~TerminalLender() = default;
  // Calls `body` while it has the terminal: waits for others to give it back, until `stop`. `title` is what runs, for
  // people. The peer is valid during the call. Thread-safe.
  virtual Result<> Lend(const std::string& title, const std::function<Result<>(TerminalPeer&)>& body,
                        std::stop_token stop) = 0;
  // The client's TERM; "" if it has none.
  [[nodiscard]] virtual std::string type() const = 0;
};

// Runs a process on the terminal, as Worker::Run does without one.
Result<worker::ExecResult> RunOnTerminal(worker::Worker& worker, worker::ExecSpec spec, const std::string& title,
                                         TerminalLender& lender, std::stop_token stop);

}  // namespace loam::ops
