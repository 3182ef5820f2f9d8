#pragma once

#include "language-server/server/server.h"

namespace loam::lsp {

// Commands:
//   loam.build   [uri, target?]   builds in the background, with progress; the answer comes at once
//   loam.graph   [uri]            Mermaid text of the build's graph
//   loam.fixAll  [uri]            applies every safe fix
//   loam.applyEdit [edit]         for clients that take code actions only as commands
Answer ExecuteCommand(Server& server, const Json& params, const CancelToken& cancel);

}  // namespace loam::lsp
