// Ops as protobuf's JSON, for the details of errors.
#pragma once

#include <string>

#include "proto/solver/errdefs/errdefs.pb.h"

namespace loam::gateway {

// What protojson reads back as the same message.
std::string SolveDetailJson(const errdefs::Solve& solve);

}  // namespace loam::gateway
