// auto-skip: targets, and the words that name them.
#include "compiler/sema/earthfile/auto_skip.h"

#include <algorithm>

#include <fmt/format.h>

#include "compiler/sema/earthfile/auto_skip_walk.h"
#include "compiler/sema/earthfile/earth_platform.h"

namespace loam::sema::earthfile {
namespace auto_skip {

using ast::earthfile::Block;
using diag::Kind;

void PartsHash::Add(std::string_view part) {
  sha_.Update(fmt::format("{}:", part.size())).Update(part);
}

void PartsHash::Add(std::span<const ast::earthfile::Word> words) {
  Add(fmt::format("{} words", words.size()));
  for (const auto& word : words) {
    Add(word.text);
  }
}

Checked<std::string> TargetWalk::HashOf(Shared& shared, const Reference& target, const Scope& overriding,
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

Checked<std::string> TargetWalk::Pinned(const Reference& reference, const Scope& overriding,
                                        source::SourceRange range) {
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

Checked<std::string> TargetWalk::Run(source::SourceRange range) {
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

Checked<Variables::Options> TargetWalk::VariableOptions() {
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

Checked<std::string> TargetWalk::Expand(std::string_view word, source::SourceRange range, bool keep_plus) {
  ExpandOptions options;
  options.keep_plus_escapes = keep_plus;
  options.old_rules = !file_->features.Has(Feature::kShellOutAnywhere);
  options.shell_out = [](std::string_view command) -> Checked<std::string> {
    return fmt::format("{}$({}){}", kUnknown, command, kUnknown);
  };
  return ExpandWord(word, range, variables_->Lookup(), options);
}

Checked<std::string> TargetWalk::ExpandKnown(std::string_view word, source::SourceRange range, std::string_view what) {
  std::string value = LOAM_TRY(Expand(word, range));
  if (!IsKnown(value)) {
    std::erase(value, kUnknown);
    return Fail<Kind::kEarthAutoSkip>(range,
                                      fmt::format("dynamic {}: `{}` is known only when it is built", what, value))
        .Hint("build without auto-skip, or write it without `$(…)`");
  }
  return value;
}

Checked<std::vector<std::string>> TargetWalk::ExpandAll(std::span<const Word> words) {
  std::vector<std::string> values;
  for (const Word& word : words) {
    values.push_back(LOAM_TRY(Expand(word.text, word.range)));
  }
  return values;
}

Checked<std::vector<std::string>> TargetWalk::ExpandTexts(const std::vector<std::string>& texts,
                                                          source::SourceRange range) {
  std::vector<std::string> values;
  for (const std::string& text : texts) {
    values.push_back(LOAM_TRY(Expand(text, range)));
  }
  return values;
}

Checked<> TargetWalk::Reach(std::string_view reference, const std::vector<PassedArg>& args, bool pass_args,
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

Checked<std::optional<PlatformResolver>> TargetWalk::PlatformsFor(std::string_view platform,
                                                                  source::SourceRange range) {
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

Checked<> TargetWalk::Source(const Word& word, const std::vector<std::string>& build_args, bool pass_args,
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

}  // namespace auto_skip

Checked<AutoSkipHash> HashTarget(Project& project, const Reference& target, const Scope& overriding,
                                 const AutoSkipOptions& options, source::SourceRange range) {
  auto_skip::Shared shared{
      .project = &project, .options = &options, .hashes = {}, .active = {}, .file_hashes = {}, .ignores = {}};
  std::optional<PlatformResolver> platforms;
  if (options.platforms != nullptr) {
    platforms = *options.platforms;
  }
  auto_skip::PartsHash all;
  all.Add("auto-skip 1");
  all.Add(options.version);
  all.Add(options.build_sha);
  all.Add(options.ci ? "ci" : "");
  all.Add(options.push ? "push" : "");
  all.Add(options.platform);
  all.Add(LOAM_TRY(auto_skip::TargetWalk::HashOf(shared, target, overriding, std::move(platforms), range)));
  return AutoSkipHash{all.Finish(), shared.targets, shared.files};
}

}  // namespace loam::sema::earthfile
