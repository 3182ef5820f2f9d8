#include "language-server/features/dockerfile/context_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::lsp::dockerfile {

ContextFiles::ContextFiles(const Query& query) : folder_(query.document.Folder()) {
  if (folder_.empty()) {
    return;
  }
  auto text = query.workspace.ReadText(query.document.path() + ".dockerignore");
  if (!text) {
    text = query.workspace.ReadText(folder_ + "/.dockerignore");
  }
  if (text) {
    if (auto matcher = PatternMatcher::Create(ParseIgnoreFile(*text))) {
      ignored_ = std::move(*matcher);
    }
  }
}

std::string ContextFiles::PathOf(std::string_view relative) const {
  return relative.empty() ? folder_ : fmt::format("{}/{}", folder_, relative);
}

std::vector<ContextEntry> ContextFiles::List(const std::string& directory) const {
  namespace fs = std::filesystem;
  std::vector<ContextEntry> entries;
  if (!known()) {
    return entries;
  }
  std::error_code error;
  for (fs::directory_iterator entry(PathOf(directory), fs::directory_options::skip_permission_denied, error), end;
       !error && entry != end && entries.size() < kMaxEntries; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::string path = directory.empty() ? name : fmt::format("{}/{}", directory, name);
    std::error_code ignored;
    const bool is_directory = entry->is_directory(ignored) && !entry->is_symlink(ignored);
    // Something below an ignored directory may be an exception.
    const bool hidden = ignored_.MatchesOrParentMatches(path) && !(is_directory && ignored_.has_exceptions());
    if (!hidden) {
      entries.push_back({std::move(path), is_directory});
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const ContextEntry& a, const ContextEntry& b) { return a.path < b.path; });
  return entries;
}

std::size_t ContextFiles::CountFiles(const std::string& directory, std::size_t& left) const {
  std::size_t files = 0;
  std::vector<std::string> pending{directory};
  while (!pending.empty() && left > 0) {
    const std::string next = std::move(pending.back());
    pending.pop_back();
    for (ContextEntry& entry : List(next)) {
      if (left == 0) {
        break;
      }
      --left;
      if (entry.directory) {
        pending.push_back(std::move(entry.path));
      } else {
        ++files;
      }
    }
  }
  return files;
}

void ContextFiles::Walk(const std::string& directory, const std::vector<std::string>& elements, std::size_t at,
                        std::size_t& left, Matches& matches) const {
  const std::string& element = elements[at];
  const bool last = at + 1 == elements.size();
  if (element == "**" && !last) {
    Walk(directory, elements, at + 1, left, matches);
  }
  for (const ContextEntry& entry : List(directory)) {
    if (left == 0) {
      return;
    }
    --left;
    const std::string name = entry.path.substr(entry.path.rfind('/') + 1);
    if (element == "**" && entry.directory) {
      Walk(entry.path, elements, at, left, matches);
    }
    const auto fits = element == "**" ? Result<bool>(last && !entry.directory) : PathMatch(element, name);
    if (!fits || !*fits) {
      continue;
    }
    if (!last) {
      if (entry.directory && element != "**") {
        Walk(entry.path, elements, at + 1, left, matches);
      }
      continue;
    }
    matches.files += entry.directory ? CountFiles(entry.path, left) : 1;
    matches.entries.push_back(entry);
  }
}

ContextFiles::Matches ContextFiles::Match(std::string_view pattern) const {
  Matches matches;
  std::size_t left = kMaxEntries;
  const std::string clean = CleanRootedPath(pattern).substr(1);
  if (!known()) {
    return matches;
  }
  if (clean.empty()) {
    matches.files = CountFiles("", left);
    matches.entries.push_back({".", true});
  } else {
    std::vector<std::string> elements;
    for (const std::string_view element : Split(clean, '/')) {
      elements.emplace_back(element);
    }
    if (elements.size() > 64) {
      return matches;
    }
    Walk("", elements, 0, left, matches);
  }
  matches.truncated = left == 0;
  return matches;
}

}  // namespace loam::lsp::dockerfile
