// The walk over recipes that auto-skip hashes. It follows evaluation as far as that can be done without building:
// values that need a build are marked, and what depends on them is a mistake only where it names a target or a file.
#include "compiler/sema/earthfile/auto_skip.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/pattern_matcher.h"
#include "compiler/sema/earthfile/earth_platform.h"
#include "compiler/sema/earthfile/flags.h"

namespace loam::sema::earthfile {
namespace {

using ast::earthfile::Block;
using ast::earthfile::Command;
using ast::earthfile::CommandKind;
using ast::earthfile::Statement;
using ast::earthfile::StatementKind;
using diag::Kind;

// Encloses what only a build can tell; no text of an Earthfile has it.
constexpr char kUnknown = '\x01';

bool IsKnown(std::string_view value) {
  return value.find(kUnknown) == std::string_view::npos;
}

// Every part with its length, so that two different sequences never hash alike.
class PartsHash {
 public:
  void Add(std::string_view part) { sha_.Update(fmt::format("{}:", part.size())).Update(part); }
  void Add(std::span<const ast::earthfile::Word> words) {
    Add(fmt::format("{} words", words.size()));
    for (const auto& word : words) {
      Add(word.text);
    }
  }
  std::string Finish() { return sha_.Finish().Hex(); }

 private:
  Sha256 sha_;
};

class TargetWalk;

// What all walks of one request share.
struct Shared {
  Project* project;
  const AutoSkipOptions* options;
  std::size_t targets = 0;
  std::size_t files = 0;
  std::map<std::string, std::string> hashes;  // by target, platform and args
  std::set<std::string> active;               // being walked
  std::map<std::string, std::string> file_hashes;
  std::map<Place, std::shared_ptr<const PatternMatcher>> ignores;
};

struct BaseFacts {
  Scope globals;
  ImportMap imports;
};

class TargetWalk {
 public:
  TargetWalk(Shared& shared, const ProjectFile& file, std::string name, const Scope& overriding,
             std::optional<PlatformResolver> platforms)
      : shared_(&shared),
        file_(&file),
        name_(std::move(name)),
        overriding_(overriding),
        platforms_(std::move(platforms)) {}

  Checked<std::string> Run(source::SourceRange range) {
    const Block recipe = LOAM_TRY(shared_->project->TargetRecipe(*file_, name_, range));
    hash_.Add(file_->features.ToString());
    hash_.Add(platforms_ ? platforms_->Current().ToString() : shared_->options->platform);
    variables_.emplace(LOAM_TRY(VariableOptions()));
    if (name_ != kBaseTarget) {
      TargetWalk base(*shared_, *file_, std::string(kBaseTarget), overriding_, platforms_);
      hash_.Add(LOAM_TRY(base.Run(range)));
      variables_->SetGlobals(base.variables_->globals());
      variables_->imports().set_global(base.variables_->imports().global());
      for (const auto& [key, value] : base.variables_->envs()) {
        variables_->DeclareEnv(key, value);
      }
    }
    LOAM_TRY(Walk(recipe));
    return hash_.Finish();
  }

 private:
  Checked<Variables::Options> VariableOptions() {
    Variables::Options options{.features = file_->features,
                               .overriding = overriding_,
                               .builtin = {},
                               .global_imports = {},
                               .project = file_->project,
                               .name = name_};
    const GitFacts* git = nullptr;
    // git is asked only by those who can see the answer.
    const std::string_view text = file_->buffer->text();
    if (text.find("EARTHLY_") != std::string_view::npos || text.find("EARTH_") != std::string_view::npos) {
      git = LOAM_TRY(shared_->project->Git(*file_));
    }
    options.builtin = BuiltinArgs({.target = WithGitFacts(file_->project.WithName(name_), git),
                                   .git = git,
                                   .platforms = platforms_ ? &*platforms_ : nullptr,
                                   .features = file_->features,
                                   .push = shared_->options->push,
                                   .ci = shared_->options->ci,
                                   .version = shared_->options->version,
                                   .build_sha = shared_->options->build_sha});
    return options;
  }

  // --- words
  // -----------------------------------------------------------------------------------------------------------

