// Comments that switch rules off, for one command, a recipe's header, or the whole file:
//
//   # loam: ignore=UnusedArg,DL3008      above a command or header, or behind it on its line
//   # loam: ignore-file=UnusedTarget     anywhere
//   # check=skip=UnusedArg               the same as `ignore`, as in Dockerfiles; at the head of the file for all of it
//   # hadolint ignore=DL3008             the same as `ignore`
//
// Read from the text alone, for both languages.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "compiler/lint/warning.h"
#include "compiler/source/source_manager.h"

namespace loam::lint {

class CommentPragmas {
 public:
  explicit CommentPragmas(const source::Buffer& buffer);

  [[nodiscard]] bool Ignores(std::string_view rule, source::LineSpan lines) const;
  [[nodiscard]] bool Ignores(const Warning& warning) const { return Ignores(warning.rule->name, warning.lines); }

 private:
  std::set<std::string, std::less<>> file_;
  // By the line that they are on; "all" is every rule.
  std::map<std::uint32_t, std::set<std::string, std::less<>>> lines_;
  std::set<std::uint32_t> comment_lines_;  // lines with nothing but a comment
};

}  // namespace loam::lint
