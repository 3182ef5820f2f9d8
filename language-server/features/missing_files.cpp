#include "language-server/features/missing_files.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "language-server/features/compiler_diagnostic.h"

namespace loam::lsp {
namespace {

bool IsThere(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

bool Matches(std::string_view folder, std::string_view pattern) {
  std::string whole;
  for (const char c : folder) {
    whole += std::string_view("*?[\\").find(c) != std::string_view::npos ? "\\" : "";
    whole += c;
  }
  whole += pattern;
  glob_t found{};
  const int result = ::glob(whole.c_str(), GLOB_NOSORT | GLOB_PERIOD, nullptr, &found);
  ::globfree(&found);
  return result != GLOB_NOMATCH;
}

bool IsIn(const std::vector<std::string>& folders, std::string_view source) {
  const std::string clean = CleanRootedPath(source);
  if (clean == "/" || clean.find("**") != std::string::npos) {
    return true;
  }
  const bool wildcard = clean.find_first_of("*?[\\") != std::string::npos;
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    return IsThere(folder + clean) || (wildcard && Matches(folder, clean));
  });
}

}  // namespace

std::vector<std::string> PossibleContexts(const Query& query) {
  std::vector<std::string> contexts;
  const std::string folder = query.document.Folder();
  for (const std::string& root : query.workspace.folders()) {
    std::string at = folder;
    while (at.starts_with(root) && (at.size() == root.size() || at[root.size()] == '/')) {
      if (std::find(contexts.begin(), contexts.end(), at) == contexts.end()) {
        contexts.push_back(at);
      }
      if (at.size() == root.size()) {
        break;
      }
      at.resize(at.rfind('/'));
    }
  }
  return contexts;
}

bool ContextLook::Has(std::string_view source) {
  const auto known = known_.find(source);
  if (known != known_.end()) {
    return known->second;
  }
  const bool has = IsIn(folders_, source);
  known_.emplace(source, has);
  return has;
}

std::optional<Diagnostic> MissingFile(const Query& query, Span span, std::string_view what) {
  constexpr std::string_view kCode = "MissingFile";
  const auto severity = SeverityOf(query.settings, kCode, {}, Severity::kWarning);
  if (!severity) {
    return std::nullopt;
  }
  return Diagnostic{.span = span,
                    .severity = *severity,
                    .code = std::string(kCode),
                    .source = "loam",
                    .message = fmt::format("the build context has no `{}`", what)};
}

}  // namespace loam::lsp
