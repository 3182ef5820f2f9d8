#include "compiler/sema/earthfile/check_recipe.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/flags.h"

namespace loam::sema::earthfile::check {

namespace {

using ast::earthfile::Block;
using ast::earthfile::Command;
using ast::earthfile::CommandKind;
using ast::earthfile::Statement;
using ast::earthfile::StatementKind;
using diag::Kind;
using source::SourceRange;

// Commands that do not run in an environment.
bool NeedsNoEnvironment(CommandKind kind) {
  switch (kind) {
    case CommandKind::kFrom:
    case CommandKind::kFromDockerfile:
    case CommandKind::kLocally:
    case CommandKind::kBuild:
    case CommandKind::kArg:
    case CommandKind::kLet:
    case CommandKind::kSet:
    case CommandKind::kImport:
    case CommandKind::kProject:
    case CommandKind::kDo:
      return true;
    default:  // NOLINT: all others do
      return false;
  }
}

// A value as messages have it.
std::string ShownText(std::string_view text) {
  auto literal = LiteralText(text);
  return literal ? *std::move(literal) : std::string(text);
}

class Walk {
 public:
  Walk(const Recipe& recipe, BaseFacts& base, RecipeFacts& facts)
      : recipe_(recipe),
        base_(base),
        facts_(facts),
        features_(recipe.file->features),
        // A function runs in the environment of whoever calls it.
        has_environment_(recipe.kind == RecipeKind::kFunction || base.has_environment) {
    if (recipe.kind != RecipeKind::kBase) {
      facts_.imports = ImportScopes(base.imports);
      facts_.has_dynamic_imports = base.has_dynamic_imports;
    }
  }

  void Run() {
    WalkBlock(recipe_.block);
    ReportUnused();
    ReportUnknownNames();
    if (recipe_.kind == RecipeKind::kBase) {
      base_.has_environment = has_environment_;
      base_.imports = facts_.imports.global();
      base_.has_dynamic_imports = facts_.has_dynamic_imports;
    }
  }

 private:
  struct Variable {
    bool is_let = false;
    bool conditional = false;
    bool is_reported = false;  // as unused, if it is
    SourceRange range;
    unsigned step = 0;
  };

  [[nodiscard]] bool IsConditional() const { return conditions_ > 0; }

  void Add(diag::Diagnostic diagnostic) { facts_.findings.push_back({std::move(diagnostic), IsConditional()}); }
  void Add(const Failure& failure) {
    for (const diag::Diagnostic& diagnostic : failure.diagnostics()) {
      Add(diagnostic);
    }
  }
  template <Kind kKind, class... Args>
  void Add(SourceRange range, std::string hint, const Args&... args) {
    diag::Diagnostic diagnostic = MakeDiagnostic<kKind>(range, args...);
    if (!hint.empty()) {
      diagnostic.hints.push_back(std::move(hint));
    }
    Add(std::move(diagnostic));
  }

  // The words behind the flags; empty, with a finding, if the flags are wrong.
  template <class Flags>
  std::vector<Word> ReadFlags(const std::vector<Word>& words, Flags& flags, bool exec_mode = false) {
    FlagParsing parsing{.features = &features_, .expand = {}, .already_joined = exec_mode};
    parsing.expand = [](const Word& value) -> Checked<std::string> {
      return value.text.find('$') == std::string::npos ? value.text : std::string("true");
    };
    auto rest = ParseFlags(words, parsing, flags);
    if (!rest) {
      Add(rest.error());
      return {};
    }
    return *std::move(rest);
  }
  // Also with a finding if the words are not as many as the command takes.
  template <class Flags>
  std::vector<Word> ReadFlags(const Command& command, Flags& flags) {
    const std::size_t findings = facts_.findings.size();
    std::vector<Word> words = ReadFlags(ToWords(command.args), flags, command.exec_mode);
    if (facts_.findings.size() != findings || !Fits(CheckArguments(command, words))) {
      return {};
    }
    return words;
  }
  bool Fits(const Checked<>& shape) {
    if (!shape) {
      Add(shape.error());
    }
    return shape.has_value();
  }

