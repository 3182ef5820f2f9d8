#include "compiler/lint/hadolint/hadolint.h"

#include <algorithm>
#include <map>

#include "compiler/lint/hadolint/rule.h"
#include "compiler/lint/skip.h"

namespace loam::lint {
namespace {

#define LOAM_HADOLINT_RULE(Name, severity, off, description) \
  {#Name, description, "https://github.com/hadolint/hadolint/wiki/" #Name, off, 1, Severity::severity},
constexpr RuleInfo kRules[] = {
#include "compiler/lint/hadolint/rules.def"
};
#undef LOAM_HADOLINT_RULE

using Check = void (*)(const hadolint::FileView&, const hadolint::Reporter&);
#define LOAM_HADOLINT_RULE(Name, severity, off, description) &hadolint::Check##Name,
constexpr Check kChecks[] = {
#include "compiler/lint/hadolint/rules.def"
};
#undef LOAM_HADOLINT_RULE

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsWanted(const RuleInfo& rule, const HadolintOptions& options) {
  if (!options.only.empty()) {
    return Contains(options.only, rule.name);
  }
  return !rule.experimental || Contains(options.enabled, rule.name) || Contains(options.enabled, "all");
}

// A rule that was asked for by name is no experiment.
bool IsSkipped(const RuleInfo& rule, const sema::CheckOptions& checks) {
  RuleInfo plain = rule;
  plain.experimental = false;
  return !IsActive(plain, checks);
}

}  // namespace

Result<std::pair<std::string, LabelType>> ParseLabelRule(std::string_view text) {
  constexpr std::pair<std::string_view, LabelType> kTypes[] = {
      {"text", LabelType::kText},       {"rawtext", LabelType::kText}, {"url", LabelType::kUrl},
      {"rfc3339", LabelType::kRfc3339}, {"spdx", LabelType::kSpdx},    {"hash", LabelType::kGitHash},
      {"semver", LabelType::kSemver},   {"email", LabelType::kEmail},
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::pair(std::string(text), LabelType::kText);
  }
  for (const auto& [name, type] : kTypes) {
    if (text.substr(colon + 1) == name) {
      return std::pair(std::string(text.substr(0, colon)), type);
    }
  }
  return Unexpected(
      Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is no type of a label", text.substr(colon + 1)))
          .WithHint("text, url, rfc3339, spdx, hash, semver or email"));
}

std::span<const RuleInfo> HadolintRules() {
  return kRules;
}

std::vector<Warning> CheckHadolint(const ast::Dockerfile& file, const source::Buffer& buffer,
                                   const HadolintOptions& options, const sema::CheckOptions& checks) {
  const hadolint::Pragmas pragmas(file, buffer, !options.no_pragmas);
  const hadolint::FileView view = hadolint::MakeFileView(file, buffer, options, pragmas);
  // Options in comments above instructions, by line.
  std::map<std::uint32_t, sema::CheckOptions> local;
  for (const ast::Instruction* each : file.instructions) {
    if (auto more = each->comments.empty() ? std::nullopt : OptionsInComments(each->comments)) {
      local.emplace(each->lines.first, *std::move(more));
    }
  }
  std::vector<Warning> warnings;
  for (std::size_t i = 0; i < std::size(kRules); ++i) {
    const RuleInfo& rule = kRules[i];
    if (!IsWanted(rule, options) || IsSkipped(rule, checks)) {
      continue;
    }
    std::vector<Warning> found;
    kChecks[i](view, hadolint::Reporter(view, rule, found));
    for (Warning& warning : found) {
      const auto more = local.find(warning.lines.first);
      const bool skipped = more != local.end() && IsSkipped(rule, more->second);
      if (!skipped && !pragmas.Ignores(rule.name, warning.lines.first)) {
        warnings.push_back(std::move(warning));
      }
    }
  }
  std::stable_sort(warnings.begin(), warnings.end(),
                   [](const Warning& a, const Warning& b) { return a.lines.first < b.lines.first; });
  return warnings;
}

namespace hadolint {

void Reporter::operator()(const InstructionView& at, std::string message, std::vector<Fix> fixes) const {
  warnings_.push_back({&rule_, std::move(message), at.instruction->lines, std::move(fixes), at.instruction->range, {}});
}

void Reporter::operator()(const StageView& at, std::string message) const {
  warnings_.push_back({&rule_, std::move(message), at.from->lines, {}, at.from->range, {}});
}

void Reporter::operator()(source::LineSpan lines, std::string message) const {
  warnings_.push_back({&rule_, std::move(message), lines, {}, {}, {}});
}

}  // namespace hadolint
}  // namespace loam::lint
