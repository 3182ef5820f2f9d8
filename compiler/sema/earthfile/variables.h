// Variables of one target's evaluation, with a frame for each function that is entered.
//
// Scopes: *overriding* (passed from outside) and *builtin* are inert until an ARG of the name is declared; *vars*
// (LET), *args*, *envs* (image and ENV) and *globals* are active, and looked up in this order. Builtin and envs belong
// to the target, the others to the frame.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/sema/earthfile/expand.h"
#include "compiler/sema/earthfile/failure.h"
#include "compiler/sema/earthfile/features.h"
#include "compiler/sema/earthfile/imports.h"
#include "compiler/sema/earthfile/reference.h"

namespace loam::sema::earthfile {

// Name to value, sorted by name.
using Scope = std::map<std::string, std::string, std::less<>>;

// `--k=v` words of a reference and `--build-arg k=v`, already expanded: `{"k", "v"}`; without a value the current one
// is taken (see Variables::ResolveArgs).
struct PassedArg {
  std::string name;
  std::optional<std::string> value;
  source::SourceRange range;
};

class Variables {
 public:
  struct Options {
    Features features;
    Scope overriding;
    Scope builtin;  // builtin_args.h
    ImportMap global_imports;
    Reference project;  // what relative references of the first frame are relative to
    std::string name;   // of the first frame: the target's canonical name
  };
  explicit Variables(Options options);

  // --- reading ---------------------------------------------------------------------------------------------------

  // The active value.
  [[nodiscard]] std::optional<std::string_view> Find(std::string_view name) const;
  [[nodiscard]] VariableLookup Lookup() const;  // Find as a function; valid as long as this object
  // All active variables, sorted by name: the environment of RUN, IF, FOR and shell-outs.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Environment() const;
  // Overriding names that are active here with their values, for messages: "--GO=1.22 --OS=linux", sorted.
  [[nodiscard]] std::string ActiveOverriding() const;

  // --- declaring -------------------------------------------------------------------------------------------------

  struct ArgOptions {
    bool required = false;
    bool global = false;
    bool has_default = false;
  };
  // Whether the default of an ARG will be used: no overriding value, no builtin (and before arg-scope-and-set: not set
  // already). If false the default need not be evaluated.
  [[nodiscard]] bool NeedsDefault(std::string_view name) const;
  // ARG. `value` is the expanded default. Mistakes: declared twice, after LET, a global after a local one, a default on
  // a builtin, --required without a value. Gives the effective value.
  Checked<std::string> DeclareArg(std::string_view name, std::string_view value, const ArgOptions& options,
                                  source::SourceRange range);
  // LET, SET, with expanded values.
  Checked<> DeclareLet(std::string_view name, std::string_view value, source::SourceRange range);
  Checked<> Assign(std::string_view name, std::string_view value, source::SourceRange range);
  void DeclareEnv(std::string_view name, std::string_view value);
  // The variable of FOR: an arg that can be set again, and that is removed after each round.
  void SetLoopVariable(std::string_view name, std::string_view value);
  void RemoveLoopVariable(std::string_view name);

  // --- changes of the target ---------------------------------------------------------------------------------------

  // FROM: the image's environment replaces the present one.
  void ResetEnvs(Scope envs);
  // FROM +x of the same Earthfile, and the implicit FROM +base.
  void SetGlobals(Scope globals);
  // FROM --platform, LOCALLY.
  void SetBuiltin(std::string_view name, std::string_view value);

  [[nodiscard]] const Scope& envs() const { return envs_; }
  [[nodiscard]] const Scope& globals() const { return frame().globals; }
  [[nodiscard]] const Scope& args() const { return frame().args; }
  [[nodiscard]] const Scope& lets() const { return frame().vars; }
  [[nodiscard]] const Scope& overriding() const { return frame().overriding; }
  [[nodiscard]] const Scope& builtin() const { return builtin_; }
  [[nodiscard]] const Features& features() const { return frame().features; }

  // --- passing on ------------------------------------------------------------------------------------------------

