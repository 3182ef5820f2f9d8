// The seccomp profile of sandboxed steps: a list of allowed system calls for a process with the default capabilities;
// everything else fails with EPERM. The facts (which calls are allowed) are those of Docker's and containerd's default.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace loam::worker {

// linux.seccomp of the OCI runtime spec.
nlohmann::json SeccompSpec();

// The same profile compiled for this machine: a classic BPF program, as crun takes it (base64) in the annotation
// run.oci.seccomp_bpf_data. Saves the runtime the compilation, which costs more than all the rest of a step.
Result<std::string> CompileSeccomp();

}  // namespace loam::worker
