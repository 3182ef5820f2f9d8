// From a reference to the manifest of one platform and the config.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "runtime-executor/source/image/image_provider.h"

namespace loam::source {
namespace {

using nlohmann::json;
namespace media_type = content::media_type;

constexpr int kDeepestIndex = 4;

class Reading {
 public:
  Reading(const ImageProvider& provider, content::ContentStore& store, const Platform& platform, std::stop_token stop)
      : provider_(provider), store_(store), platform_(platform), matcher_(platform), stop_(std::move(stop)) {}

  Result<ResolvedImage> Run() {
    ResolvedImage image;
    image.root = LOAM_TRY(provider_.Resolve(stop_));
    auto found = LOAM_TRY(Find(image.root, 0));
    if (!found) {
      return tl::unexpected(NoMatch());
    }
    image.manifest = std::move(*found);
    image.config = LOAM_TRY(ReadConfig(image.manifest));
    image.diff_ids = LOAM_TRY(DiffIds(image.config));
    if (image.diff_ids.size() != image.manifest.layers.size()) {
      return Broken(fmt::format("its config names {} layers, its manifest {}", image.diff_ids.size(),
                                image.manifest.layers.size()));
    }
    for (const content::Descriptor& layer : image.manifest.layers) {
      if (!media_type::IsLayer(layer.media_type)) {
        return Broken(fmt::format("it has a layer of the unknown type `{}`", layer.media_type));
      }
    }
    return image;
  }

 private:
  [[nodiscard]] tl::unexpected<Error> Broken(const std::string& what) const {
    return tl::unexpected(
        Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is not a usable image: {}", provider_.name(), what))
            .WithHint("it may be an artifact of another kind, or damaged"));
  }

  [[nodiscard]] Error NoMatch() const {
    std::vector<std::string> known(offered_.begin(), offered_.end());
    return Error(ErrorCode::kNotFound, fmt::format("`{}`: no match for platform {} in the image", provider_.name(),
                                                   FormatPlatformAll(platform_)))
        .WithHint(known.empty() ? "the index of the image is empty" : "it is made for " + Join(known, ", "));
  }

  Result<std::string> Read(const content::Descriptor& descriptor) {
    if (descriptor.size > registry::kMaxManifestSize) {
      return Broken(fmt::format("the size of {} ({}) is beyond all reason", descriptor.digest.ToString(),
                                HumanBytes(descriptor.size)));
    }
    LOAM_TRY(provider_.Fetch(descriptor, {}, stop_));
    return store_.ReadBlob(descriptor.digest, registry::kMaxManifestSize);
  }

  // The manifest for the platform; nullopt if there is none.
  Result<std::optional<content::Manifest>> Find(const content::Descriptor& descriptor, int depth) {
    const std::string text = LOAM_TRY(Read(descriptor));
    const std::string context = fmt::format("`{}`, manifest {}", provider_.name(), descriptor.digest.ToString());
    const std::string detected = LOAM_TRY_CONTEXT(context, content::DetectMediaType(text));
    if (media_type::IsIndex(detected) != media_type::IsIndex(descriptor.media_type)) {
      return Broken(
          fmt::format("{} is announced as `{}` but is not that", descriptor.digest.ToString(), descriptor.media_type));
    }
    if (!media_type::IsIndex(descriptor.media_type)) {
      return std::optional(LOAM_TRY_CONTEXT(context, content::ParseManifest(text)));
    }
    if (depth > kDeepestIndex) {
      return Broken("its indexes are nested too deeply");
    }
    const content::Index index = LOAM_TRY_CONTEXT(context, content::ParseIndex(text));
    std::vector<content::Descriptor> candidates;
    for (const content::Descriptor& child : index.manifests) {
      if (child.platform) {
        offered_.insert(FormatPlatformAll(*child.platform));
      }
      if (!child.platform || matcher_.Matches(*child.platform)) {
        candidates.push_back(child);
      }
    }
    // Those that say what they are come first, the best of them before the others.
    std::stable_sort(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) {
      if (!a.platform || !b.platform) {
        return a.platform.has_value() && !b.platform.has_value();
      }
      return matcher_.Less(*a.platform, *b.platform);
    });
    for (const content::Descriptor& candidate : candidates) {
      auto found = LOAM_TRY(Find(candidate, depth + 1));
      if (found &&
          (candidate.platform || media_type::IsIndex(candidate.media_type) || LOAM_TRY(ConfigMatches(*found)))) {
        return found;
      }
    }
    return std::nullopt;
  }

  Result<std::string> ReadConfig(const content::Manifest& manifest) {
    // Very old pushes gave the config no type of its own.
    if (!media_type::IsConfig(manifest.config.media_type) && manifest.config.media_type != "application/octet-stream") {
      return Broken(fmt::format("its config has the type `{}`", manifest.config.media_type));
    }
    return Read(manifest.config);
  }

  // For a manifest in an index that does not say for which platform it is.
  Result<bool> ConfigMatches(const content::Manifest& manifest) {
    if (!media_type::IsConfig(manifest.config.media_type)) {
      return false;
    }
    const json config = json::parse(LOAM_TRY(Read(manifest.config)), nullptr, false);
    if (!config.is_object()) {
      return false;
    }
    const auto platform = content::ParsePlatformJson(config);
    if (!platform) {
      return false;
    }
    offered_.insert(FormatPlatformAll(*platform));
    return matcher_.Matches(*platform);
  }

  Result<std::vector<Digest>> DiffIds(const std::string& text) {
    const json config = json::parse(text, nullptr, false);
    std::vector<Digest> digests;
    if (!config.is_object()) {
      return Broken("its config is not JSON");
    }
    const auto rootfs = config.find("rootfs");
    const auto list = rootfs != config.end() && rootfs->is_object() ? rootfs->find("diff_ids") : config.end();
    if (rootfs == config.end() || !rootfs->is_object() || list == rootfs->end() || !list->is_array()) {
      return digests;
    }
    for (const json& item : *list) {
      if (!item.is_string()) {
        return Broken("its config has a `diff_ids` that is not a list of digests");
      }
      digests.push_back(LOAM_TRY_CONTEXT("`" + provider_.name() + "`", Digest::Parse(item.get<std::string>())));
    }
    return digests;
  }

  const ImageProvider& provider_;
  content::ContentStore& store_;
  const Platform& platform_;
  const PlatformMatcher matcher_;
  const std::stop_token stop_;
  std::set<std::string> offered_;
};

}  // namespace

Result<ResolvedImage> ReadImage(const ImageProvider& provider, content::ContentStore& store, const Platform& platform,
                                std::stop_token stop) {
  return Reading(provider, store, platform, std::move(stop)).Run();
}

Digest ChainId(std::span<const Digest> diff_ids) {
  Digest chain;
  for (const Digest& diff_id : diff_ids) {
    chain = chain.empty() ? diff_id : Digest::Of(chain.ToString() + " " + diff_id.ToString());
  }
  return chain;
}

}  // namespace loam::source
