// Auto-skip: a hash over everything that a target's build depends on, found without building anything; equal to that of
// an earlier successful build, the target need not be built.
//
// Hashed: the version of the program, the args passed, VERSION lines, all commands with their raw words, expanded
// values of ARG, LET and SET, shapes of IF, FOR, WAIT and TRY, files named by COPY and FROM DOCKERFILE (directories
// with all that is in them), and the hashes of targets that are reached. Unlike in the reference the bodies of
// functions count as well, and so does the whole base recipe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "compiler/sema/earthfile/failure.h"
#include "compiler/sema/earthfile/project.h"
#include "compiler/sema/earthfile/variables.h"

namespace loam::sema::earthfile {

struct AutoSkipOptions {
  std::string version;  // of the program
  std::string build_sha;
  bool ci = false;
  bool push = false;
  std::string platform;                         // of the target
  const PlatformResolver* platforms = nullptr;  // for builtin args; may be null
};

struct AutoSkipHash {
  std::string hash;  // 64 hexadecimal digits
  std::size_t targets = 0;
  std::size_t files = 0;
};

// `target` is absolute. Mistakes: what cannot be known without building (targets and COPY sources that need a
// shell-out),
// `**`, remotes that are not pinned to a commit or to `tags/…`, cycles.
Checked<AutoSkipHash> HashTarget(Project& project, const Reference& target, const Scope& overriding,
                                 const AutoSkipOptions& options, source::SourceRange range);

// Conditions that are decided without running them: tests in `[ ]` over known values, joined by && and ||. nullopt: not
// decidable here. `words` are expanded.
std::optional<bool> DecideCondition(std::span<const std::string> words);

// Where hashes of successful builds are kept.
class AutoSkipStore {
 public:
  virtual ~AutoSkipStore() = default;
  virtual Result<bool> Contains(std::string_view target, std::string_view hash) = 0;
  virtual Result<> Add(std::string_view target, std::string_view hash) = 0;
};

}  // namespace loam::sema::earthfile
