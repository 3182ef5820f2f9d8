// A step that failed on the engine, and a container over the filesystems that it left there, while the engine keeps
// them: until the build returns its result.
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
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/terminal_lender.h"

namespace loam::cli {

struct FailedStep {
  Digest vertex;
  pb::Op op;  // has an exec
  // The engine's names of what the step's mounts hold, by their index; "" for none.
  std::vector<std::string> mounts;
};

// nullopt: it was no step with a process, or the engine does not say.
std::optional<FailedStep> FindFailedStep(const Error& failure);

class StepContainer {
 public:
  // kUnimplemented: the engine offers no containers. `client` outlives the container.
  static Result<std::unique_ptr<StepContainer>> Open(frontend::GatewayClient& client, const FailedStep& step);
  ~StepContainer();
  StepContainer(const StepContainer&) = delete;
  StepContainer& operator=(const StepContainer&) = delete;

  // Copies what is at `path`, with all below it, to the same path below `directory`; links at the end of `path` are
  // followed. Nothing there: nothing is copied. By the shell and tar of the step's own filesystem, without tar by cat
  // for a single file; kFailedPrecondition without these.
  Result<> Fetch(std::string_view path, const std::string& directory, const std::stop_token& stop) const;
  // A process with the step's environment, user and secrets; its exit code.
  Result<int> RunOnTerminal(const std::vector<std::string>& args, ops::TerminalLender& terminal,
                            const std::stop_token& stop) const;

 private:
  StepContainer(frontend::GatewayClient& client, const FailedStep& step, std::string id);
  // As root, with what it prints; its exit code.
  Result<int> Run(const std::vector<std::string>& args, const std::function<Result<>(std::string_view)>& on_output,
                  std::string& errors, const std::stop_token& stop) const;
  [[nodiscard]] frontend::api::ExecMessage Start(const std::vector<std::string>& args, bool as_root, bool tty) const;

  frontend::GatewayClient& client_;
  const FailedStep step_;
  const std::string id_;
};

// As RunInFailedStep (build_engine.h).
Result<int> RunInFailedStepOf(frontend::GatewayClient& client, const Error& failure,
                              const std::vector<std::string>& args, ops::TerminalLender& terminal,
                              const std::stop_token& stop);

}  // namespace loam::cli
