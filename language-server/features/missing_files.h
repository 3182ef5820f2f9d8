// Files of the build context that a step takes and that are not there.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "language-server/features/query.h"

namespace loam::lsp {

// The folders that may be the context of the document: its own, and those above it up to its folder of the workspace,
// since a Dockerfile does not say. Empty if it lies in no folder of the workspace: then nothing is known of what is
// there.
std::vector<std::string> PossibleContexts(const Query& query);

// What one look at a document finds in these folders: each path is looked up once.
class ContextLook {
 public:
  explicit ContextLook(std::vector<std::string> folders) : folders_(std::move(folders)) {}

  // Whether `source`, a path of COPY with wildcards, names something in one of the folders. True as well where that is
  // not simple to tell (`**`).
  bool Has(std::string_view source);

 private:
  std::vector<std::string> folders_;
  std::map<std::string, bool, std::less<>> known_;
};

// "MissingFile" at `span`; nullopt: the settings switch it off.
std::optional<Diagnostic> MissingFile(const Query& query, Span span, std::string_view what);

}  // namespace loam::lsp
