// Containers on the engine over filesystems of a build, while the engine keeps them (until the build returns its
// result): of a step that failed, as it left them, and of a step that has a terminal.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "frontend/gateway_client.h"
#include "llb-emit/emit.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/terminal_lender.h"

namespace loam::cli {

// A command with filesystems that the engine holds.
struct StartedStep {
  Digest vertex;
  pb::Op op;  // has an exec
  // The engine's names of what the step's mounts hold, by their index; "" for none.
  std::vector<std::string> mounts;
};

// nullopt: it was no step with a process, or the engine does not say.
std::optional<StartedStep> FindFailedStep(const Error& failure);
// Builds what the command at the end of the definition runs in.
Result<StartedStep> BuildInputs(frontend::GatewayClient& client, const llb::Definition& definition);

// Runs processes over the step's filesystems: each in a container of its own, which ends with it.
class StepContainers {
 public:
  // `client` outlives it.
  StepContainers(frontend::GatewayClient& client, StartedStep step) : client_(client), step_(std::move(step)) {}

  // Copies what is at `path`, with all below it, to the same path below `directory`; links at the end of `path` are
  // followed. Nothing there: nothing is copied. By the shell and tar of the step's own filesystem, without tar by cat
  // for a single file; kFailedPrecondition without these.
  Result<> Fetch(std::string_view path, const std::string& directory, const std::stop_token& stop) const;
  // A process with the step's environment, user and secrets; its exit code.
  Result<int> RunOnTerminal(const std::vector<std::string>& args, ops::TerminalLender& terminal,
                            const std::stop_token& stop) const;
  // The step's own command.
  Result<int> RunStep(ops::TerminalLender& terminal, const std::stop_token& stop) const;

 private:
  class Container;

  // kUnimplemented: the engine offers no containers.
  [[nodiscard]] Result<std::unique_ptr<Container>> Open() const;
  // As root, with what it prints; its exit code.
  Result<int> Run(const std::vector<std::string>& args, const std::function<Result<>(std::string_view)>& on_output,
                  std::string& errors, const std::stop_token& stop) const;
  [[nodiscard]] frontend::api::ExecMessage Start(const std::string& container, const std::vector<std::string>& args,
                                                 bool as_root, bool tty) const;

  frontend::GatewayClient& client_;
  const StartedStep step_;
};

// As RunInFailedStep (build_engine.h).
Result<int> RunInFailedStepOf(frontend::GatewayClient& client, const Error& failure,
                              const std::vector<std::string>& args, ops::TerminalLender& terminal,
                              const std::stop_token& stop);

}  // namespace loam::cli
