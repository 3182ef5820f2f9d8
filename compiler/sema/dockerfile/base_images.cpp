// What stages start from: scratch, other stages, images.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/image_reference.h"
#include "base/strings.h"
#include "base/task_pool.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/unset_hint.h"

namespace loam::sema {
namespace {

constexpr std::string_view kScratch = "scratch";
// Of more stages than this none is proposed for an image that there is not: each such image would look at all of them.
constexpr std::size_t kMostHintedStages = 500;

std::vector<std::string> CommonImages() {
  return {"alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora", "node", "python"};
}

// Whether the image is known to have no layers: nothing in its root filesystem, and no step that made a layer.
bool HasNoLayers(const ImageConfig& config) {
  if (config.diff_ids && !config.diff_ids->empty()) {
    return false;
  }
  for (const HistoryList* item = config.history; item != nullptr; item = item->older) {
    if (!item->entry.empty_layer) {
      return false;
    }
  }
  return true;
}

// The build platform that the image turned out to be of, if the platform was not asked for.
ir::Platform DetectPlatform(const ImageConfig& image, const ir::Platform& wanted, const ir::Platform& build) {
  const auto matches = [&](const ir::Platform& platform) {
    return platform.os == image.platform.os && platform.architecture == image.platform.architecture;
  };
  return matches(wanted) || !matches(build) ? wanted : build;
}

}  // namespace

bool Converter::ResolveStages() {
  for (;;) {
    const auto reachable = Reachable();
    if (!ResolveBases(reachable)) {
      return false;
    }
    bool new_dependencies = false;
    for (Stage* stage : reachable) {
      if (!AddTriggers(*stage, new_dependencies)) {
        return false;
      }
    }
    if (!new_dependencies) {
      return true;
    }
  }
}

bool Converter::ResolveBases(const std::vector<Stage*>& reachable) {
  const std::unordered_set<const Stage*> wanted(reachable.begin(), reachable.end());
  std::vector<std::pair<Stage*, bool>> pending;
  for (Stage* stage : stages_) {
    if (stage->base == nullptr && !stage->dispatched && !stage->resolved) {
      stage->resolved = input_.all_stages || wanted.contains(stage);
      pending.emplace_back(stage, stage->resolved);
    }
  }
  std::vector<Stage*> to_fetch;
  for (const auto& [stage, needed] : pending) {
    if (needed && stage->base_name != kScratch && stage->context_spec.empty()) {
      to_fetch.push_back(stage);
    }
  }
  PrefetchImages(to_fetch);
  bool ok = true;
  for (const auto& [stage, needed] : pending) {
    ok = ResolveBase(*stage, needed) && ok;
  }
  return ok;
}

void Converter::PrefetchImages(const std::vector<Stage*>& stages) {
  if (input_.host->AnswersAtOnce() || stages.size() < 2) {
    return;
  }
  for (const Stage* stage : stages) {
    const auto reference = ParseImageReference(stage->base_name);
    const ir::Platform platform = stage->platform.value_or(target_platform_);
    if (!reference || FindContext(reference->WithDefaultTag().ToString(), &platform)) {
      continue;
    }
    ImageQuery query;
    query.ref = Intern(reference->WithDefaultTag().ToString());
    query.platform = platform;
    query.resolve_mode = options().image_resolve_mode;
    query.log_name = Intern(fmt::format("[internal] load metadata for {}", query.ref));
    const bool known = std::any_of(prefetched_.begin(), prefetched_.end(), [&](const Prefetched& other) {
      return other.query.ref == query.ref && other.query.platform == query.platform;
    });
    if (!known) {
      prefetched_.push_back({query, Unexpected(ErrorCode::kInternal, "not asked yet")});
    }
  }
  ParallelFor(
      prefetched_.size(),
      [&](std::size_t i) { prefetched_[i].answer = input_.host->ResolveImage(prefetched_[i].query); },
      prefetched_.size());
}

Result<ImageMetadata> Converter::QueryImage(const ImageQuery& query) {
  for (const Prefetched& known : prefetched_) {
    if (known.query.ref == query.ref && known.query.platform == query.platform && !query.oci_store) {
      return known.answer;
    }
  }
  return input_.host->ResolveImage(query);
}

bool Converter::ResolveBase(Stage& stage, bool reachable) {
  if (stage.base_name == kScratch && stage.context_spec.empty()) {
    stage.state = State();
    stage.image = EmptyImageConfig(target_platform_);
    stage.platform = target_platform_;
    stage.dispatched = stage.unregistered;
    return true;
  }
  if (stage.unregistered) {
    stage.dispatched = true;
  }
  const std::string original = stage.base_name;
  const auto where = stage.base_text.present() ? stage.base_text.range : source::SourceRange();
  const auto reference = ParseImageReference(original);
  if (!reference) {
    auto report = emitter_.Emit<Kind::kBadImageName>(where, original, reference.error().message());
    if (const auto* other = FindStage(original); other != nullptr) {
      report.Hint(fmt::format("the stage is named `{}`", other->name));
    }
    if (std::string hint = UnsetVariableHint(stage.base_text.text, global_, escape(), DeclaredArguments());
        !hint.empty()) {
      report.Hint(std::move(hint));
    }
    return false;
  }
  const ir::Platform platform = stage.platform.value_or(target_platform_);
  stage.base_name = reference->WithDefaultTag().ToString();
  if (!reachable) {
    return true;
  }
  if (!stage.context_spec.empty()) {
    if (!LoadContext(stage.context_spec, stage.context_name, stage.platform ? &*stage.platform : nullptr, stage)) {
      return false;
    }
    stage.dispatched = true;
    stage.image.created = {};
    if (!stage.image.platform.architecture.empty() && !stage.image.platform.os.empty()) {
      stage.platform = stage.image.platform;
    }
    return true;
  }
  if (const auto context = FindContext(stage.base_name, &platform)) {
    if (!LoadContext(context->second, context->first, &platform, stage)) {
      return false;
    }
    if (stage.image.platform.os.empty()) {
      stage.image = EmptyImageConfig(platform);
    }
    stage.image.created = {};
    stage.state.platform = NormalizePlatform(platform, graph());
    stage.platform = platform;
    return true;
  }
  return ResolveImage(stage, platform, original);
}

bool Converter::ResolveImage(Stage& stage, const ir::Platform& wanted, std::string_view original) {
  const auto where = stage.base_text.present() ? stage.base_text.range : source::SourceRange();
  ImageQuery query;
  query.ref = stage.base_name;
  query.platform = wanted;
  query.resolve_mode = options().image_resolve_mode;
  const std::string log_name =
      fmt::format("[{}internal] load metadata for {}",
                  options().multi_platform ? FormatPlatformFull(wanted) + " " : std::string(), stage.base_name);
  query.log_name = log_name;
  auto metadata = QueryImage(query);
  if (!metadata) {
    auto report = emitter_.Emit<Kind::kImageUnresolved>(where, original, metadata.error().message());
    std::vector<std::string> names;
    if (stages_.size() <= kMostHintedStages) {
      names = StageNames();
    }
    for (std::string& image : CommonImages()) {
      names.push_back(std::move(image));
    }
    if (const auto near = NearestWord(original, names); near && *near != original) {
      report.Hint(fmt::format("did you mean `{}`?", *near));
    }
    if (std::string hint = UnsetVariableHint(stage.base_text.text, global_, escape(), DeclaredArguments());
        !hint.empty()) {
      report.Hint(std::move(hint));
    }
    if (!metadata.error().hint().empty()) {
      report.Hint(metadata.error().hint());
    }
    return false;
  }
  auto reference = ParseImageReference(metadata->ref.empty() ? stage.base_name : metadata->ref);
  auto config = ParseImageConfig(metadata->config, graph());
  if (!reference || !config) {
    emitter_.Emit<Kind::kBadImageConfig>(where, original,
                                         reference ? config.error().message() : reference.error().message());
    return false;
  }
  stage.base_config = std::move(metadata->config);
  stage.image = std::move(*config);
  stage.image.created = {};
  ir::Platform platform = wanted;
  if (!stage.platform && implicit_platform_) {
    platform = DetectPlatform(stage.image, wanted, build_platform_);
  }
  if (!metadata->digest.empty()) {
    reference->digest = metadata->digest;
  }
  stage.base_name = reference->ToString();
  stage.platform = platform;
  stage.state = State();
  if (HasNoLayers(stage.image)) {
    return true;
  }
  ir::SourceAttrs attrs;
  attrs.identifier = stage.base_name;
  const ir::KeyValue mode{"image.resolvemode", options().image_resolve_mode};
  if (options().image_resolve_mode != "default") {
    attrs.attrs = {&mode, 1};
  }
  const ir::Value image =
      graph().Add<ir::OpKind::kSourceImage>({}, attrs, {.platform = &platform, .worker_constraints = {}});
  stage.state.platform = NormalizePlatform(platform, graph());
  if (observer() != nullptr) {
    observer()->OnBaseImage(stage.lines, original, platform, stage.image.platform);
  }
  const std::string name = VertexName(stage, "FROM " + stage.base_name, &platform, nullptr);
  const std::string_view command = stage.from != nullptr ? stage.from->code() : std::string_view();
  stage.state.fs = AddStep(image, Named(name, &command, stage.lines));
  return true;
}

void Converter::InheritFromBase(Stage& stage) {
  if (stage.base == nullptr) {
    return;
  }
  Stage& base = *stage.base;
  stage.platform = base.platform;
  stage.paths = base.paths;
  // Where stages are scanned on their own, what they say is still needed at the end.
  if (--base.heirs == 0 && &base != target_ && input_.scans == nullptr) {
    // Files can still be copied from the base, so its filesystem and directory stay.
    const State kept{base.state.fs, {}, base.state.dir, {}, {}, {}, base.state.platform};
    stage.state = std::exchange(base.state, kept);
    stage.image = std::exchange(base.image, {});
    stage.env_index = std::exchange(base.env_index, {});
    stage.base_config = std::exchange(base.base_config, {});
    stage.build_args = std::exchange(base.build_args, {});
  } else {
    stage.state = base.state;
    stage.image = base.image;
    stage.base_config = base.base_config;
    stage.build_args = base.build_args;
  }
  stage.image.on_build.clear();
}

}  // namespace loam::sema
