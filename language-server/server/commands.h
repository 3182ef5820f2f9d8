// workspace/executeCommand.
#pragma once

#include "language-server/protocol/json.h"

namespace loam::lsp {

// "loam.build", …: what the capabilities list.
Json CommandNames();

}  // namespace loam::lsp
