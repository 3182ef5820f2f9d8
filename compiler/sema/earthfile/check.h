// The static check of a whole project of Earthfiles: what is wrong with any Earthfile that a target reaches, told at
// once, before anything runs.
//
// Whatever the reference would run is never an error here: a mistake is an error only if it stands on the way that
// every evaluation of the root takes (not in an IF, FOR or CATCH, not in a target that only such a one uses); elsewhere
// the same mistake is a warning. Words with `$` are not known before the evaluation, and are skipped.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "compiler/diagnostics/emitter.h"
#include "compiler/sema/earthfile/project.h"
#include "compiler/sema/earthfile/variables.h"

namespace loam::sema::earthfile {

struct CheckOptions {
  // Errors have notes as those of the evaluation have: the chain of calls that leads to them, with the args that are
  // declared where it goes on, as far as they are known.
  bool chains = false;
  // What the root is called with. Only for the chains.
  Scope args;
  // Args of the root that something has to declare, with hints, as EvaluateRequest::asked_args.
  std::vector<std::pair<std::string, std::string>> asked;
  // Also the targets and functions that the root does not use, of every local Earthfile it reaches.
  bool whole_files = false;
  // Fetch the repositories that references name. Without, they are not looked into.
  bool follow_remotes = false;
};

struct CheckSummary {
  std::size_t files = 0;
  std::size_t targets = 0;  // looked at, base recipes not counted
  std::size_t functions = 0;
  bool ok = false;  // no errors
};

// `root` is absolute, with the name of a target. Findings go to `emitter`, sorted by file and place. With a gate in the
// project's options, the caller holds it.
CheckSummary CheckProject(Project& project, const Reference& root, const CheckOptions& options, diag::Emitter& emitter);

}  // namespace loam::sema::earthfile
