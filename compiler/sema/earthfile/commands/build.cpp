// BUILD.
#include <fmt/format.h>

#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/auto_skip.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {

using ast::earthfile::CommandKind;
using ast::earthfile::StatementKind;

namespace {

// What a BUILD behind it names, or is given, may be another thing then.
bool ChangesLaterBuilds(CommandKind kind) {
  return kind == CommandKind::kArg || kind == CommandKind::kLet || kind == CommandKind::kSet ||
         kind == CommandKind::kEnv || kind == CommandKind::kLocally || kind == CommandKind::kFrom ||
         kind == CommandKind::kFromDockerfile || kind == CommandKind::kImport || kind == CommandKind::kDo;
}

}  // namespace

// BUILDs that nothing in front of them can influence begin at once. What is wrong with them is told when their turn
// comes.
void TargetEvaluation::StartBuilds(ast::earthfile::Block block, std::size_t from) {
  if (local_ || in_.options().parallelism < 2 || in_.host().AnswersAtOnce()) {
    return;
  }
  for (std::size_t i = from; i < block.size(); ++i) {
    if (block[i].kind != StatementKind::kCommand) {
      return;
    }
    const ast::earthfile::Command& command = *block[i].command;
    if (ChangesLaterBuilds(command.kind)) {
      return;
    }
    if (command.kind == CommandKind::kBuild) {
      const SourceRange outer = range_;
      shell_outs_allowed_ = false;
      static_cast<void>(Build(command, true));
      shell_outs_allowed_ = true;
      range_ = outer;
    }
  }
}

Checked<> TargetEvaluation::Build(const ast::earthfile::Command& command, bool ahead) {
  LOAM_TRY(RejectAfterPush());
  const SourceRange range = command.location.range;
  BuildFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckArguments(command, words));
  if (ahead && flags.auto_skip) {
    return {};
  }
  if (local_) {
    for (const Word& word : std::span(words).subspan(1)) {
      if (!ShellOutsIn(word.text).empty()) {
        return Fail<Kind::kEarthNotLocally>(word.range, "shelling out in the args of BUILD")
            .Hint("put the value into a variable first: `LET x = $(…)`");
      }
    }
  }
  const std::string text = LOAM_TRY(Expand(words[0], true));
  std::vector<EarthPlatform> platforms;
  for (const std::string& platform : flags.platforms) {
    platforms.push_back(LOAM_TRY(ReadPlatform(platform, flags.RangeOf("platform", range))));
  }
  if (platforms.empty()) {
    platforms.push_back(EarthPlatform::Default());
  }
  const std::vector<PassedArg> args = LOAM_TRY(ReadPassedArgs(std::span(words).subspan(1), flags.build_args, range));
  range_ = range;
  Resolved target = LOAM_TRY(Resolve(text, words[0].range, flags.allow_privileged));
  std::vector<Reference> references = {target.reference.reference};
  const bool wildcard = HasPathWildcard(target.reference.written);
  if (wildcard) {
    if (!Has(Feature::kWildcardBuilds)) {
      return Fail<Kind::kEarthNeedsFeature>(range, "wildcard-builds", "wildcards in the target of BUILD");
    }
    references = LOAM_TRY(in_.project().ExpandWildcard(target.reference.reference, words[0].range));
  }
  for (const Reference& reference : references) {
    target.reference.reference = reference;
    for (const std::vector<PassedArg>& combination : ExpandMatrix(args)) {
      std::optional<std::string> skip_hash;
      std::string skip_name;
      if (flags.auto_skip && !in_.options().no_auto_skip) {
        Scope passed = LOAM_TRY(variables_->ResolveArgs(combination));
        const Scope overriding = variables_->OverridingFor(passed, target.reference.written, flags.pass_args);
        AutoSkipOptions options;
        options.version = in_.options().version;
        options.build_sha = in_.options().version_sha;
        options.ci = in_.options().ci;
        options.push = call_.pushes;
        options.platforms = &platforms_;
        const AutoSkipHash hash = LOAM_TRY(HashTarget(in_.project(), reference, overriding, options, range));
        skip_name = reference.Canonical();
        const auto known = in_.effects().WasBuilt(skip_name, hash.hash);
        if (!known) {
          in_.effects().Warning(name_, fmt::format("Unable to check if target {} (hash {}) has already been run: {}",
                                                   skip_name, hash.hash, known.error().message()));
        } else if (*known) {
          in_.effects().Notice(
              name_, fmt::format("Target {} (hash {}) has already been run. Skipping.", skip_name, hash.hash));
          continue;
        } else {
          skip_hash = hash.hash;
        }
      }
      for (const EarthPlatform& platform : platforms) {
        Passing passing;
        passing.args = combination;
        passing.pass_args = flags.pass_args;
        passing.allow_privileged = flags.allow_privileged;
        passing.platform = platform;
        Scope passed;
        if (ahead) {
          in_.Start(LOAM_TRY(MakeCall(target.reference, target.privileged, passing, Edge::kBuild, range, passed)),
                    &entry_);
          continue;
        }
        const std::string name = fmt::format("BUILD {}", wildcard ? reference.ToString() : text);
        std::shared_ptr<TargetResult> result =
            LOAM_TRY(Record(name, range, [&]() -> Checked<std::shared_ptr<TargetResult>> {
              TargetCall call =
                  LOAM_TRY(MakeCall(target.reference, target.privileged, passing, Edge::kBuild, range, passed));
              return Call(call, passed, target.reference, flags.pass_args, Edge::kBuild);
            }));
        range_ = range;
        scope().entries.push_back({nullptr, std::move(result)});
      }
      if (skip_hash && !ahead) {
        in_.auto_skip().emplace_back(skip_name, *skip_hash);
      }
    }
  }
  return {};
}

}  // namespace loam::sema::earthfile