  Checked<std::string> Expand(std::string_view word, source::SourceRange range, bool keep_plus = true) {
    ExpandOptions options;
    options.keep_plus_escapes = keep_plus;
    options.old_rules = !file_->features.Has(Feature::kShellOutAnywhere);
    options.shell_out = [](std::string_view command) -> Checked<std::string> {
      return fmt::format("{}$({}){}", kUnknown, command, kUnknown);
    };
    return ExpandWord(word, range, variables_->Lookup(), options);
  }

  Checked<std::string> ExpandKnown(std::string_view word, source::SourceRange range, std::string_view what) {
    std::string value = LOAM_TRY(Expand(word, range));
    if (!IsKnown(value)) {
      std::erase(value, kUnknown);
      return Fail<Kind::kEarthAutoSkip>(range,
                                        fmt::format("dynamic {}: `{}` is known only when it is built", what, value))
          .Hint("build without auto-skip, or write it without `$(…)`");
    }
    return value;
  }

  Checked<std::vector<std::string>> ExpandAll(std::span<const Word> words) {
    std::vector<std::string> values;
    for (const Word& word : words) {
      values.push_back(LOAM_TRY(Expand(word.text, word.range)));
    }
    return values;
  }

  Checked<std::vector<std::string>> ExpandTexts(const std::vector<std::string>& texts, source::SourceRange range) {
    std::vector<std::string> values;
    for (const std::string& text : texts) {
      values.push_back(LOAM_TRY(Expand(text, range)));
    }
    return values;
  }

  FlagParsing Parsing() const { return {.features = &variables_->features(), .expand = {}}; }

  // --- targets
  // ---------------------------------------------------------------------------------------------------------

  Checked<> Reach(std::string_view reference, const std::vector<PassedArg>& args, bool pass_args,
                  std::string_view platform, source::SourceRange range) {
    Project::Resolved resolved =
        LOAM_TRY(shared_->project->Resolve(reference, variables_->project(), variables_->imports(), range));
    Scope passed = LOAM_TRY(variables_->ResolveArgs(args));
    const Scope overriding = variables_->OverridingFor(std::move(passed), resolved.written, pass_args);
    std::vector<Reference> targets = {resolved.reference};
    if (HasPathWildcard(resolved.reference)) {
      targets = LOAM_TRY(shared_->project->ExpandWildcard(resolved.reference, range));
    }
    for (const Reference& target : targets) {
      hash_.Add(LOAM_TRY(HashOf(*shared_, target, overriding, LOAM_TRY(PlatformsFor(platform, range)), range)));
    }
    return {};
  }

  Checked<std::optional<PlatformResolver>> PlatformsFor(std::string_view platform, source::SourceRange range) {
    if (!platforms_) {
      hash_.Add(platform);
      return std::optional<PlatformResolver>();
    }
    const std::string value = LOAM_TRY(ExpandKnown(platform, range, "platform"));
    const auto parsed = ParseEarthPlatform(value, file_->features.Has(Feature::kNewPlatform));
    if (!parsed) {
      return Fail<Kind::kEarthBadFlagValue>(range, value, "--platform", parsed.error().message());
    }
    return std::optional(platforms_->ForTarget(*parsed));
  }

  // A source of COPY, a context of FROM DOCKERFILE: an artifact, or a path of the context.
  Checked<> Source(const Word& word, const std::vector<std::string>& build_args, bool pass_args,
                   std::string_view platform, bool must_exist, bool docker_ignore) {
    std::string artifact = word.text;
    std::vector<std::string> reference_args;
    const bool parentheses = IsInParentheses(word.text);
    if (parentheses) {
      auto parts = SplitParentheses(word.text);
      if (!parts) {
        return Fail<Kind::kEarthBadArguments>(word.range, "COPY", parts.error().message());
      }
      artifact = parts->front();
      reference_args.assign(parts->begin() + 1, parts->end());
    }
    const std::string value = LOAM_TRY(ExpandKnown(artifact, word.range, "COPY source"));
    const auto parsed = ParseArtifactReference(value, shared_->project->options().home);
    if (parsed) {
      const auto args = LOAM_TRY(PassedArgs(LOAM_TRY(ExpandTexts(reference_args, word.range)), build_args, word.range));
      return Reach(parsed->target.ToString(), args, pass_args, platform, word.range);
    }
    if (parentheses) {
      return Fail<Kind::kEarthBadReference>(word.range, value, parsed.error().message());
    }
    return HashFiles(UnescapePlus(value), word.range, must_exist, docker_ignore);
  }

