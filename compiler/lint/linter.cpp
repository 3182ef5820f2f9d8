#include "compiler/lint/linter.h"

#include <algorithm>

#include "base/strings.h"
#include "compiler/lint/skip.h"

namespace loam::lint {

Linter::Linter(sema::CheckOptions options, std::function<bool()> stopped,
               std::function<std::vector<std::string>()> ignore_patterns)
    : options_(std::move(options)), stopped_(std::move(stopped)), read_ignore_patterns_(std::move(ignore_patterns)) {
  for (const RuleEntry& entry : Rules()) {
    rules_.push_back(entry.make(entry.info, *this));
  }
}

Linter::~Linter() = default;

template <class Event>
void Linter::Each(const Event& event) {
  if (stopped_()) {
    return;
  }
  for (const auto& rule : rules_) {
    event(*rule);
  }
}

void Linter::EnterInstruction(const ast::Instruction* entered, LineSpan where) {
  instruction = entered;
  lines = where;
  local_options_.reset();
  if (entered != nullptr && !entered->comments.empty()) {
    if (const auto more = OptionsInComments(entered->comments)) {
      local_options_ = Merge(options_, *more);
    }
  }
}

void Linter::Report(const RuleInfo& rule, LineSpan where, std::string message, std::vector<Fix> fixes) {
  if (IsActive(rule, local_options_ ? *local_options_ : options_)) {
    // Triggers of a base image stand in no file.
    std::erase_if(fixes, [&](const Fix& fix) {
      return std::any_of(fix.edits.begin(), fix.edits.end(),
                         [&](const diag::Edit& edit) { return edit.range.file != file_; });
    });
    warnings_.push_back({&rule, std::move(message), where, std::move(fixes), {}, {}});
  }
}

const std::vector<std::string>& Linter::IgnorePatterns() {
  if (!ignore_patterns_) {
    ignore_patterns_ = read_ignore_patterns_ ? read_ignore_patterns_() : std::vector<std::string>();
  }
  return *ignore_patterns_;
}

std::optional<std::string> Linter::Violation() const {
  if (!options_.error || warnings_.empty()) {
    return std::nullopt;
  }
  std::vector<std::string> names;
  for (const Warning& warning : warnings_) {
    if (std::find(names.begin(), names.end(), warning.rule->name) == names.end()) {
      names.emplace_back(warning.rule->name);
    }
  }
  return Join(names, ", ");
}

void Linter::CheckFile(const ast::Dockerfile& file, Read read) {
  file_ = file.file;
  if (read == Read::kNothing) {
    return;
  }
  EnterInstruction(nullptr, {});
  for (const auto& rule : rules_) {
    rule->OnText(file);
  }
  bool in_stage = false;
  for (const ast::Instruction* each : file.instructions) {
    EnterInstruction(each, each->lines);
    for (const auto& rule : rules_) {
      rule->OnInstruction(*each);
    }
    in_stage = in_stage || each->kind == ast::InstructionKind::kFrom;
    if (each->invalid || each->kind == ast::InstructionKind::kUnknown ||
        (!in_stage && each->kind != ast::InstructionKind::kArg)) {
      EnterInstruction(nullptr, {});
      return;
    }
  }
  EnterInstruction(nullptr, {});
  if (read != Read::kWell) {
    return;
  }
  for (const ast::Stage& stage : file.stages) {
    if (stage.from->stage_id.empty()) {
      continue;
    }
    for (const auto& rule : rules_) {
      rule->OnStageName(*stage.from);
    }
  }
  for (const auto& rule : rules_) {
    rule->OnStages(file);
  }
}

void Linter::OnDefaultBase(const ast::From& from, std::string_view image) {
  Each([&](Rule& rule) { rule.OnDefaultBase(from, image); });
}

void Linter::OnStageBase(const ast::From& from, const sema::Expansion& base,
                         std::span<const std::string_view> declared) {
  EnterInstruction(&from, from.lines);
  Each([&](Rule& rule) { rule.OnStageBase(from, base, declared); });
}

void Linter::OnStagePlatform(const ast::From& from, const sema::Expansion& platform,
                             std::span<const std::string_view> declared, std::string_view target_platform) {
  EnterInstruction(&from, from.lines);
  Each([&](Rule& rule) { rule.OnStagePlatform(from, platform, declared, target_platform); });
}

void Linter::OnBaseImage(LineSpan where, std::string_view name, const ir::Platform& wanted,
                         const ir::Platform& actual) {
  EnterInstruction(nullptr, {});
  Each([&](Rule& rule) { rule.OnBaseImage(where, name, wanted, actual); });
}

void Linter::OnStageBegin(const void* stage, const void* base) {
  EnterInstruction(nullptr, {});
  Each([&](Rule& rule) { rule.OnStageBegin(stage, base); });
}

void Linter::OnInstructionBegin(const ast::Instruction& begun, LineSpan where) {
  EnterInstruction(&begun, where);
  Each([&](Rule& rule) { rule.OnInstructionBegin(begun, where); });
}

void Linter::OnUnsetVariables(const sema::Expansion& word, std::span<const std::string_view> declared,
                              const sema::Environment& env) {
  Each([&](Rule& rule) { rule.OnUnsetVariables(word, declared, env); });
}

void Linter::OnVariable(std::string_view key, bool legacy) {
  Each([&](Rule& rule) { rule.OnVariable(key, legacy); });
}

void Linter::OnCommand(bool has_shell) {
  Each([&](Rule& rule) { rule.OnCommand(has_shell); });
}

void Linter::OnWorkdir(std::string_view path, bool absolute) {
  Each([&](Rule& rule) { rule.OnWorkdir(path, absolute); });
}

void Linter::OnPort(const sema::ExposedPort& port) {
  Each([&](Rule& rule) { rule.OnPort(port); });
}

void Linter::OnContextSource(std::string_view path) {
  Each([&](Rule& rule) { rule.OnContextSource(path); });
}

}  // namespace loam::lint
