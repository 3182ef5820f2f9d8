#include "compiler/sema/earthfile/variables.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/strings.h"
#include "compiler/sema/earthfile/builtin_args.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;

std::optional<std::string_view> FindIn(const Scope& scope, std::string_view name) {
  const auto found = scope.find(name);
  return found == scope.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

// Adds what is not there yet.
void Merge(Scope& into, const Scope& from) {
  into.insert(from.begin(), from.end());
}

void RemoveBuiltins(Scope& scope) {
  for (auto entry = scope.begin(); entry != scope.end();) {
    entry = IsBuiltinArg(entry->first) ? scope.erase(entry) : std::next(entry);
  }
}

}  // namespace

Variables::Variables(Options options) : builtin_(std::move(options.builtin)) {
  frames_.push_back({Frame{.name = std::move(options.name),
                           .project = std::move(options.project),
                           .features = options.features,
                           .overriding = std::move(options.overriding),
                           .globals = {},
                           .imports = ImportScopes(std::move(options.global_imports)),
                           .args = {},
                           .vars = {}},
                     {}});
}

std::string HintForRedeclaring(std::string_view name, bool first_is_let, bool second_is_let) {
  if (first_is_let && second_is_let) {
    return fmt::format("if you want to change the value of '{0}', use 'SET {0} = …'", name);
  }
  if (first_is_let) {
    return fmt::format(
        "'{}' was already declared with LET and cannot be redeclared as an ARG: give one of them another name", name);
  }
  return fmt::format(
      "if you want to change the value of '{0}', redeclare it as a non-argument variable with 'LET {0} = …'", name);
}

std::string HintForGlobalAfterLocal(std::string_view name) {
  return fmt::format(
      "'{}' was already declared as a non-global ARG in this scope - did you mean to add '--global' to "
      "the original declaration?",
      name);
}

std::string HintForSetOfArg(std::string_view name) {
  return fmt::format("'{0}' is an ARG and cannot be used with SET - try declaring 'LET {0} = ${0}' first", name);
}

std::string HintForSetOfUnknown(std::string_view name) {
  return fmt::format("'{0}' needs to be declared with 'LET {0} = someValue' before it can be used with SET", name);
}

std::optional<std::string_view> Variables::Find(std::string_view name) const {
  for (const Scope* scope : {&frame().vars, &frame().args, &envs_, &frame().globals}) {
    if (const auto value = FindIn(*scope, name)) {
      return value;
    }
  }
  return std::nullopt;
}

VariableLookup Variables::Lookup() const {
  return [this](std::string_view name) { return Find(name); };
}

std::vector<std::pair<std::string, std::string>> Variables::Environment() const {
  Scope all = frame().vars;
  for (const Scope* scope : {&frame().args, &envs_, &frame().globals}) {
    Merge(all, *scope);
  }
  return {all.begin(), all.end()};
}

std::string Variables::ActiveOverriding() const {
  std::vector<std::string> words;
  for (const auto& [name, value] : frame().overriding) {
    if (const auto active = Find(name)) {
      words.push_back(fmt::format("--{}={}", name, *active));
    }
  }
  return Join(words, " ");
}

void Variables::MarkRead(std::string_view name) {
  MarkReadIn(frames_.size() - 1, name);
}

void Variables::MarkReadIn(std::size_t level, std::string_view name) {
  while (level > 0 && frames_[level].inherited.contains(name)) {
    --level;
  }
  if (level == 0) {
    names_read_.emplace(name);
  }
}

void Variables::MarkRead(const NameSet& names, const Scope& passed) {
  for (const std::string& name : names) {
    if (!passed.contains(name)) {
      MarkRead(name);
    }
  }
}

bool Variables::NeedsDefault(std::string_view name) const {
  if (IsBuiltinArg(name)) {
    return true;  // to be refused
  }
  if (!features().Has(Feature::kArgScopeAndSet)) {
    return !Find(name) && !frame().overriding.contains(name) && !builtin_.contains(name);
  }
  return !frame().overriding.contains(name);
}

