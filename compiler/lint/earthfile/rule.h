// What a file of compiler/lint/earthfile/rules sees: the Earthfile with its names, the scripts of its RUNs, and a way
// to report.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "compiler/lint/earthfile/linter.h"
#include "compiler/lint/shell_words.h"
#include "compiler/sema/earthfile/features.h"
#include "compiler/sema/earthfile/symbols.h"

namespace loam::lint::earthfile {

namespace ast = loam::ast::earthfile;
namespace sema = loam::sema::earthfile;

// A RUN.
struct RunView {
  const ast::Command* command = nullptr;
  std::size_t scope = 0;
  shell::Script script;
};

struct FileView {
  const ast::Earthfile* file = nullptr;
  const source::Buffer* buffer = nullptr;
  const EarthfileLintOptions* options = nullptr;
  sema::FileSymbols symbols;
  std::optional<sema::FeatureSet> version;  // nullopt: no VERSION, or a wrong one
  std::vector<RunView> runs;
  ProjectUses own_uses;

  // What refers to things of this file: the project, or only the file itself.
  [[nodiscard]] const ProjectUses& uses() const { return options->project != nullptr ? *options->project : own_uses; }
  [[nodiscard]] bool Has(sema::Feature feature) const { return version && version->features.Has(feature); }
  // Another file may use what this one does not: it is not known to be the only one.
  [[nodiscard]] bool KnowsProject() const { return options->project != nullptr; }
};

FileView MakeFileView(const ast::Earthfile& file, const source::Buffer& buffer, const EarthfileLintOptions& options);

class Reporter {
 public:
  Reporter(const FileView& file, const RuleInfo& rule, std::vector<Warning>& warnings)
      : file_(file), rule_(rule), warnings_(warnings) {}
  // Lower case, no full stop.
  void operator()(source::SourceRange range, std::string message, std::vector<Fix> fixes = {}) const;

 private:
  const FileView& file_;
  const RuleInfo& rule_;
  std::vector<Warning>& warnings_;
};

// One function a rule.
#define LOAM_EARTH_RULE(Name, page, severity, description) \
  void Check##Name(const FileView& file, const Reporter& report);
#include "compiler/lint/earthfile/rules.def"
#undef LOAM_EARTH_RULE

// ---- Helpers of several rules

// Visits every command of the file with the number of its recipe; those of WITH too.
template <class Visit>
void EachCommand(const FileView& file, const Visit& visit) {
  for (std::size_t scope = 0; scope < file.symbols.scopes.size(); ++scope) {
    sema::EachStatement(file.symbols.scopes[scope].recipe, [&](const ast::Statement& statement) {
      if (statement.kind == ast::StatementKind::kCommand) {
        visit(*statement.command, scope);
      } else if (statement.kind == ast::StatementKind::kWith) {
        visit(statement.with->command, scope);
      }
    });
  }
}

// The lines of the range with their line ends, for removing a command.
source::SourceRange WholeLines(const source::Buffer& buffer, source::SourceRange range);
std::vector<Fix> SafeFix(std::string title, source::SourceRange range, std::string text);
std::vector<Fix> UnsafeFix(std::string title, source::SourceRange range, std::string text);

// `name` as a whole word in the text.
bool MentionsWord(std::string_view text, std::string_view name);
// The recipe, or something that it may hand it to, mentions the name beside the command that defines it.
bool IsMentioned(const FileView& file, const sema::VariableDefinition& variable);

// An image that a FROM or `--pull` names: not a reference to a target, no `$`, not scratch.
struct ImageUse {
  std::string name;
  source::SourceRange range;
};
std::vector<ImageUse> ImagesOf(const FileView& file);

}  // namespace loam::lint::earthfile
