// Files of the build context, which is the folder of the Dockerfile, without those that its ignore file names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/pattern_matcher.h"
#include "language-server/features/query.h"

namespace loam::lsp::dockerfile {

struct ContextEntry {
  std::string path;  // relative to the context
  bool directory = false;
};

class ContextFiles {
 public:
  // Entries that one question looks at, at most.
  static constexpr std::size_t kMaxEntries = 4000;

  // Nothing is found for a document without a path.
  explicit ContextFiles(const Query& query);

  [[nodiscard]] bool known() const { return !folder_.empty(); }
  // What lies in a directory ("" the context itself), sorted, ignored ones left out.
  [[nodiscard]] std::vector<ContextEntry> List(const std::string& directory) const;
  struct Matches {
    std::size_t files = 0;              // below the matches
    std::vector<ContextEntry> entries;  // what the pattern itself names
    bool truncated = false;
  };
  // What a source of COPY or ADD names: wildcards within one element, and `**`.
  [[nodiscard]] Matches Match(std::string_view pattern) const;
  // The path of a file in the file system.
  [[nodiscard]] std::string PathOf(std::string_view relative) const;

 private:
  void Walk(const std::string& directory, const std::vector<std::string>& elements, std::size_t at, std::size_t& left,
            Matches& matches) const;
  [[nodiscard]] std::size_t CountFiles(const std::string& directory, std::size_t& left) const;

  std::string folder_;
  PatternMatcher ignored_;
};

}  // namespace loam::lsp::dockerfile
