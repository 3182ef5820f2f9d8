// EffectsHost on the machine that this process runs on, and the site that builds.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/sema/earthfile/auto_skip.h"
#include "compiler/sema/earthfile/effects_host.h"
#include "compiler/sema/earthfile/gate.h"
#include "runtime-executor/gateway/earthfile/build_site.h"
#include "runtime-executor/gateway/earthfile/output_writer.h"
#include "runtime-executor/gateway/earthfile/step_registry.h"
#include "runtime-executor/ops/terminal_lender.h"

namespace loam::gateway::earthfile {

// Messages for the invoker while the build runs; called from any thread. `target` may be empty.
struct Messages {
  std::function<void(std::string_view target, std::string_view text)> notice;
  std::function<void(std::string_view target, std::string_view text)> warning;
  // What the static check warns of, before anything runs; the sources are the report's.
  std::function<void(const std::vector<diag::Diagnostic>&)> findings;
  // A file was written onto the invoker's machine: the path as the Earthfile names it. May be empty.
  FileWritten file;
};

struct EffectsParts {
  // None of these is null, all outlive the host, except that `auto_skip` is null where hashes are not kept.
  BuildSite* site = nullptr;
  sema::earthfile::Gate* gate = nullptr;
  StepRegistry* steps = nullptr;
  OutputWriter* outputs = nullptr;
  sema::earthfile::AutoSkipStore* auto_skip = nullptr;
  Messages messages;
  // Where the invoker's Docker daemon is, or why nobody knows.
  Result<std::string> docker_host = Unexpected(ErrorCode::kFailedPrecondition, "no Docker daemon is known");
  // The invoker's terminal for RUN --interactive; null: there is none.
  std::shared_ptr<ops::TerminalLender> terminal;
  // For files that come from the machine under LOCALLY; exists until the build has ended.
  std::string staging_directory;
};

std::unique_ptr<sema::earthfile::EffectsHost> MakeEffectsHost(EffectsParts parts, std::stop_token stop);

}  // namespace loam::gateway::earthfile
