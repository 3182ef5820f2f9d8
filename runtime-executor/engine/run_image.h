// Runs an image once, as its config says, in a throw-away filesystem (`loam run`).
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime-executor/engine/engine.h"
#include "runtime-executor/worker/worker.h"

namespace loam::engine {

struct RunImageRequest {
  // As people write it: "app", "registry/app:1@sha256:…".
  std::string image;
  // Replaces the image's CMD if not empty.
  std::vector<std::string> arguments;
  // Replaces the image's ENTRYPOINT; an empty string clears it.
  std::optional<std::string> entrypoint;
  // "NAME=value", after the image's own.
  std::vector<std::string> env;
  std::string user;
  std::string cwd;
  worker::NetworkMode network = worker::NetworkMode::kHost;
  // Standard input of the process; -1: /dev/null.
  int stdin_fd = -1;
};

// Blocks until the process ended; its exit code. kFailedPrecondition if the image names no command and none is given.
Result<int> RunImage(Engine& engine, Job& job, const RunImageRequest& request, worker::OutputSink& output,
                     std::stop_token stop);

}  // namespace loam::engine
