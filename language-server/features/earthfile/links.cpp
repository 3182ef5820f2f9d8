#include <sys/stat.h>

#include <fmt/format.h>

#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/words.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/earthfile/project.h"
#include "language-server/workspace/uri.h"

namespace loam::lsp::earthfile {
namespace {

bool IsFile(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

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
  if (query.document.path().empty()) {
    return links;
  }
  for (const auto& scope : symbols.scopes) {
    sema::earthfile::EachStatement(scope.recipe, [&](const ast::earthfile::Statement& statement) {
      if (statement.kind != ast::earthfile::StatementKind::kCommand ||
          statement.command->kind != ast::earthfile::CommandKind::kFromDockerfile) {
        return;
      }
      sema::earthfile::FromDockerfileFlags flags;
      const auto rest = sema::earthfile::ParseFlags(sema::earthfile::ToWords(statement.command->args), {}, flags);
      if (!rest || rest->empty() || rest->front().text.find_first_of("+$") != std::string::npos ||
          flags.file.find_first_of("+$") != std::string::npos) {
        return;
      }
      const std::string folder = query.document.Folder() + "/";
      const std::string path = flags.file.empty() ? folder + rest->front().text + "/Dockerfile" : folder + flags.file;
      if (IsFile(path)) {
        // Clean, as paths of URIs are.
        links.push_back(
            {SpanOf(rest->front().range), UriOfPath(PathOfUri(UriOfPath(path))), "open the Dockerfile", {}});
      }
    });
  }
  return links;
}

}  // namespace loam::lsp::earthfile