  // --- files
  // -----------------------------------------------------------------------------------------------------------

  Checked<> HashFiles(std::string_view path, source::SourceRange range, bool must_exist, bool docker_ignore) {
    if (file_->project.IsRemote()) {
      return {};  // a pinned commit
    }
    ProjectHost& host = shared_->project->host();
    while (path.starts_with('/')) {
      path.remove_prefix(1);
    }
    if (path.find("**") != std::string_view::npos) {
      return Fail<Kind::kEarthAutoSkip>(range, fmt::format("globstar (**) not supported: `{}`", path));
    }
    auto found = GlobPaths(host, file_->place, path.empty() ? "." : path);
    if (!found) {
      return Fail<Kind::kEarthAutoSkip>(range, fmt::format("`{}`: {}", path, found.error().message()));
    }
    if (found->empty() && must_exist) {
      return Fail<Kind::kEarthAutoSkip>(range, fmt::format("there is no file `{}`", path));
    }
    hash_.Add(path);
    for (const std::string& one : *found) {
      LOAM_TRY(HashTree(one, range, docker_ignore));
    }
    return {};
  }

  Checked<> HashTree(const std::string& path, source::SourceRange range, bool docker_ignore) {
    const PatternMatcher& ignore = *LOAM_TRY(Ignored(range, docker_ignore));
    if (path != "." && !ignore.empty() && !ignore.has_exceptions() && ignore.MatchesOrParentMatches(path)) {
      return {};
    }
    ProjectHost& host = shared_->project->host();
    const auto entries = host.ListDirectory(file_->place, path);
    if (entries) {
      hash_.Add(fmt::format("directory {}", path));
      for (const DirectoryEntry& entry : *entries) {
        LOAM_TRY(HashTree(path == "." ? entry.name : fmt::format("{}/{}", path, entry.name), range, docker_ignore));
      }
      return {};
    }
    if (!ignore.empty() && ignore.MatchesOrParentMatches(path)) {
      return {};
    }
    const std::string key = fmt::format("{}\n{}", file_->place.directory, path);
    auto known = shared_->file_hashes.find(key);
    if (known == shared_->file_hashes.end()) {
      auto hash = host.HashFile(file_->place, path);
      if (!hash) {
        return FailWith(range, std::move(hash).error());
      }
      ++shared_->files;
      known = shared_->file_hashes.emplace(key, std::move(*hash)).first;
    }
    hash_.Add(path);
    hash_.Add(known->second);
    return {};
  }

  Checked<std::shared_ptr<const PatternMatcher>> Ignored(source::SourceRange range, bool docker_ignore) {
    Place key = file_->place;
    key.root += docker_ignore ? "docker" : "";
    auto& known = shared_->ignores[key];
    if (!known) {
      auto patterns = ReadIgnorePatterns(shared_->project->host(), file_->place, docker_ignore,
                                         !file_->features.Has(Feature::kNoImplicitIgnore));
      if (!patterns) {
        return FailWith(range, std::move(patterns).error());
      }
      auto matcher = PatternMatcher::Create(*patterns);
      if (!matcher) {
        return FailWith(range, std::move(matcher).error());
      }
      known = std::make_shared<const PatternMatcher>(std::move(*matcher));
    }
    return known;
  }

  // --- statements
  // --------------------------------------------------------------------------------------------------------

  Checked<> Walk(Block block) {
    hash_.Add(fmt::format("{} statements", block.size()));
    for (const Statement& statement : block) {
      LOAM_TRY(Walk(statement));
    }
    return {};
  }

  Checked<> Walk(const Statement& statement) {
    switch (statement.kind) {
      case StatementKind::kCommand:
        return Walk(*statement.command);
      case StatementKind::kWith:
        LOAM_TRY(WithDocker(statement.with->command));
        return Walk(statement.with->body);
      case StatementKind::kIf:
        return If(*statement.if_);
      case StatementKind::kFor:
        return For(*statement.for_);
      case StatementKind::kWait:
        hash_.Add("WAIT");
        return Walk(statement.wait->body);
      case StatementKind::kTry:
        hash_.Add("TRY");
        LOAM_TRY(Walk(statement.try_->body));
        LOAM_TRY(Walk(statement.try_->catch_body));
        return Walk(statement.try_->finally_body);
    }
    return {};
  }

