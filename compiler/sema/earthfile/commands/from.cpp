// FROM, LOCALLY.
#include <algorithm>

#include <fmt/format.h>

#include "base/image_reference.h"
#include "compiler/sema/dockerfile/image_config.h"
#include "compiler/sema/dockerfile/platform.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

// "KEY=value" entries as a scope.
Scope EnvsOf(const ImageConfig& image) {
  Scope out;
  for (const std::string_view entry : image.env) {
    const std::size_t equals = entry.find('=');
    out.insert_or_assign(std::string(entry.substr(0, equals)),
                         equals == std::string_view::npos ? std::string() : std::string(entry.substr(equals + 1)));
  }
  return out;
}

}  // namespace

Checked<> TargetEvaluation::From(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  FromFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckArguments(command, words));
  const std::string base = LOAM_TRY(Expand(words[0], true));
  Passing passing;
  passing.platform = LOAM_TRY(ReadPlatform(flags.platform, flags.RangeOf("platform", range_)));
  passing.args = LOAM_TRY(ReadPassedArgs(std::span(words).subspan(1), flags.build_args, range_));
  passing.pass_args = flags.pass_args;
  passing.allow_privileged = flags.allow_privileged;
  const bool is_target = LooksLikeReference(base);
  if (!Has(Feature::kNewPlatform) && !passing.platform.IsDefault() && !platforms_.default_platform().IsDefault() &&
      platforms_.Materialize(passing.platform) != platforms_.Materialize(platforms_.default_platform())) {
    return Fail<Kind::kEarthPlatformContradiction>(range_, passing.platform.ToString(),
                                                   platforms_.default_platform().ToString());
  }

  local_ = false;
  caches_.clear();
  cmd_set_ = false;
  for (const auto& [name, value] : LocallyArgs(false)) {
    variables_->SetBuiltin(name, value);
  }
  passing.platform = platforms_.SetCurrent(passing.platform);
  for (const auto& [name, value] : TargetPlatformArgs(platforms_)) {
    variables_->SetBuiltin(name, value);
  }
  if (is_target) {
    NameRecorded(fmt::format("FROM {}", base), false);
    return FromTarget(base, passing, words[0].range);
  }
  if (!passing.args.empty()) {
    return BadArguments(command, fmt::format("--build-arg not supported in non-target FROM: `{}` is an image", base));
  }
  return FromImage(base, words[0].range);
}

Checked<> TargetEvaluation::FromTarget(std::string_view reference, const Passing& passing, SourceRange range) {
  const Resolved target = LOAM_TRY(Resolve(reference, range, passing.allow_privileged));
  Scope passed;
  TargetCall call = LOAM_TRY(MakeCall(target.reference, target.privileged, passing, Edge::kFrom, range, passed));
  const std::shared_ptr<TargetResult> result =
      LOAM_TRY(Call(call, passed, target.reference, passing.pass_args, Edge::kFrom));
  if (result->ran_interactive) {
    return Fail<Kind::kEarthMisplaced>(range, "FROM", "cannot FROM a target ending with an --interactive");
  }
  state_ = result->state;
  if (!result->images.empty()) {
    state_.image = result->images.back().image;
  }
  variables_->ResetEnvs(result->envs);
  ran_from_ = result->ran_from;
  ran_interactive_ = result->ran_interactive;
  platforms_.SetCurrent(result->platforms.current());
  for (const auto& [name, value] : TargetPlatformArgs(platforms_)) {
    variables_->SetBuiltin(name, value);
  }
  if (!target.reference.written.IsExternal()) {
    TakeGlobals(*result);
  }
  if (result->local) {
    // A target without an environment of its own.
    local_ = false;
  }
  return {};
}

