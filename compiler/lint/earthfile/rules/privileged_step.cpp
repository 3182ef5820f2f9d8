// PrivilegedStep: RUN --privileged, IF --privileged, FOR --privileged.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

namespace {

void CheckWords(ast::List<ast::Word> words, const Reporter& report) {
  for (const ast::Word& word : words) {
    if (!word.text.starts_with("--")) {
      return;
    }
    if (word.text == "--privileged" || word.text == "--privileged=true") {
      report(word.range,
             "the step can do to the builder's machine what root can; whoever builds it needs --allow-privileged");
    }
  }
}

}  // namespace

void CheckPrivilegedStep(const FileView& file, const Reporter& report) {
  for (const sema::RecipeScope& scope : file.symbols.scopes) {
    sema::EachStatement(scope.recipe, [&](const ast::Statement& statement) {
      if (statement.kind == ast::StatementKind::kCommand && statement.command->kind == ast::CommandKind::kRun &&
          !statement.command->exec_mode) {
        CheckWords(statement.command->args, report);
      } else if (statement.kind == ast::StatementKind::kIf) {
        CheckWords(statement.if_->condition.words, report);
      } else if (statement.kind == ast::StatementKind::kFor) {
        CheckWords(statement.for_->args, report);
      }
    });
  }
}

}  // namespace loam::lint::earthfile