  Checked<std::optional<bool>> Decide(const ast::earthfile::Condition& condition) {
    std::vector<std::string> values;
    for (const auto& word : condition.words) {
      values.push_back(LOAM_TRY(Expand(word.text, word.range)));
      if (!IsKnown(values.back())) {
        return std::optional<bool>();
      }
    }
    return DecideCondition(values);
  }

  Checked<> If(const ast::earthfile::If& statement) {
    hash_.Add("IF");
    hash_.Add(statement.condition.words);
    bool decided = true;
    const auto branch = [&](const ast::earthfile::Condition& condition, Block body) -> Checked<bool> {
      const std::optional<bool> truth = LOAM_TRY(Decide(condition));
      if (truth && !*truth) {
        return false;
      }
      decided = decided && truth.has_value();
      LOAM_TRY(WalkBranch(body, !decided));
      return decided;
    };
    if (LOAM_TRY(branch(statement.condition, statement.body))) {
      return {};
    }
    for (const auto& else_if : statement.else_ifs) {
      hash_.Add("ELSE IF");
      hash_.Add(else_if.condition.words);
      if (LOAM_TRY(branch(else_if.condition, else_if.body))) {
        return {};
      }
    }
    return WalkBranch(statement.else_body, !decided);
  }

  // `perhaps`: it is not known whether it runs. What it sets is then not known either.
  Checked<> WalkBranch(Block body, bool perhaps) {
    perhaps_ += perhaps ? 1 : 0;
    LOAM_TRY(Walk(body));
    perhaps_ -= perhaps ? 1 : 0;
    return {};
  }

  Checked<> For(const ast::earthfile::For& statement) {
    hash_.Add("FOR");
    hash_.Add(statement.args);
    ForFlags flags;
    const std::vector<Word> rest = LOAM_TRY(ParseFlags(ToWords(statement.args), Parsing(), flags));
    if (rest.size() < 3 || rest[1].text != "IN") {
      return Fail<Kind::kEarthBadArguments>(statement.args.empty() ? source::SourceRange{} : statement.args[0].range,
                                            "FOR", "`FOR name IN words` is needed");
    }
    std::vector<std::string> values;
    bool known = true;
    for (const std::string& value : LOAM_TRY(ExpandAll(std::span(rest).subspan(2)))) {
      known = known && IsKnown(value);
      std::size_t begin = 0;
      while ((begin = value.find_first_not_of(flags.separators, begin)) != std::string::npos) {
        const std::size_t end = std::min(value.find_first_of(flags.separators, begin), value.size());
        values.push_back(value.substr(begin, end - begin));
        begin = end;
      }
    }
    if (!known) {
      values = {std::string(1, kUnknown)};
      ++perhaps_;
    }
    for (const std::string& value : values) {
      hash_.Add(value);
      variables_->SetLoopVariable(rest[0].text, value);
      LOAM_TRY(Walk(statement.body));
      variables_->RemoveLoopVariable(rest[0].text);
    }
    perhaps_ -= known ? 0 : 1;
    return {};
  }

  Checked<> WithDocker(const Command& command) {
    hash_.Add("WITH DOCKER");
    hash_.Add(command.args);
    WithDockerFlags flags;
    LOAM_TRY(ParseFlags(ToWords(command.args), Parsing(), flags));
    const std::vector<std::string> build_args = LOAM_TRY(ExpandTexts(flags.build_args, command.location.range));
    for (const std::string& load : flags.loads) {
      const source::SourceRange range = flags.RangeOf("load", command.location.range);
      const auto parsed = ParseLoadWord(load);
      if (!parsed) {
        return Fail<Kind::kEarthBadArguments>(range, "WITH DOCKER --load", parsed.error().message());
      }
      const auto args = LOAM_TRY(PassedArgs(LOAM_TRY(ExpandTexts(parsed->args, range)), build_args, range));
      LOAM_TRY(
          Reach(LOAM_TRY(ExpandKnown(parsed->target, range, "target")), args, flags.pass_args, flags.platform, range));
    }
    return {};
  }