  void RequireEnvironment(std::string_view command, SourceRange range) {
    if (!has_environment_ && !std::exchange(told_environment_, true)) {
      Add<Kind::kEarthNeedsFrom>(range, "add `FROM <image>` on a line before it", command);
    }
  }
  void RequireFeature(Feature feature, SourceRange range, std::string_view what) {
    if (!features_.Has(feature)) {
      Add<Kind::kEarthNotInVersion>(range, FeatureHint(feature), what);
    }
  }

  void WalkBlock(Block block) {
    for (const Statement& statement : block) {
      ++step_;
      WalkStatement(statement);
    }
  }
  void WalkConditional(Block block) {
    ++conditions_;
    WalkBlock(block);
    --conditions_;
  }
  void WalkStatement(const Statement& statement);
  void WalkIf(const ast::earthfile::If& branch, SourceRange keyword);
  void WalkWith(const ast::earthfile::With& with);
  void WalkCommand(const Command& command);
  void WalkArg(const Command& command);
  void WalkLet(const Command& command);
  void WalkSet(const Command& command);
  void WalkImport(const Command& command);
  void WalkCopy(const Command& command);

  // Words that are expanded, or that a shell sees.
  void See(ast::earthfile::List<ast::earthfile::Word> words, bool is_expanded);
  void SeesEverything() { last_sight_ = step_; }

  void Declare(const std::string& name, bool is_let, SourceRange range);
  void UseTarget(const Word& word, std::span<const Word> args, const std::vector<std::string>& build_args,
                 bool conditional, bool wildcard_feature, bool pass_args, bool is_function = false);
  void UseText(const std::string& text, SourceRange range, std::vector<GivenArg> args, bool conditional,
               bool wildcard_feature, bool is_function, bool pass_args);
  static std::vector<GivenArg> ArgsIn(std::span<const Word> words, const std::vector<std::string>& build_args,
                                      SourceRange range);
  void ReportUnused();
  void ReportUnknownNames();

  const Recipe& recipe_;
  BaseFacts& base_;
  RecipeFacts& facts_;
  const Features& features_;

