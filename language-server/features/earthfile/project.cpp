#include "language-server/features/earthfile/project.h"

#include <algorithm>
#include <map>

#include "base/pattern_matcher.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/other_projects.h"

namespace loam::lsp::earthfile {
namespace {

constexpr std::size_t kMaxEntries = 4000;

std::map<std::string, std::string> OpenTexts(const Query& query) {
  std::map<std::string, std::string> texts;
  for (const Document* open : query.workspace.OpenDocuments()) {
    if (open->language() == Language::kEarthfile && !open->path().empty()) {
      texts.emplace(open->path(), std::string(open->text().bytes()));
    }
  }
  return texts;
}

std::optional<PatternMatcher> IgnoredFiles(const Query& query, sema::earthfile::ProjectHost& host) {
  const auto patterns = sema::earthfile::ReadIgnorePatterns(
      host, {}, false,
      !EarthfileAnalysis::Of(query.document).features().Has(sema::earthfile::Feature::kNoImplicitIgnore));
  if (!patterns) {
    return std::nullopt;
  }
  auto matcher = PatternMatcher::Create(*patterns);
  return matcher ? std::optional(std::move(*matcher)) : std::nullopt;
}

}  // namespace

const Document* EarthfileIn(Workspace& workspace, const std::string& directory) {
  for (const char* name : {"/Earthfile", "/build.earth"}) {
    if (const Document* found = workspace.Load((directory == "/" ? "" : directory) + name)) {
      return found;
    }
  }
  return nullptr;
}

const Document* DocumentOf(const Query& query, const Document& document, const sema::earthfile::ReferenceUse& use) {
  const auto& symbols = EarthfileAnalysis::Of(document).symbols();
  if (use.reference && use.reference->IsLocalInternal() && !use.reference->IsImport()) {
    return &document;
  }
  if (document.path().empty()) {
    return nullptr;
  }
  auto directory = sema::earthfile::DirectoryOf(symbols, use, document.Folder());
  if (!directory) {
    directory = OtherProjectOf(query, symbols, use);
  }
  return directory ? EarthfileIn(query.workspace, *directory) : nullptr;
}

std::vector<const Document*> AllEarthfiles(const Query& query) {
  std::vector<const Document*> all = {&query.document};
  const auto add = [&](const Document* document) {
    if (document != nullptr && document->language() == Language::kEarthfile &&
        std::find(all.begin(), all.end(), document) == all.end()) {
      all.push_back(document);
    }
  };
  for (const Document* open : query.workspace.OpenDocuments()) {
    add(open);
  }
  const std::vector<std::string> paths = query.workspace.Files(FileRole::kEarthfile);
  for (const std::string& path : paths) {
    if (query.cancel.cancelled()) {
      break;
    }
    add(query.workspace.Load(path));
  }
  return all;
}

ProjectView::ProjectView(const Query& query) : query_(query) {
  sema::earthfile::LocalProjectOptions options;
  options.directory = query.document.path().empty() ? "/" : query.document.Folder();
  options.offline = true;
  disk_ = std::make_unique<sema::earthfile::LocalProjectHost>(options);
  overlay_ = std::make_unique<sema::earthfile::OverlayProjectHost>(*disk_, options.directory, OpenTexts(query));
}

lint::earthfile::ProjectUses ProjectView::Uses() const {
  lint::earthfile::ProjectUses uses;
  for (const Document* document : AllEarthfiles(query_)) {
    uses.Add(EarthfileAnalysis::Of(*document).symbols(), document->Folder());
  }
  return uses;
}

ContextMatches MatchContext(const Query& query, std::string_view pattern) {
  ContextMatches matches;
  if (query.document.path().empty()) {
    return matches;
  }
  const ProjectView view(query);
  const auto paths = sema::earthfile::GlobPaths(view.host(), {}, pattern);
  if (!paths) {
    return matches;
  }
  matches.known = true;
  const auto ignored = IgnoredFiles(query, view.host());
  for (const std::string& path : *paths) {
    if (matches.paths.size() >= kMaxEntries) {
      break;
    }
    if (ignored && ignored->MatchesOrParentMatches(path)) {
      continue;
    }
    const auto is_file = view.host().FileExists({}, path);
    matches.paths.push_back(is_file && *is_file ? path : path + "/");
  }
  return matches;
}

std::vector<std::string> ListContext(const Query& query, const std::string& directory) {
  std::vector<std::string> out;
  if (query.document.path().empty()) {
    return out;
  }
  const ProjectView view(query);
  const auto entries = view.host().ListDirectory({}, directory.empty() ? "." : directory);
  if (!entries) {
    return out;
  }
  const auto ignored = IgnoredFiles(query, view.host());
  for (const auto& entry : *entries) {
    const std::string path = directory.empty() ? entry.name : directory + "/" + entry.name;
    if (out.size() < kMaxEntries && !(ignored && ignored->MatchesOrParentMatches(path))) {
      out.push_back(entry.name + (entry.is_directory ? "/" : ""));
    }
  }
  return out;
}

}  // namespace loam::lsp::earthfile
