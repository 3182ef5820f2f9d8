#include <fmt/format.h>

#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/dockerfiles.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/earthfile/project.h"
#include "language-server/workspace/uri.h"

namespace loam::lsp::earthfile {
namespace {

// A page of the repository; "" for hosts whose addresses are not known.
std::string PageOf(const sema::earthfile::Reference& reference) {
  const auto path = sema::earthfile::SplitGitPath(reference.git_path);
  if (!path.repository.starts_with("github.com/") && !path.repository.starts_with("gitlab.com/")) {
    return {};
  }
  const std::string tag = reference.tag.empty() ? "HEAD" : reference.tag;
  return fmt::format("https://{}/tree/{}/{}", path.repository, tag, path.directory);
}

}  // namespace

// IMPORTs and other projects, repositories, and the Dockerfile of FROM DOCKERFILE.
std::vector<DocumentLink> Links(const Query& query) {
  std::vector<DocumentLink> links;
  const EarthfileAnalysis& analysis = EarthfileAnalysis::Of(query.document);
  const auto& symbols = analysis.symbols();
  for (const auto& use : symbols.references) {
    const Span span = SpanOf(use.project);
    if (span.size() == 0 || !use.reference) {
      continue;
    }
    if (use.reference->IsRemote() && !use.reference->IsStandardLibrary()) {
      if (const std::string page = PageOf(*use.reference); !page.empty()) {
        links.push_back({span, page, "open the repository", {}});
      }
      continue;
    }
    if (const Document* project = DocumentOf(query, query.document, use);
        project != nullptr && project != &query.document) {
      links.push_back({span, project->uri(), "open the Earthfile", {}});
    }
  }
  for (const DockerfileUse& use : DockerfilesOf(query)) {
    if (use.exists) {
      links.push_back({use.context, UriOfPath(use.path), "open the Dockerfile", {}});
    }
  }
  return links;
}

}  // namespace loam::lsp::earthfile