  unsigned conditions_ = 0;
  unsigned step_ = 0;
  unsigned last_sight_ = 0;  // the last step that sees all variables: a command that runs, --pass-args
  bool has_environment_;
  bool told_environment_ = false;
  std::map<std::string, Variable, std::less<>> variables_;
  std::set<std::string, std::less<>> other_names_;  // ENV, FOR
  std::set<std::string, std::less<>> mentioned_;
  std::vector<std::pair<std::string, SourceRange>> expanded_names_;
};

void Walk::WalkStatement(const Statement& statement) {
  if (statement.invalid) {
    return;
  }
  switch (statement.kind) {
    case StatementKind::kCommand:
      WalkCommand(*statement.command);
      return;
    case StatementKind::kWith:
      WalkWith(*statement.with);
      return;
    case StatementKind::kIf:
      WalkIf(*statement.if_, statement.keyword);
      return;
    case StatementKind::kTry:
      RequireFeature(Feature::kTryFinally, statement.keyword, "TRY/CATCH/FINALLY");
      if (features_.Has(Feature::kTryFinally)) {
        Fits(CheckTry(*statement.try_, statement.keyword, features_));
      }
      WalkBlock(statement.try_->body);
      WalkConditional(statement.try_->catch_body);
      WalkBlock(statement.try_->finally_body);
      return;
    case StatementKind::kFor: {
      RequireFeature(Feature::kForIn, statement.keyword, "FOR");
      RequireEnvironment("FOR", statement.keyword);
      See(statement.for_->args, false);
      SeesEverything();
      ForFlags flags;
      const std::size_t findings = facts_.findings.size();
      const std::vector<Word> words = ReadFlags(ToWords(statement.for_->args), flags);
      if (findings == facts_.findings.size() && Fits(CheckFor(words, statement.keyword))) {
        other_names_.insert(words.front().text);
      }
      WalkConditional(statement.for_->body);
      return;
    }
    case StatementKind::kWait:
      RequireFeature(Feature::kWaitBlock, statement.keyword, "WAIT");
      Fits(CheckWait(*statement.wait, statement.keyword));
      WalkBlock(statement.wait->body);
      return;
  }
}

void Walk::WalkIf(const ast::earthfile::If& branch, SourceRange keyword) {
  RequireEnvironment("IF", keyword);
  SeesEverything();
  const auto read = [&](const ast::earthfile::Condition& condition, SourceRange word) {
    See(condition.words, false);
    IfFlags flags;
    const std::size_t findings = facts_.findings.size();
    const std::vector<Word> words = ReadFlags(ToWords(condition.words), flags, condition.exec_mode);
    if (facts_.findings.size() == findings) {
      Fits(CheckCondition(words, word));
    }
    return condition.exec_mode ? std::nullopt : ConstantCondition(words);
  };
  const auto place = [](const ast::earthfile::Condition& condition, SourceRange otherwise) {
    return condition.words.empty() ? otherwise
                                   : source::Cover(condition.words.front().range, condition.words.back().range);
  };
  const std::optional<bool> first = read(branch.condition, keyword);
  if (first) {
    const bool has_rest = branch.has_else || !branch.else_ifs.empty();
    if (!*first || has_rest) {
      Add<Kind::kEarthDeadBranch>(place(branch.condition, keyword), "remove the branch, or correct the condition",
                                  *first ? "true" : "false", *first ? "what follows the branch" : "the branch");
    }
  }
  WalkConditional(branch.body);
  for (const ast::earthfile::ElseIf& else_if : branch.else_ifs) {
    ++conditions_;
    if (const std::optional<bool> outcome = read(else_if.condition, else_if.keyword); outcome && !*outcome) {
      Add<Kind::kEarthDeadBranch>(place(else_if.condition, else_if.keyword),
                                  "remove the branch, or correct the condition", "false", "the branch");
    }
    --conditions_;
    WalkConditional(else_if.body);
  }
  WalkConditional(branch.else_body);
}

void Walk::WalkWith(const ast::earthfile::With& with) {
  RequireEnvironment("WITH DOCKER", with.command.keyword.range);
  See(with.command.args, true);
  SeesEverything();
  WithDockerFlags flags;
  const std::size_t findings = facts_.findings.size();
  const std::vector<Word> rest = ReadFlags(with.command, flags);
  if (facts_.findings.size() == findings) {
    Fits(CheckWithDocker(with, rest, with.command.keyword.range));
  }
  for (const GivenFlag& flag : flags.given) {
    if (flag.name != "load") {
      continue;
    }
    const auto load = ParseLoadWord(flag.value);
    if (!load) {
      continue;  // the evaluation says what is wrong; a value may have variables
    }
    std::vector<Word> args;
    for (const std::string& arg : load->args) {
      args.push_back({arg, flag.range});
    }
    UseTarget({load->target, flag.range}, args, flags.build_args, false, false, flags.pass_args);
  }
  WalkBlock(with.body);
}

void Walk::See(ast::earthfile::List<ast::earthfile::Word> words, bool is_expanded) {
  for (const ast::earthfile::Word& word : words) {
    for (const std::string_view name : NamesIn(word.text)) {
      mentioned_.emplace(name);
      if (is_expanded) {
        expanded_names_.emplace_back(std::string(name), word.range);
      }
    }
    if (word.text.find("$(") != std::string_view::npos) {
      SeesEverything();
    }
  }
}

void Walk::WalkCommand(const Command& command) {
  const SourceRange range = command.location.range;
  const bool for_shell = command.kind == CommandKind::kRun || command.kind == CommandKind::kCmd ||
                         command.kind == CommandKind::kEntrypoint || command.kind == CommandKind::kHealthcheck;
  See(command.args, !for_shell);
  if (!NeedsNoEnvironment(command.kind)) {
    RequireEnvironment(ast::earthfile::KeywordOf(command.kind), range);
  }
  switch (command.kind) {
    case CommandKind::kFrom: {
      FromFlags flags;
      const std::vector<Word> words = ReadFlags(command, flags);
      has_environment_ = true;
      if (!words.empty() && LooksLikeReference(words[0].text)) {
        UseTarget(words[0], std::span(words).subspan(1), flags.build_args, false, false, flags.pass_args);
      } else if (!words.empty() && !LiteralText(words[0].text)) {
        facts_.has_dynamic_uses = true;
      }
      if (flags.pass_args) {
        SeesEverything();
      }
      return;
    }
    case CommandKind::kFromDockerfile: {
      FromDockerfileFlags flags;
      const std::vector<Word> words = ReadFlags(command, flags);
      has_environment_ = true;
      for (const std::string& text : {words.empty() ? std::string() : words[0].text, flags.file}) {
        if (const auto artifact = ParseArtifactReference(text); artifact && LiteralText(text)) {
          UseText(artifact->target.ToString(), range, {}, IsConditional(), false, false, false);
        } else if (!LiteralText(text)) {
          facts_.has_dynamic_uses = true;
        }
      }
      return;
    }
    case CommandKind::kLocally:
      has_environment_ = true;
      Fits(CheckArguments(command, ToWords(command.args)));
      return;
    case CommandKind::kRun: {
      SeesEverything();
      RunFlags flags;
      ReadFlags(command, flags);
      return;
    }
    case CommandKind::kCopy:
      WalkCopy(command);
      return;
    case CommandKind::kSaveArtifact: {
      SaveArtifactFlags flags;
      ReadFlags(command, flags);
      return;
    }
    case CommandKind::kSaveImage: {
      SaveImageFlags flags;
      const std::size_t findings = facts_.findings.size();
      const std::vector<Word> words = ReadFlags(command, flags);
      if (facts_.findings.size() == findings) {
        Fits(CheckSaveImage(command, flags, words));
      }
      return;
    }
    case CommandKind::kBuild: {
      BuildFlags flags;
      const std::vector<Word> words = ReadFlags(command, flags);
      if (flags.pass_args) {
        SeesEverything();
      }
      if (!words.empty()) {
        UseTarget(words[0], std::span(words).subspan(1), flags.build_args, flags.auto_skip, true, flags.pass_args);
      }
      return;
    }
    case CommandKind::kDo: {
      DoFlags flags;
      const std::vector<Word> words = ReadFlags(command, flags);
      has_environment_ = true;  // the function may bring one
      if (flags.pass_args) {
        SeesEverything();
      }
      if (!words.empty()) {
        UseTarget(words[0], std::span(words).subspan(1), {}, false, false, flags.pass_args, true);
      }
      return;
    }
    case CommandKind::kArg:
      WalkArg(command);
      return;
    case CommandKind::kLet:
      WalkLet(command);
      return;
    case CommandKind::kSet:
      WalkSet(command);
      return;
    case CommandKind::kEnv:
      Fits(CheckArguments(command, {}));
      for (const ast::earthfile::KeyValue& pair : command.pairs) {
        other_names_.emplace(pair.key.text);
        if (recipe_.kind == RecipeKind::kBase) {
          base_.variables.emplace(pair.key.text);
        }
      }
      return;
    case CommandKind::kImport:
      WalkImport(command);
      return;
    case CommandKind::kGitClone: {
      GitCloneFlags flags;
      ReadFlags(command, flags);
      return;
    }
    case CommandKind::kHealthcheck: {
      HealthcheckFlags flags;
      ReadFlags(command, flags);
      return;
    }
    case CommandKind::kCache: {
      RequireFeature(Feature::kUseCacheCommand, command.keyword.range, "CACHE");
      CacheFlags flags;
      ReadFlags(command, flags);
      return;
    }
    case CommandKind::kHost:
      RequireFeature(Feature::kUseHostCommand, command.keyword.range, "HOST");
      Fits(CheckArguments(command, ToWords(command.args)));
      return;
    case CommandKind::kAdd:
      Add<Kind::kEarthNotSupported>(command.keyword.range,
                                    "use COPY for files, GIT CLONE for repositories, RUN with curl or wget for URLs",
                                    "ADD");
      return;
    case CommandKind::kStopSignal:
    case CommandKind::kOnbuild:
    case CommandKind::kShell:
      Add<Kind::kEarthNotSupported>(command.keyword.range, "remove it", ast::earthfile::KeywordOf(command.kind));
      return;
    case CommandKind::kCommand:
    case CommandKind::kFunction:
      Add<Kind::kEarthMisplaced>(command.keyword.range, "names of functions are in upper case: `BUILD_ALL:`",
                                 ast::earthfile::KeywordOf(command.kind),
                                 recipe_.kind == RecipeKind::kFunction ? "it starts a function, and is its first line"
                                                                       : "it starts a function, and this is a target");
      return;
    case CommandKind::kWorkdir:
    case CommandKind::kUser:
    case CommandKind::kExpose:
    case CommandKind::kVolume:
    case CommandKind::kLabel:
    case CommandKind::kProject:
      Fits(CheckArguments(command, ToWords(command.args)));
      return;
    case CommandKind::kCmd:
    case CommandKind::kEntrypoint:
    case CommandKind::kDocker:
      return;
  }
}

void Walk::WalkCopy(const Command& command) {
  CopyFlags flags;
  const std::vector<Word> words = ReadFlags(command, flags);
  if (flags.pass_args) {
    SeesEverything();
  }
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const Word& word = words[i];
    std::string text = word.text;
    std::vector<Word> args;
    if (IsInParentheses(word.text)) {
      const auto parts = SplitParentheses(word.text);
      if (!parts) {
        continue;
      }
      text = parts->front();
      for (std::size_t part = 1; part < parts->size(); ++part) {
        args.push_back({(*parts)[part], word.range});
      }
    }
    const auto literal = LiteralText(text);
    if (!literal) {
      facts_.has_dynamic_uses = true;
      continue;
    }
    if (const auto artifact = ParseArtifactReference(*literal)) {
      UseText(artifact->target.ToString(), word.range, ArgsIn(args, flags.build_args, word.range),
              IsConditional() || flags.if_exists, true, false, flags.pass_args);
    }
  }
}

void Walk::UseTarget(const Word& word, std::span<const Word> args, const std::vector<std::string>& build_args,
                     bool conditional, bool wildcard_feature, bool pass_args, bool is_function) {
  if (const auto literal = LiteralText(word.text)) {
    UseText(*literal, word.range, ArgsIn(args, build_args, word.range), conditional || IsConditional(),
            wildcard_feature, is_function, pass_args);
  } else {
    facts_.has_dynamic_uses = true;
  }
}

void Walk::UseText(const std::string& text, SourceRange range, std::vector<GivenArg> args, bool conditional,
                   bool wildcard_feature, bool is_function, bool pass_args) {
  facts_.uses.push_back({text, range, conditional, is_function, wildcard_feature, std::move(args), pass_args});
}

// `--name=value` and `--name value`; what is not of that form is the evaluation's business.
std::vector<GivenArg> Walk::ArgsIn(std::span<const Word> words, const std::vector<std::string>& build_args,
                                   SourceRange range) {
  std::vector<GivenArg> out;
  const auto add = [&](std::string_view name, std::string_view value, SourceRange place) {
    if (const auto literal = LiteralText(name); literal && !literal->empty()) {
      out.push_back({*literal, place, ShownText(value)});
    }
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view text = words[i].text;
    if (!text.starts_with("--")) {
      break;
    }
    text.remove_prefix(2);
    const std::size_t equals = text.find('=');
    const SourceRange place = words[i].range;
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = text.substr(equals + 1);
    } else if (++i < words.size()) {
      value = words[i].text;
    }
    add(text.substr(0, equals), value, place);
  }
  for (const std::string& arg : build_args) {
    const std::size_t equals = std::min(arg.find('='), arg.size());
    add(std::string_view(arg).substr(0, equals), std::string_view(arg).substr(std::min(equals + 1, arg.size())), range);
  }
  return out;
}

