// hadolint's rules (DL numbers) over a Dockerfile as written: no conversion, no base images, no build arguments. The
// file may have mistakes; what can be read of it is checked.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/ast/dockerfile/ast.h"
#include "compiler/lint/warning.h"
#include "compiler/sema/dockerfile/check_options.h"
#include "compiler/source/source_manager.h"

namespace loam::lint {

enum class LabelType : std::uint8_t { kText, kUrl, kRfc3339, kSpdx, kGitHash, kSemver, kEmail };

struct HadolintOptions {
  // Registries that images may come from (DL3026): "docker.io", "*.example.org". Empty: any.
  std::vector<std::string> trusted_registries;
  // Labels every stage that is used must have, and what their values are (DL3049 to DL3058).
  std::map<std::string, LabelType, std::less<>> label_schema;
  // No labels but those (DL3050).
  bool strict_labels = false;
  // Ignore `# hadolint ignore=…`.
  bool no_pragmas = false;
  // Rules that hadolint leaves off by itself and that were asked for: "DL1001", "DL3057"; "all" is all of them.
  std::vector<std::string> enabled;
  // If not empty, these rules only.
  std::vector<std::string> only;
};

// "key:text", "key:url", …: an entry of the label schema.
Result<std::pair<std::string, LabelType>> ParseLabelRule(std::string_view text);

// All rules, by number. Off unless named: RuleInfo::experimental.
std::span<const RuleInfo> HadolintRules();

// Sorted by line, then by rule. `buffer` is the one `file` was made from. `checks` are the file's options of build
// checks: `skip=DL3006` holds for these rules too.
std::vector<Warning> CheckHadolint(const ast::Dockerfile& file, const source::Buffer& buffer,
                                   const HadolintOptions& options, const sema::CheckOptions& checks);

}  // namespace loam::lint
