// What a file of compiler/lint/rules/hadolint sees: the Dockerfile, a way to report, and what programs' command lines
// mean.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/lint/hadolint/file_view.h"
#include "compiler/lint/hadolint/hadolint.h"

namespace loam::lint::hadolint {

class Reporter {
 public:
  Reporter(const FileView& file, const RuleInfo& rule, std::vector<Warning>& warnings)
      : file_(file), rule_(rule), warnings_(warnings) {}

  // With the rule's description, which has no full stop, as the message.
  void operator()(const InstructionView& at) const { (*this)(at, description()); }
  void operator()(const InstructionView& at, std::string message, std::vector<Fix> fixes = {}) const;
  void operator()(const StageView& at, std::string message) const;
  void operator()(source::LineSpan lines, std::string message) const;

  [[nodiscard]] std::string description() const { return std::string(rule_.description); }

 private:
  const FileView& file_;
  const RuleInfo& rule_;
  std::vector<Warning>& warnings_;
};

// One function a rule.
#define LOAM_HADOLINT_RULE(Name, severity, off, description) \
  void Check##Name(const FileView& file, const Reporter& report);
#include "compiler/lint/hadolint/rules.def"
#undef LOAM_HADOLINT_RULE

// ---- Commands

using Names = std::initializer_list<std::string_view>;

inline bool IsOneOf(std::string_view word, Names names) {
  return std::find(names.begin(), names.end(), word) != names.end();
}

// Reports each RUN, triggers too, that has a command of which `matches` is true: once.
template <class Matches>
void ReportCommands(const FileView& file, const Reporter& report, const Matches& matches) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run&) {
    if (std::any_of(view.script.commands.begin(), view.script.commands.end(), matches)) {
      report(view);
    }
  });
}

// A fix that inserts ` word` behind `behind` (or the program's name) in these commands; empty if the places cannot be
// told.
std::vector<Fix> InsertWord(const FileView& file, const InstructionView& run,
                            const std::vector<const shell::Command*>& commands, std::string_view behind,
                            std::string_view word);

// As above, with that fix for every command that matches.
template <class Matches>
void ReportCommands(const FileView& file, const Reporter& report, const Matches& matches, std::string_view behind,
                    std::string_view word) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run&) {
    std::vector<const shell::Command*> found;
    for (const shell::Command& command : view.script.commands) {
      if (matches(command)) {
        found.push_back(&command);
      }
    }
    if (!found.empty()) {
      report(view, report.description(), InsertWord(file, view, found, behind, word));
    }
  });
}

// What a package manager is asked to install: the operands behind the subcommand, which is the first operand; nullopt
// if it is another command. `with_value`: options whose value is a word of its own.
std::optional<std::vector<std::string_view>> Subcommand(const shell::Command& command, Names programs,
                                                        Names subcommands,
                                                        const std::vector<std::string_view>& with_value = {});

// There is a command of the first kind, and none of the second kind behind the last one of them.
template <class Uses, class CleansUp>
bool LeavesBehind(const shell::Script& script, const Uses& uses, const CleansUp& cleans_up) {
  bool dirty = false;
  for (const shell::Command& command : script.commands) {
    if (uses(command)) {
      dirty = true;
    } else if (cleans_up(command)) {
      dirty = false;
    }
  }
  return dirty;
}
// `rm` of something below one of these directories.
bool Removes(const shell::Command& command, Names directories);

// What becomes of the instruction's files is in the last stage: its own stage is the last one, or what that is built
// from. Triggers always count: they run in another build.
bool MattersToImage(const FileView& file, const InstructionView& view);

// ---- Package managers that several rules look at
const std::vector<std::string_view>& AptOptions();
const std::vector<std::string_view>& PipOptions();
// Also `python -m pip`; packages of `pip install`.
std::optional<std::vector<std::string_view>> PipPackages(const shell::Command& command, bool with_pipx);
// Packages with a version in the name: `name-1.2`, a file or address; of `module install`: `name:stream`.
bool HasUnversionedRpm(const FileView& file, const InstructionView& view, Names programs);

// ---- Images
struct ImageName {
  std::string registry;  // "docker.io" if there is none
  std::string tag;       // without `:`; "" if there is none
  bool has_digest = false;
};
ImageName ReadImageName(std::string_view image);

// ---- Labels
// Each label whose type in the schema is `type`, and its value without quotes; those with variables are left out.
void EachLabelOf(
    const FileView& file, LabelType type,
    const std::function<void(const InstructionView&, std::string_view key, std::string_view value)>& visit);
// Each stage that meets a demand neither itself (`good`) nor by its bases, and that no stage uses which meets it (by
// FROM, COPY or a mount), directly or not.
std::vector<const StageView*> StagesWithout(const FileView& file, const std::function<bool(const StageView&)>& good);
bool IsSpdxLicense(std::string_view expression);

}  // namespace loam::lint::hadolint