Checked<std::string> Variables::DeclareArg(std::string_view name, std::string_view value, const ArgOptions& options,
                                           source::SourceRange range) {
  Frame& top = frames_.back().frame;
  MarkRead(name);
  const auto overriding = FindIn(top.overriding, name);
  const auto builtin = FindIn(builtin_, name);
  std::string effective;
  if (!features().Has(Feature::kArgScopeAndSet)) {
    // Whatever has the name already wins, active values first.
    const auto active = Find(name);
    effective = active ? *active : overriding ? *overriding : builtin ? *builtin : value;
    top.args.insert_or_assign(std::string(name), effective);
    if (options.global) {
      top.globals.insert_or_assign(std::string(name), effective);
    }
  } else {
    if (top.vars.contains(name)) {
      return Fail<Kind::kEarthArgAfterLet>(range, name).Hint(HintForRedeclaring(name, true, false));
    }
    effective = overriding ? *overriding : builtin ? *builtin : value;
    if (options.global && top.args.contains(name)) {
      return Fail<Kind::kEarthGlobalAfterLocal>(range, name).Hint(HintForGlobalAfterLocal(name));
    }
    Scope& scope = options.global ? top.globals : top.args;
    if (!scope.try_emplace(std::string(name), effective).second) {
      return Fail<Kind::kEarthRedeclared>(range, name).Hint(HintForRedeclaring(name, false, false));
    }
  }
  if (options.required && effective.empty()) {
    return Fail<Kind::kEarthRequiredArg>(range, name).Hint(fmt::format("pass it: `--{}=…` after the target", name));
  }
  if (!value.empty() && IsBuiltinArg(name)) {
    return Fail<Kind::kEarthBuiltinDefault>(range, name).Hint(fmt::format("write `ARG {}`", name));
  }
  return effective;
}

Checked<> Variables::DeclareLet(std::string_view name, std::string_view value, source::SourceRange range) {
  if (!features().Has(Feature::kArgScopeAndSet)) {
    return Fail<Kind::kEarthFeatureOff>(range, "LET", InfoOf(Feature::kArgScopeAndSet).flag)
        .Hint(FeatureHint(Feature::kArgScopeAndSet));
  }
  if (IsBuiltinArg(name)) {
    return Fail<Kind::kEarthBuiltinLet>(range, name).Hint("give the variable another name");
  }
  if (!frames_.back().frame.vars.try_emplace(std::string(name), value).second) {
    return Fail<Kind::kEarthRedeclared>(range, name).Hint(HintForRedeclaring(name, true, true));
  }
  return {};
}

Checked<> Variables::Assign(std::string_view name, std::string_view value, source::SourceRange range) {
  Scope& vars = frames_.back().frame.vars;
  const auto found = vars.find(name);
  if (found != vars.end()) {
    found->second = value;
    return {};
  }
  if (Find(name)) {
    return Fail<Kind::kEarthSetArg>(range, name).Hint(HintForSetOfArg(name));
  }
  std::vector<std::string> names;
  for (const auto& [known, ignored] : vars) {
    names.push_back(known);
  }
  Failure failure = Fail<Kind::kEarthSetUnknown>(range, name);
  if (const auto near = NearestWord(name, names)) {
    failure = std::move(failure).Hint(fmt::format("did you mean `{}`?", *near));
  }
  return std::move(failure).Hint(HintForSetOfUnknown(name));
}

void Variables::DeclareEnv(std::string_view name, std::string_view value) {
  envs_.insert_or_assign(std::string(name), std::string(value));
}

void Variables::SetLoopVariable(std::string_view name, std::string_view value) {
  frames_.back().frame.args.insert_or_assign(std::string(name), std::string(value));
}

void Variables::RemoveLoopVariable(std::string_view name) {
  Scope& args = frames_.back().frame.args;
  if (const auto found = args.find(name); found != args.end()) {
    args.erase(found);
  }
}

void Variables::ResetEnvs(Scope envs) {
  envs_ = std::move(envs);
}

void Variables::SetGlobals(Scope globals) {
  frames_.back().frame.globals = std::move(globals);
}

void Variables::SetBuiltin(std::string_view name, std::string_view value) {
  builtin_.insert_or_assign(std::string(name), std::string(value));
}