  Checked<> Walk(const Command& command) {
    hash_.Add(ast::earthfile::KeywordOf(command.kind));
    hash_.Add(command.args);
    hash_.Add(command.exec_mode ? "exec" : "shell");
    const source::SourceRange range = command.location.range;
    const std::vector<Word> words = ToWords(command.args);
    switch (command.kind) {
      case CommandKind::kFrom:
        return From(words, range);
      case CommandKind::kFromDockerfile:
        return FromDockerfile(words, range);
      case CommandKind::kBuild:
        return Build(words, range);
      case CommandKind::kCopy:
        return Copy(words, range);
      case CommandKind::kArg:
        return Arg(words, range);
      case CommandKind::kLet:
      case CommandKind::kSet:
        return Assign(words, range, command.kind == CommandKind::kLet);
      case CommandKind::kEnv:
        if (!command.pairs.empty()) {
          const auto& pair = command.pairs.front();
          const std::string value = LOAM_TRY(Expand(pair.value.text, pair.value.range, false));
          hash_.Add(value);
          variables_->DeclareEnv(pair.key.text, value);
        }
        return {};
      case CommandKind::kImport:
        return Import(words, range);
      case CommandKind::kDo:
        return Do(words, range);
      // These reach nothing; their words are hashed, and so are the variables they can name.
      case CommandKind::kLocally:
      case CommandKind::kSaveArtifact:
      case CommandKind::kSaveImage:
      case CommandKind::kRun:
      case CommandKind::kExpose:
      case CommandKind::kVolume:
      case CommandKind::kLabel:
      case CommandKind::kWorkdir:
      case CommandKind::kUser:
      case CommandKind::kCmd:
      case CommandKind::kEntrypoint:
      case CommandKind::kGitClone:
      case CommandKind::kAdd:
      case CommandKind::kStopSignal:
      case CommandKind::kOnbuild:
      case CommandKind::kHealthcheck:
      case CommandKind::kShell:
      case CommandKind::kCommand:
      case CommandKind::kFunction:
      case CommandKind::kCache:
      case CommandKind::kHost:
      case CommandKind::kProject:
      case CommandKind::kDocker:
        return {};
    }
    return {};
  }

  Checked<> From(const std::vector<Word>& words, source::SourceRange range) {
    FromFlags flags;
    const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
    if (rest.empty()) {
      return Fail<Kind::kEarthBadArguments>(range, "FROM", "an image or a target is needed");
    }
    const std::string name = LOAM_TRY(Expand(rest[0].text, rest[0].range));
    hash_.Add(name);
    if (!LooksLikeReference(name)) {
      return {};
    }
    const auto args = LOAM_TRY(PassedArgs(LOAM_TRY(ExpandAll(std::span(rest).subspan(1))),
                                          LOAM_TRY(ExpandTexts(flags.build_args, range)), range));
    return Reach(LOAM_TRY(ExpandKnown(rest[0].text, rest[0].range, "target")), args, flags.pass_args, flags.platform,
                 rest[0].range);
  }

  Checked<> FromDockerfile(const std::vector<Word>& words, source::SourceRange range) {
    FromDockerfileFlags flags;
    const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
    if (rest.empty()) {
      return Fail<Kind::kEarthBadArguments>(range, "FROM DOCKERFILE", "a context is needed");
    }
    std::vector<std::string> build_args = LOAM_TRY(ExpandTexts(flags.build_args, range));
    for (const std::string& value : LOAM_TRY(ExpandAll(std::span(rest).subspan(1)))) {
      hash_.Add(value);
    }
    if (!flags.file.empty()) {
      LOAM_TRY(Source(Word{flags.file, range}, build_args, false, flags.platform, false, false));
    }
    return Source(rest[0], build_args, false, flags.platform, false, file_->features.Has(Feature::kUseDockerIgnore));
  }

  Checked<> Build(const std::vector<Word>& words, source::SourceRange range) {
    BuildFlags flags;
    const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
    if (rest.empty()) {
      return Fail<Kind::kEarthBadArguments>(range, "BUILD", "a target is needed");
    }
    const std::string target = LOAM_TRY(ExpandKnown(rest[0].text, rest[0].range, "target"));
    const auto args = LOAM_TRY(PassedArgs(LOAM_TRY(ExpandAll(std::span(rest).subspan(1))),
                                          LOAM_TRY(ExpandTexts(flags.build_args, range)), range));
    if (flags.platforms.empty()) {
      flags.platforms.emplace_back();
    }
    for (const std::vector<PassedArg>& combination : ExpandMatrix(args)) {
      for (const std::string& platform : flags.platforms) {
        LOAM_TRY(Reach(target, combination, flags.pass_args, platform, rest[0].range));
      }
    }
    return {};
  }

