// The local source: `local://<name>`, a directory of the client. In process it is read where it lies, without a copy.
#pragma once

#include <memory>

#include "runtime-executor/source/source.h"

namespace loam::source {

std::unique_ptr<Source> MakeLocalSource();

}  // namespace loam::source
