#include "compiler/sema/earthfile/check_recipe.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/earthfile/check_walk.h"

namespace loam::sema::earthfile::check {

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
