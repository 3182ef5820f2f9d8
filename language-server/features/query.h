// Query: what every feature may look at. References are good for the call.
#pragma once

#include "language-server/features/cancel.h"
#include "language-server/features/script_checks.h"
#include "language-server/features/settings.h"
#include "language-server/features/store_facts.h"
#include "language-server/features/types.h"
#include "language-server/workspace/document.h"
#include "language-server/workspace/workspace.h"

namespace loam::lsp {

// What the client can show.
struct ClientTraits {
  bool snippets = false;
  bool deprecated_completions = false;
  bool markdown = true;
  bool line_folding_only = false;
  std::uint32_t fold_limit = UINT32_MAX;
};

struct Query {
  const Document& document;
  Workspace& workspace;
  const Settings& settings;
  StoreFacts& store;
  const CancelToken& cancel;
  const ClientTraits& client;
  // Null: ShellCheck is waited for.
  ScriptChecks* scripts = nullptr;

  // The same for another document of the workspace.
  [[nodiscard]] Query On(const Document& other) const {
    return {other, workspace, settings, store, cancel, client, scripts};
  }
};

}  // namespace loam::lsp
