// The other Earthfiles of the workspace, as the editor has them: buffers that are not saved count.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/lint/earthfile/project_uses.h"
#include "compiler/sema/earthfile/local_project.h"
#include "compiler/sema/earthfile/overlay_project.h"
#include "compiler/sema/earthfile/symbols.h"
#include "language-server/features/query.h"

namespace loam::lsp::earthfile {

// `path` is absolute. Null if there is no Earthfile in the directory.
const Document* EarthfileIn(Workspace& workspace, const std::string& directory);

// The Earthfile that a reference of `document` leads to: itself for `+t`; null if it is remote and not in the local
// cache, or not there.
const Document* DocumentOf(const Query& query, const Document& document, const sema::earthfile::ReferenceUse& use);

// All Earthfiles below the folders of the workspace and those that are open, with the query's own; each once.
std::vector<const Document*> AllEarthfiles(const Query& query);

// For one question.
class ProjectView {
 public:
  explicit ProjectView(const Query& query);

  // Reads files as seen from the document's folder.
  [[nodiscard]] sema::earthfile::ProjectHost& host() const { return *overlay_; }
  [[nodiscard]] lint::earthfile::ProjectUses Uses() const;

 private:
  const Query& query_;
  std::unique_ptr<sema::earthfile::LocalProjectHost> disk_;
  std::unique_ptr<sema::earthfile::OverlayProjectHost> overlay_;
};

// Files and directories that a source of COPY names, relative to the folder of the document; what the ignore file names
// is left out.
struct ContextMatches {
  std::vector<std::string> paths;  // sorted; those of directories end with a slash
  bool known = false;              // the document has a folder
};
ContextMatches MatchContext(const Query& query, std::string_view pattern);
// What lies in a directory of the folder ("" for the folder itself), in the same form.
std::vector<std::string> ListContext(const Query& query, const std::string& directory);

}  // namespace loam::lsp::earthfile