// --- variables
// --------------------------------------------------------------------------------------------------------

void Walk::Declare(const std::string& name, bool is_let, SourceRange range) {
  const auto [other, is_new] = variables_.try_emplace(name);
  Variable& variable = other->second;
  if (!is_new && features_.Has(Feature::kArgScopeAndSet)) {
    // In different branches both may be declared: only one of them is reached.
    if (!variable.conditional || !IsConditional()) {
      const bool conditional = variable.conditional || IsConditional();
      diag::Diagnostic diagnostic = !variable.is_let || is_let ? MakeDiagnostic<Kind::kEarthRedeclared>(range, name)
                                                               : MakeDiagnostic<Kind::kEarthArgAfterLet>(range, name);
      // A LET may take the name of an ARG.
      if (variable.is_let || !is_let) {
        diagnostic.labels.push_back({variable.range, "first declared here"});
        diagnostic.hints.push_back(HintForRedeclaring(name, variable.is_let, is_let));
        facts_.findings.push_back({std::move(diagnostic), conditional});
      }
    }
    variable.conditional = variable.conditional && IsConditional();
    variable.is_let = is_let;
    return;
  }
  variable = {is_let, IsConditional(), false, range, step_};
}

void Walk::WalkArg(const Command& command) {
  const auto arg =
      ParseArg(ToWords(command.args), features_, recipe_.kind == RecipeKind::kBase, command.location.range);
  if (!arg) {
    Add(arg.error());
    return;
  }
  facts_.args.insert(arg->name);
  const SourceRange range = command.pairs.empty() ? command.location.range : command.pairs.front().key.range;
  const bool is_global = recipe_.kind == RecipeKind::kBase && (arg->global || !features_.Has(Feature::kExplicitGlobal));
  if (is_global) {
    base_.variables.insert(arg->name);
    base_.global_args.insert(arg->name);
  }
  if (IsBuiltinArg(arg->name)) {
    other_names_.insert(arg->name);
    if (const auto value = arg->value ? LiteralText(arg->value->text) : std::nullopt; value && !value->empty()) {
      Add<Kind::kEarthBuiltinDefault>(range, fmt::format("write `ARG {}`", arg->name), arg->name);
    }
    return;
  }
  facts_.declared.push_back({arg->name, arg->value ? ShownText(arg->value->text) : std::string(), range});
  if (recipe_.kind == RecipeKind::kBase && !is_global && base_.variables.contains(arg->name)) {
    // A global may be redeclared as a local ARG, in base too.
    return;
  }
  if (const auto known = variables_.find(arg->name); is_global && known != variables_.end() && !known->second.is_let &&
                                                     !known->second.is_reported &&
                                                     features_.Has(Feature::kArgScopeAndSet)) {
    diag::Diagnostic diagnostic = MakeDiagnostic<Kind::kEarthGlobalAfterLocal>(range, arg->name);
    diagnostic.labels.push_back({known->second.range, "first declared here"});
    diagnostic.hints.push_back(HintForGlobalAfterLocal(arg->name));
    facts_.findings.push_back({std::move(diagnostic), IsConditional() || known->second.conditional});
    return;
  }
  Declare(arg->name, false, range);
  if (is_global) {
    variables_.find(arg->name)->second.is_reported = true;
  }
}

