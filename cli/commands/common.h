// What several verbs share: the flags that choose the engine's state, and opening it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

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

// Remote engines.
inline constexpr Flag kEngineFlag = {
    .name = "engine",
    .short_name = 0,
    .kind = FlagKind::kList,
    .value_name = "URL",
    .help =
        "build on a BuildKit daemon or loamd: unix://, tcp://, docker-container://, kube-pod://, ssh:// (or "
        "$BUILDKIT_HOST); several are chosen from by platform"};
inline constexpr Flag kTlsCaFlag = {.name = "tlscacert",
                                    .short_name = 0,
                                    .kind = FlagKind::kString,
                                    .value_name = "FILE",
                                    .help = "certificate authority of a tcp:// engine",
                                    .completion = "file"};
inline constexpr Flag kTlsCertFlag = {.name = "tlscert",
                                      .short_name = 0,
                                      .kind = FlagKind::kString,
                                      .value_name = "FILE",
                                      .help = "this client's certificate for it",
                                      .completion = "file"};
inline constexpr Flag kTlsKeyFlag = {.name = "tlskey",
                                     .short_name = 0,
                                     .kind = FlagKind::kString,
                                     .value_name = "FILE",
                                     .help = "the key of that certificate",
                                     .completion = "file"};
inline constexpr Flag kTlsServerNameFlag = {.name = "tlsservername",
                                            .short_name = 0,
                                            .kind = FlagKind::kString,
                                            .value_name = "NAME",
                                            .help = "the name in the engine's certificate, if not its host's"};

// Where to build, if not here: --engine, else BUILDKIT_HOST.
std::vector<std::string> EnginesOf(const Context& context, const Flags& flags);

// The state folder that --root, LOAM_ROOT or the configuration names, else engine::DefaultRoot(). A configuration that
// cannot be read counts as none.
std::string StateRoot(const Context& context, const Flags& flags);

// Opens the engine that --root, --runtime and --snapshotter (or LOAM_ROOT, LOAM_RUNTIME, LOAM_SNAPSHOTTER) name.
// `adjust` changes the options before they are used.
Result<std::unique_ptr<engine::Engine>> OpenEngine(const Context& context, const Flags& flags,
                                                   const std::function<void(engine::EngineOptions&)>& adjust = {});

}  // namespace loam::cli
