// Lowering of `capture` to what LLB has: a plain exec that leaves the command's output and exit code in files, so that
// a solver caches it like any other step and a gateway can read the answer back.
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/ir/graph.h"

namespace loam::passes {

// The files in the filesystem that LowerCapture gives.
inline constexpr std::string_view kCaptureOutput = "/capture/stdout";
inline constexpr std::string_view kCaptureExitCode = "/capture/exit-code";

// Where the command sees the directory while it runs.
inline constexpr std::string_view kCaptureMount = "/run/loam-capture";

// What becomes of the root filesystem that the command has written to.
enum class CaptureRoot : std::uint8_t {
  // No output of the exec. Loam's engine lets the command write all the same.
  kDropped,
  // An output that nobody uses: for BuildKit, which mounts a root without output read-only, so that not even the
  // mount points of /etc/resolv.conf can be made.
  kUnused,
};

// Makes (or finds) the exec for a `capture` node, with the node's metadata, in the same graph. The command runs with
// the capture's environment, user, directory, mounts and network; its changes of the filesystem are dropped. What it
// writes to standard output is in kCaptureOutput, its exit code as decimal text in kCaptureExitCode. The command is
// started by /bin/sh of the root filesystem.
ir::Value LowerCapture(ir::Graph& graph, ir::Value capture, CaptureRoot root = CaptureRoot::kDropped);

}  // namespace loam::passes
