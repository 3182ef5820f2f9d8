// What words a command takes behind its flags, and what a block may hold: mistakes that no value of a variable can
// mend. The static check and the evaluation tell them by these functions, in the same words.
#pragma once

#include <span>

#include "compiler/ast/earthfile/ast.h"
#include "compiler/sema/earthfile/failure.h"
#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/words.h"

namespace loam::sema::earthfile {

// The command makes an environment or does without: it may stand before FROM.
bool NeedsNoEnvironment(ast::earthfile::CommandKind kind);

// A mistake of kind kEarthBadArguments at the command.
Failure BadArguments(const ast::earthfile::Command& command, std::string_view message);

// `words`: what ParseFlags left. For a command without a table of flags: all its words.
Checked<> CheckArguments(const ast::earthfile::Command& command, std::span<const Word> words);
// SAVE IMAGE needs a name where it pushes.
Checked<> CheckSaveImage(const ast::earthfile::Command& command, const SaveImageFlags& flags,
                         std::span<const Word> words);
// `keyword` is IF or ELSE IF.
Checked<> CheckCondition(std::span<const Word> words, source::SourceRange keyword);
Checked<> CheckFor(std::span<const Word> words, source::SourceRange keyword);
Checked<> CheckWait(const ast::earthfile::Wait& wait, source::SourceRange keyword);
// The one command, and what FINALLY saves.
Checked<> CheckTry(const ast::earthfile::Try& attempt, source::SourceRange keyword, const Features& features);
Checked<> CheckWithDocker(const ast::earthfile::With& with, std::span<const Word> words, source::SourceRange keyword);

// The last three words of SAVE ARTIFACT are `AS LOCAL <path>`.
bool SavesLocally(std::span<const Word> words);

}  // namespace loam::sema::earthfile
