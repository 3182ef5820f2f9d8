#include "runtime-executor/ops/terminal_lender.h"

#include <csignal>
#include <memory>

#include "runtime-executor/ops/exec_environment.h"

namespace loam::ops {

Result<worker::ExecResult> RunOnTerminal(worker::Worker& worker, worker::ExecSpec spec, const std::string& title,
                                         TerminalLender& lender, std::stop_token stop) {
  AddDefault("TERM", lender.type().empty() ? "xterm" : lender.type(), spec.env);
  worker::ExecResult result;
  LOAM_TRY(lender.Lend(
      title,
      [&](TerminalPeer& peer) -> Result<> {
        const std::unique_ptr<worker::Container> container =
            LOAM_TRY(worker.Start(spec, worker::ProcessStreams{.terminal = true}, stop));
        const std::stop_callback kill(stop, [&] { static_cast<void>(container->Signal(SIGKILL)); });
        peer.Attach(*container);
        result = LOAM_TRY(container->Wait(stop));
        return {};
      },
      stop));
  return result;
}

}  // namespace loam::ops