void Walk::WalkLet(const Command& command) {
  if (!features_.Has(Feature::kArgScopeAndSet)) {
    Add<Kind::kEarthNeedsFeature>(command.keyword.range, FeatureHint(Feature::kArgScopeAndSet), "arg-scope-and-set",
                                  "LET and SET");
    return;
  }
  const auto let = ParseLet(ToWords(command.args), features_, command.location.range);
  if (!let) {
    Add(let.error());
    return;
  }
  const SourceRange range = command.pairs.empty() ? command.location.range : command.pairs.front().key.range;
  if (IsBuiltinArg(let->name)) {
    Add<Kind::kEarthBuiltinLet>(range, "choose another name", let->name);
    return;
  }
  Declare(let->name, true, range);
}

void Walk::WalkSet(const Command& command) {
  if (!features_.Has(Feature::kArgScopeAndSet)) {
    Add<Kind::kEarthNeedsFeature>(command.keyword.range, FeatureHint(Feature::kArgScopeAndSet), "arg-scope-and-set",
                                  "LET and SET");
    return;
  }
  const auto set = ParseSet(ToWords(command.args), features_, command.location.range);
  if (!set) {
    Add(set.error());
    return;
  }
  const auto found = variables_.find(set->name);
  if (found != variables_.end() && found->second.is_let) {
    return;
  }
  const SourceRange range = command.pairs.empty() ? command.location.range : command.pairs.front().key.range;
  if (found != variables_.end() || base_.global_args.contains(set->name)) {
    Add<Kind::kEarthSetArg>(range, HintForSetOfArg(set->name), set->name);
    return;
  }
  std::vector<std::string> lets;
  for (const auto& [name, variable] : variables_) {
    if (variable.is_let) {
      lets.push_back(name);
    }
  }
  diag::Diagnostic diagnostic = MakeDiagnostic<Kind::kEarthSetUnknown>(range, set->name);
  if (const auto near = NearestWord(set->name, lets)) {
    diagnostic.hints.push_back(fmt::format("did you mean `{}`?", *near));
  }
  diagnostic.hints.push_back(HintForSetOfUnknown(set->name));
  Add(std::move(diagnostic));
}

