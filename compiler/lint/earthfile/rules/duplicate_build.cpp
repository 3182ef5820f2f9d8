// DuplicateBuild: one recipe builds the same twice.
#include "compiler/lint/earthfile/rule.h"

#include <map>

namespace loam::lint::earthfile {

namespace {

void CheckBlock(const FileView& file, const Reporter& report, ast::Block block) {
  std::map<std::string, const ast::Command*> seen;
  for (const ast::Statement& statement : block) {
    if (statement.kind != ast::StatementKind::kCommand || statement.command->kind != ast::CommandKind::kBuild) {
      // What is set or run in between may matter to a shell-out in the arguments.
      if (statement.kind != ast::StatementKind::kCommand || statement.command->kind == ast::CommandKind::kSet) {
        seen.clear();
      }
      continue;
    }
    std::string words;
    for (const ast::Word& word : statement.command->args) {
      words += fmt::format("{}\n", word.text);
    }
    if (words.empty() || words.find("$(") != std::string::npos) {
      continue;
    }
    if (!seen.emplace(words, statement.command).second) {
      report(statement.location.range, "this is built above, with the same arguments",
             SafeFix("remove it", WholeLines(*file.buffer, statement.location.range), ""));
    }
  }
}

}  // namespace

void CheckDuplicateBuild(const FileView& file, const Reporter& report) {
  for (const sema::RecipeScope& scope : file.symbols.scopes) {
    CheckBlock(file, report, scope.recipe);
    sema::EachStatement(scope.recipe, [&](const ast::Statement& statement) {
      if (statement.kind == ast::StatementKind::kIf) {
        CheckBlock(file, report, statement.if_->body);
        CheckBlock(file, report, statement.if_->else_body);
      } else if (statement.kind == ast::StatementKind::kWait) {
        CheckBlock(file, report, statement.wait->body);
      }
    });
  }
}

}  // namespace loam::lint::earthfile
