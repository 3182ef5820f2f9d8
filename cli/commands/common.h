// What several verbs share: the flags that choose the engine's state, and opening it.
#pragma once

#include <memory>

#include "cli/command.h"
#include "runtime-executor/engine/engine.h"

namespace loam::cli {

inline constexpr Flag kRootFlag = {.name = "root",
                                   .short_name = 0,
                                   .kind = FlagKind::kString,
                                   .value_name = "DIR",
                                   .help = "where loam keeps its state (default /var/lib/loam, $LOAM_ROOT)",
                                   .completion = "dir"};
inline constexpr Flag kRuntimeFlag = {.name = "runtime",
                                      .short_name = 0,
                                      .kind = FlagKind::kString,
                                      .value_name = "PROGRAM",
                                      .help = "OCI runtime: crun, runc or a path (default crun, else runc)",
                                      .completion = "crun|runc"};
inline constexpr Flag kSnapshotterFlag = {.name = "snapshotter",
                                          .short_name = 0,
                                          .kind = FlagKind::kString,
                                          .value_name = "NAME",
                                          .help = "overlay or native (default: overlay where the kernel allows it)",
                                          .completion = "overlay|native"};

// The state folder that --root, LOAM_ROOT or the configuration names, else engine::DefaultRoot(). A configuration that
// cannot be read counts as none.
std::string StateRoot(const Context& context, const Flags& flags);

// Opens the engine that --root, --runtime and --snapshotter (or LOAM_ROOT, LOAM_RUNTIME, LOAM_SNAPSHOTTER) name.
Result<std::unique_ptr<engine::Engine>> OpenEngine(const Context& context, const Flags& flags);

}  // namespace loam::cli