  // Values of args that a command passes: those without a value take the current one. Mistakes: a value for a builtin,
  // no value that could be taken. The last of equal names wins.
  Checked<Scope> ResolveArgs(const std::vector<PassedArg>& args) const;
  // What a referenced target gets as overriding values: `passed`, then what flows: with pass_args overriding, args and
  // globals of this frame (builtins excepted), else for targets of the same Earthfile the overriding values.
  [[nodiscard]] Scope OverridingFor(Scope passed, const Reference& target, bool pass_args) const;
  // The base recipe of a function's file is evaluated for its globals with these: DO's args, then the target's own
  // overriding values (feature arg-scope-and-set; else only DO's).
  [[nodiscard]] Scope OverridingForFunctionBase(const Scope& passed) const;

  // --- functions -------------------------------------------------------------------------------------------------

  struct Frame {
    std::string name;   // "+FUNC (Earthfile:3:5)"
    Reference project;  // of the function's file
    Features features;
    Scope overriding;  // DO's args, or with --pass-args also the caller's (OverridingForFunction)
    Scope globals;     // of the function's base
    ImportScopes imports;
    Scope args;
    Scope vars;
  };
  // What the frame of a function gets: `passed`, with pass_args also overriding, args and globals of the caller.
  [[nodiscard]] Scope OverridingForFunction(Scope passed, bool pass_args) const;
  // `args` and `vars` of it are empty.
  void EnterFrame(Frame frame);
  void ExitFrame();
  [[nodiscard]] std::size_t depth() const { return frames_.size(); }
  [[nodiscard]] bool InFunction() const { return frames_.size() > 1; }
  [[nodiscard]] const Reference& project() const { return frame().project; }
  [[nodiscard]] ImportScopes& imports() { return frames_.back().frame.imports; }
  [[nodiscard]] const ImportScopes& imports() const { return frame().imports; }

  // --- what was looked at ------------------------------------------------------------------------------------------

  // Overriding names of the *first* frame (values from outside of the target) that could influence this evaluation: an
  // ARG of the name was declared, or the name was passed on. Values that flow to a referenced target count only if that
  // target reads them: the caller of OverridingFor adds these with MarkRead.
  [[nodiscard]] const NameSet& names_read() const { return names_read_; }
  // A referenced target read `names`. `passed` are the names that this target gave itself: they are not from outside.
  void MarkRead(const NameSet& names, const Scope& passed);
  void MarkRead(std::string_view name);

 private:
  struct Level {
    Frame frame;
    // Overriding names that are (or may be) values of the caller's overriding names.
    NameSet inherited;
  };
  [[nodiscard]] const Frame& frame() const { return frames_.back().frame; }
  void MarkReadIn(std::size_t level, std::string_view name);

  std::vector<Level> frames_;
  Scope builtin_;
  Scope envs_;
  NameSet names_read_;
};

// Ways out for declarations and SETs that do not work: what the static check and the evaluation advise.
std::string HintForRedeclaring(std::string_view name, bool first_is_let, bool second_is_let);
std::string HintForGlobalAfterLocal(std::string_view name);
std::string HintForSetOfArg(std::string_view name);
std::string HintForSetOfUnknown(std::string_view name);

// Values of the command line, `k=v` or `k` (from `environment`): --build-arg, --k=v after the target, .arg files.
// Mistakes: builtin names, unset names.
Result<Scope> ParseOverriding(const std::vector<std::string>& args,
                              const std::function<std::optional<std::string>(std::string_view)>& environment);
// The words of a command that name args: PassedArg of each, in order.
//   from flags: `--build-arg` values (`k` or `k=v`); from reference args: `--k=v`, `--k v`.
Checked<std::vector<PassedArg>> PassedArgs(const std::vector<std::string>& reference_args,
                                           const std::vector<std::string>& build_args, source::SourceRange range);
// The matrix of BUILD over passed args: first key outermost.
std::vector<std::vector<PassedArg>> ExpandMatrix(const std::vector<PassedArg>& args);

}  // namespace loam::sema::earthfile