  Checked<> Copy(const std::vector<Word>& words, source::SourceRange range) {
    CopyFlags flags;
    const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
    if (rest.size() < 2) {
      return Fail<Kind::kEarthBadArguments>(range, "COPY", "a source and a destination are needed");
    }
    const std::vector<std::string> build_args = LOAM_TRY(ExpandTexts(flags.build_args, range));
    for (std::size_t i = 0; i + 1 < rest.size(); ++i) {
      LOAM_TRY(Source(rest[i], build_args, flags.pass_args, flags.platform, !flags.if_exists, false));
    }
    return {};
  }

  Checked<> Arg(const std::vector<Word>& words, source::SourceRange range) {
    const bool base = name_ == kBaseTarget && !variables_->InFunction();
    const ArgDeclaration arg = LOAM_TRY(ParseArg(words, variables_->features(), base, range));
    std::string value;
    if (arg.value && variables_->NeedsDefault(arg.name)) {
      value = LOAM_TRY(Expand(arg.value->text, arg.value->range));
    }
    auto effective = variables_->DeclareArg(
        arg.name, value, {.required = arg.required, .global = arg.global, .has_default = arg.value.has_value()}, range);
    if (!effective) {
      // Branches that exclude each other may declare the same name.
      return perhaps_ > 0 ? Checked<>() : Checked<>(tl::unexpected(std::move(effective).error()));
    }
    hash_.Add(fmt::format("ARG {}={}", arg.name, *effective));
    return {};
  }

  Checked<> Assign(const std::vector<Word>& words, source::SourceRange range, bool let) {
    const Assignment assignment =
        LOAM_TRY(let ? ParseLet(words, variables_->features(), range) : ParseSet(words, variables_->features(), range));
    std::string value = LOAM_TRY(Expand(assignment.value.text, assignment.value.range));
    hash_.Add(fmt::format("{}={}", assignment.name, value));
    if (perhaps_ > 0) {
      value = fmt::format("{}{}{}", kUnknown, value, kUnknown);
    }
    auto done =
        let ? variables_->DeclareLet(assignment.name, value, range) : variables_->Assign(assignment.name, value, range);
    return done || perhaps_ > 0 ? Checked<>() : done;
  }

  Checked<> Import(const std::vector<Word>& words, source::SourceRange range) {
    ImportFlags flags;
    const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
    if (rest.empty()) {
      return Fail<Kind::kEarthBadArguments>(range, "IMPORT", "a project is needed");
    }
    const std::string reference = LOAM_TRY(ExpandKnown(rest[0].text, rest[0].range, "project"));
    const std::string alias = rest.size() == 3 ? LOAM_TRY(Expand(rest[2].text, rest[2].range)) : std::string();
    auto added = variables_->imports().Add({.reference = reference,
                                            .alias = alias,
                                            .global = name_ == kBaseTarget && !variables_->InFunction(),
                                            .privileged = true,
                                            .allow_privileged = flags.allow_privileged,
                                            .home = shared_->project->options().home,
                                            .range = range});
    return added || perhaps_ > 0 ? Checked<>() : added;
  }