void Walk::WalkImport(const Command& command) {
  ImportFlags flags;
  const std::vector<Word> words = ReadFlags(command, flags);
  if (words.empty()) {
    return;
  }
  const bool as = words.size() == 3;
  const auto reference = LiteralText(words[0].text);
  const auto alias = as ? LiteralText(words[2].text) : std::optional<std::string>("");
  if (!reference || !alias) {
    facts_.has_dynamic_imports = true;
    return;
  }
  const Checked<> added = facts_.imports.Add({.reference = *reference,
                                              .alias = *alias,
                                              .global = recipe_.kind == RecipeKind::kBase,
                                              .privileged = true,
                                              .allow_privileged = flags.allow_privileged,
                                              .home = recipe_.home,
                                              .range = command.location.range});
  if (!added && IsConditional()) {
    facts_.has_dynamic_imports = true;  // it may be another branch that declares the alias
  } else if (!added) {
    Add(added.error());
  }
}

// Every command that runs sees all variables as environment; so only those can be told to be unused that none follows.
void Walk::ReportUnused() {
  if (recipe_.kind == RecipeKind::kFunction) {
    return;
  }
  for (const auto& [name, variable] : variables_) {
    if (variable.is_reported || mentioned_.contains(name) || variable.step <= last_sight_) {
      continue;
    }
    // What flows on to other targets may be declared for the reader.
    if (!variable.is_let && (!facts_.uses.empty() || facts_.has_dynamic_uses)) {
      continue;
    }
    diag::Diagnostic diagnostic = MakeDiagnostic<Kind::kEarthUnused>(variable.range, name);
    diagnostic.hints.emplace_back("remove it; no command behind it runs or names it");
    facts_.findings.push_back({std::move(diagnostic), true});
  }
}