Checked<Scope> Variables::ResolveArgs(const std::vector<PassedArg>& args) const {
  Scope passed;
  for (const PassedArg& arg : args) {
    if (arg.value && IsBuiltinArg(arg.name)) {
      return Fail<Kind::kEarthBuiltinValue>(arg.range, arg.name);
    }
    std::string value;
    if (arg.value) {
      value = *arg.value;
    } else {
      const auto current = Find(arg.name);
      if (!current) {
        return Fail<Kind::kEarthNoArgValue>(arg.range, arg.name)
            .Hint(fmt::format("write `--{}=value`, or declare `ARG {}` before", arg.name, arg.name));
      }
      value = *current;
    }
    passed.insert_or_assign(arg.name, std::move(value));
  }
  return passed;
}

Scope Variables::OverridingFor(Scope passed, const Reference& target, bool pass_args) const {
  if (pass_args) {
    return OverridingForFunction(std::move(passed), true);
  }
  if (!target.IsExternal()) {
    Merge(passed, frame().overriding);
  }
  return passed;
}

Scope Variables::OverridingForFunction(Scope passed, bool pass_args) const {
  if (pass_args) {
    for (const Scope* scope : {&frame().overriding, &frame().args, &frame().globals}) {
      Merge(passed, *scope);
    }
    RemoveBuiltins(passed);
  }
  return passed;
}

Scope Variables::OverridingForFunctionBase(const Scope& passed) const {
  Scope overriding = passed;
  if (features().Has(Feature::kArgScopeAndSet)) {
    Merge(overriding, frames_.front().frame.overriding);
  }
  return overriding;
}

void Variables::EnterFrame(Frame frame) {
  Level level{std::move(frame), {}};
  for (const auto& [name, value] : level.frame.overriding) {
    if (frames_.back().frame.overriding.contains(name)) {
      level.inherited.insert(name);
    }
  }
  frames_.push_back(std::move(level));
}

void Variables::ExitFrame() {
  LOAM_CHECK(frames_.size() > 1, "a frame is left that was not entered");
  frames_.pop_back();
}

Result<Scope> ParseOverriding(const std::vector<std::string>& args,
                              const std::function<std::optional<std::string>(std::string_view)>& environment) {
  Scope scope;
  for (const std::string& arg : args) {
    const std::size_t equals = arg.find('=');
    const std::string name = arg.substr(0, equals);
    if (IsBuiltinArg(name)) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("built-in arg {} cannot be passed on the command line", name));
    }
    if (equals != std::string::npos) {
      scope.insert_or_assign(name, arg.substr(equals + 1));
      continue;
    }
    std::optional<std::string> value = environment ? environment(name) : std::nullopt;
    if (!value) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("the environment variable {} is not set", name))
                            .WithHint(fmt::format("write `{}=value`", name)));
    }
    scope.insert_or_assign(name, std::move(*value));
  }
  return scope;
}

Checked<std::vector<PassedArg>> PassedArgs(const std::vector<std::string>& reference_args,
                                           const std::vector<std::string>& build_args, source::SourceRange range) {
  std::vector<PassedArg> args;
  auto parsed = ParseReferenceArgs(reference_args);
  if (!parsed) {
    return Fail<Kind::kEarthBadArguments>(range, "the reference", parsed.error().message());
  }
  for (auto& [name, value] : *parsed) {
    args.push_back({std::move(name), std::move(value), range});
  }
  for (const std::string& arg : build_args) {
    const std::size_t equals = arg.find('=');
    PassedArg passed{arg.substr(0, equals), std::nullopt, range};
    if (equals != std::string::npos) {
      passed.value = arg.substr(equals + 1);
    }
    args.push_back(std::move(passed));
  }
  return args;
}

std::vector<std::vector<PassedArg>> ExpandMatrix(const std::vector<PassedArg>& args) {
  std::vector<KeyValue> plain;
  plain.reserve(args.size());
  for (const PassedArg& arg : args) {
    plain.push_back({arg.name, arg.value});
  }
  std::vector<std::vector<PassedArg>> combinations;
  for (std::vector<KeyValue>& combination : ExpandMatrix(std::span<const KeyValue>(plain))) {
    std::vector<PassedArg>& out = combinations.emplace_back();
    for (KeyValue& arg : combination) {
      const auto origin =
          std::find_if(args.begin(), args.end(), [&](const PassedArg& from) { return from.name == arg.key; });
      out.push_back({std::move(arg.key), std::move(arg.value), origin->range});
    }
  }
  return combinations;
}

}  // namespace loam::sema::earthfile