  Checked<> Do(const std::vector<Word>& words, source::SourceRange range) {
    DoFlags flags;
    const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
    if (rest.empty()) {
      return Fail<Kind::kEarthBadArguments>(range, "DO", "a function is needed");
    }
    const std::string text = LOAM_TRY(ExpandKnown(rest[0].text, rest[0].range, "function"));
    Project::Resolved resolved =
        LOAM_TRY(shared_->project->Resolve(text, variables_->project(), variables_->imports(), rest[0].range));
    const auto args = LOAM_TRY(PassedArgs(LOAM_TRY(ExpandAll(std::span(rest).subspan(1))), {}, range));
    Scope passed = LOAM_TRY(variables_->ResolveArgs(args));
    if (resolved.reference.IsRemote() && !resolved.reference.IsStandardLibrary()) {
      hash_.Add(LOAM_TRY(Pinned(resolved.reference, passed, range)));
      return {};
    }
    const ProjectFile& file = *LOAM_TRY(shared_->project->Load(resolved.reference, rest[0].range));
    const Block body = LOAM_TRY(shared_->project->FunctionRecipe(file, resolved.reference.name, rest[0].range));
    const std::string key = fmt::format("DO {}", resolved.reference.Canonical());
    if (variables_->depth() > kMaxFunctionDepth) {
      return Fail<Kind::kEarthAutoSkip>(range, fmt::format("{} calls itself", resolved.reference.Canonical()));
    }
    TargetWalk base(*shared_, file, std::string(kBaseTarget), variables_->OverridingForFunctionBase(passed),
                    platforms_);
    hash_.Add(key);
    hash_.Add(LOAM_TRY(base.Run(range)));
    Scope overriding = variables_->OverridingForFunction(std::move(passed), flags.pass_args);
    variables_->EnterFrame({.name = key,
                            .project = file.project,
                            .features = file.features,
                            .overriding = std::move(overriding),
                            .globals = base.variables_->globals(),
                            .imports = ImportScopes(base.variables_->imports().global()),
                            .args = {},
                            .vars = {}});
    LOAM_TRY(Walk(body));
    variables_->ExitFrame();
    return {};
  }

  static Checked<std::string> Pinned(const Reference& reference, const Scope& overriding, source::SourceRange range) {
    if (!IsPinnedTag(reference.tag)) {
      return Fail<Kind::kEarthAutoSkip>(range, fmt::format("{} may change at any time: only a complete Git SHA or an "
                                                           "explicit tag (`tags/…`) is supported",
                                                           reference.Canonical()));
    }
    PartsHash hash;
    hash.Add(reference.Canonical());
    for (const auto& [name, value] : overriding) {
      hash.Add(name);
      hash.Add(value);
    }
    return hash.Finish();
  }

 public:
  static Checked<std::string> HashOf(Shared& shared, const Reference& target, const Scope& overriding,
                                     std::optional<PlatformResolver> platforms, source::SourceRange range) {
    if (target.IsRemote() && !target.IsStandardLibrary()) {
      return Pinned(target, overriding, range);
    }
    PartsHash key_hash;
    key_hash.Add(target.Canonical());
    key_hash.Add(platforms ? platforms->Current().ToString() : "");
    for (const auto& [name, value] : overriding) {
      key_hash.Add(name);
      key_hash.Add(value);
    }
    const std::string key = key_hash.Finish();
    if (const auto known = shared.hashes.find(key); known != shared.hashes.end()) {
      return known->second;
    }
    if (!shared.active.insert(key).second) {
      return Fail<Kind::kEarthAutoSkip>(range, fmt::format("{} depends on itself", target.Canonical()));
    }
    const ProjectFile& file = *LOAM_TRY(shared.project->Load(target, range));
    TargetWalk walk(shared, file, target.name, overriding, std::move(platforms));
    std::string hash = LOAM_TRY(walk.Run(range));
    ++shared.targets;
    shared.active.erase(key);
    PartsHash named;
    named.Add(target.Canonical());
    named.Add(hash);
    return shared.hashes[key] = named.Finish();
  }

 private:
  static constexpr std::size_t kMaxFunctionDepth = 100;

  Shared* shared_;
  const ProjectFile* file_;
  std::string name_;
  Scope overriding_;
  std::optional<PlatformResolver> platforms_;
  PartsHash hash_;
  std::optional<Variables> variables_;
  int perhaps_ = 0;
};

}  // namespace

Checked<AutoSkipHash> HashTarget(Project& project, const Reference& target, const Scope& overriding,
                                 const AutoSkipOptions& options, source::SourceRange range) {
  Shared shared{.project = &project, .options = &options, .hashes = {}, .active = {}, .file_hashes = {}, .ignores = {}};
  std::optional<PlatformResolver> platforms;
  if (options.platforms != nullptr) {
    platforms = *options.platforms;
  }
  PartsHash all;
  all.Add("auto-skip 1");
  all.Add(options.version);
  all.Add(options.build_sha);
  all.Add(options.ci ? "ci" : "");
  all.Add(options.push ? "push" : "");
  all.Add(options.platform);
  all.Add(LOAM_TRY(TargetWalk::HashOf(shared, target, overriding, std::move(platforms), range)));
  return AutoSkipHash{all.Finish(), shared.targets, shared.files};
}

}  // namespace loam::sema::earthfile