// Names without a value are empty, and images bring variables of their own: only what looks like a slip is told.
void Walk::ReportUnknownNames() {
  if (recipe_.kind == RecipeKind::kFunction) {
    return;
  }
  std::vector<std::string> known;
  for (const auto& [name, variable] : variables_) {
    known.push_back(name);
  }
  known.insert(known.end(), other_names_.begin(), other_names_.end());
  known.insert(known.end(), base_.variables.begin(), base_.variables.end());
  std::set<std::string, std::less<>> told;
  for (const auto& [name, range] : expanded_names_) {
    if (std::find(known.begin(), known.end(), name) != known.end() || !told.insert(name).second) {
      continue;
    }
    if (const auto near = NearestWord(name, known)) {
      diag::Diagnostic diagnostic = MakeDiagnostic<Kind::kEarthUnknownVariable>(range, name);
      diagnostic.hints.push_back(fmt::format("did you mean `{}`?", *near));
      facts_.findings.push_back({std::move(diagnostic), true});
    }
  }
}

}  // namespace

RecipeFacts CheckRecipe(const Recipe& recipe, BaseFacts& base) {
  RecipeFacts facts;
  Walk(recipe, base, facts).Run();
  if (recipe.kind == RecipeKind::kFunction) {
    // A function has the features of the file that calls it.
    for (Finding& finding : facts.findings) {
      const Kind kind = finding.diagnostic.kind;
      finding.conditional = finding.conditional || kind == Kind::kEarthNotInVersion ||
                            kind == Kind::kEarthNeedsFeature || kind == Kind::kEarthFeatureOff;
    }
  }
  return facts;
}

}  // namespace loam::sema::earthfile::check
