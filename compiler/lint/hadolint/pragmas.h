// `# hadolint ignore=DL3006,SC2086`, `# hadolint global ignore=…`, `# hadolint stage ignore=…`, `# hadolint shell=…`.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/source/source_manager.h"

namespace loam::lint::hadolint {

struct Pragma {
  enum class Kind : std::uint8_t { kIgnore, kStageIgnore, kGlobalIgnore, kShell };
  Kind kind{};
  std::uint32_t line = 0;
  std::vector<std::string> rules;
  std::string shell;
};

class Pragmas {
 public:
  // `enabled`: read `ignore` at all.
  Pragmas(const ast::Dockerfile& file, const source::Buffer& buffer, bool enabled);

  [[nodiscard]] const std::vector<Pragma>& all() const { return all_; }
  // The rule is not to be reported for what begins on this line.
  [[nodiscard]] bool Ignores(std::string_view rule, std::uint32_t line) const;

 private:
  // The first line of the comments directly above a line; the line itself if there are none.
  [[nodiscard]] std::uint32_t FirstCommentAbove(std::uint32_t line) const;
  [[nodiscard]] std::size_t StageOf(std::uint32_t line) const;

  bool enabled_;
  std::vector<Pragma> all_;
  // Rules that are ignored, by where: everywhere, in a stage (counted from 1), below a comment line.
  std::set<std::string, std::less<>> global_;
  std::set<std::pair<std::size_t, std::string>> stages_;
  std::map<std::uint32_t, std::vector<std::string>> lines_;
  std::vector<bool> is_comment_;            // by line
  std::vector<std::uint32_t> stage_lines_;  // where stages begin, with the comments above FROM; the first one at 0
};

}  // namespace loam::lint::hadolint
