// Switching rules off and on: the options of the whole file and those in comments above an instruction
// (`# check=skip=RuleA,RuleB`).
#pragma once

#include <optional>
#include <string_view>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/lint/warning.h"
#include "compiler/sema/dockerfile/check_options.h"

namespace loam::lint {

// Whether a rule speaks under these options. Experimental rules have to be asked for, and cannot be skipped.
bool IsActive(const RuleInfo& rule, const sema::CheckOptions& options);

// The options of the first comment that has any; nullopt if there is none, or if they are wrong.
std::optional<sema::CheckOptions> OptionsInComments(ast::List<ast::Text> comments);

// `base` and what `more` adds. `error` is not taken over: only the file as a whole can say it.
sema::CheckOptions Merge(const sema::CheckOptions& base, const sema::CheckOptions& more);

}  // namespace loam::lint