Checked<TargetEvaluation::PulledImage> TargetEvaluation::PullImage(std::string_view image, const ir::Platform& platform,
                                                                   std::string_view verb, SourceRange range) {
  auto reference = ParseImageReference(image);
  if (!reference) {
    return Fail<Kind::kEarthImage>(range, image, reference.error().message());
  }
  const std::string name = reference->WithDefaultTag().ToString();
  ImageQuery query;
  query.ref = name;
  query.platform = platform;
  query.resolve_mode = in_.options().resolve_mode;
  const std::string log_name = fmt::format("[internal] load metadata for {}", name);
  query.log_name = log_name;
  auto metadata = in_.host().ResolveImage(query);
  if (!metadata) {
    Failure failure = Fail<Kind::kEarthImage>(range, image, metadata.error().message());
    if (!metadata.error().hint().empty()) {
      failure = std::move(failure).Hint(metadata.error().hint());
    }
    return std::move(failure).CausedBy(std::move(metadata).error());
  }
  reference = ParseImageReference(metadata->ref.empty() ? name : metadata->ref);
  if (!reference) {
    return Fail<Kind::kEarthImage>(range, image, reference.error().message());
  }
  if (!metadata->digest.empty()) {
    reference->digest = metadata->digest;
  }
  auto config = ParseImageConfig(metadata->config, graph());
  if (!config) {
    return Fail<Kind::kEarthImage>(range, image, config.error().message());
  }
  PulledImage pulled;
  pulled.config = std::move(*config);
  pulled.json = std::move(metadata->config);
  ir::SourceAttrs attrs;
  attrs.identifier = Intern(reference->ToString());
  const ir::KeyValue mode{"image.resolvemode", in_.options().resolve_mode};
  if (in_.options().resolve_mode != "default") {
    attrs.attrs = {&mode, 1};
  }
  pulled.fs = graph().Add<ir::OpKind::kSourceImage>({}, attrs, {.platform = &platform, .worker_constraints = {}});
  Name(pulled.fs, fmt::format("{} {}", verb, image));
  return pulled;
}

Checked<> TargetEvaluation::FromImage(std::string_view image, SourceRange range) {
  const ir::Platform platform = CurrentPlatform();
  state_.hosts.clear();
  state_.fs = {};
  state_.image = {};
  if (image == "scratch") {
    state_.image.platform = platform;
    state_.image.rootfs_type = "layers";
    variables_->ResetEnvs({});
    ran_from_ = true;
    return {};
  }
  PulledImage pulled = LOAM_TRY(PullImage(image, platform, "FROM", range));
  state_.fs = pulled.fs;
  state_.image = std::move(pulled.config);
  variables_->ResetEnvs(EnvsOf(state_.image));
  ran_from_ = true;
  return {};
}

Checked<> TargetEvaluation::Locally(const ast::earthfile::Command& command) {
  LOAM_TRY(CheckArguments(command, WordsOf(command.args)));
  if (!allow_privileged_) {
    return Fail<Kind::kEarthPermission>(range_, "allow locally directive from remote Earthfile")
        .Hint("did you reference a remote Earthfile without the --allow-privileged flag?");
  }
  LOAM_TRY(RejectAfterPush());
  if (in_.options().strict) {
    return Fail<Kind::kEarthStrict>(range_, "LOCALLY");
  }
  LOAM_TRY(FromImage("scratch", range_));
  local_ = true;
  caches_.clear();
  const std::string directory =
      file_->IsRemote() ? file_->remote->local_path + "/" + file_->place.directory : file_->place.directory;
  local_directory_ = in_.Absolute(directory.empty() ? "." : directory);
  state_.image.working_dir = Intern(local_directory_);
  for (const auto& [name, value] : LocallyArgs(true)) {
    variables_->SetBuiltin(name, value);
  }
  platforms_.SetCurrent(EarthPlatform::User());
  for (const auto& [name, value] : TargetPlatformArgs(platforms_)) {
    variables_->SetBuiltin(name, value);
  }
  return {};
}

}  // namespace loam::sema::earthfile
