#include "runtime-executor/source/image/image_source.h"

#include <charconv>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "base/go_json.h"
#include "base/image_reference.h"
#include "base/strings.h"
#include "base/task_pool.h"
#include "runtime-executor/content/compression.h"
#include "runtime-executor/solver/progress.h"
#include "runtime-executor/source/image/image_provider.h"

namespace loam::source {
namespace {

// Attributes of LLB's image sources.
constexpr std::string_view kResolveMode = "image.resolvemode";
constexpr std::string_view kLayerLimit = "image.layerlimit";
constexpr std::string_view kChecksum = "image.checksum";
constexpr std::string_view kOciStore = "oci.store";
constexpr std::string_view kOciLayerLimit = "oci.layerlimit";

// An open blob and the decompressor that reads it.
class OwnedLayer final : public content::ByteSource {
 public:
  static Result<std::unique_ptr<content::ByteSource>> Open(const content::ContentStore& store,
                                                           const content::Descriptor& descriptor) {
    auto layer = std::make_unique<OwnedLayer>(LOAM_TRY(store.OpenBlob(descriptor)));
    layer->reader_ = LOAM_TRY(content::LayerReader::Open(layer->blob_));
    return layer;
  }
  explicit OwnedLayer(content::Blob blob) : blob_(std::move(blob)) {}
  Result<std::size_t> Read(std::span<char> buffer) override { return reader_->Read(buffer); }

 private:
  content::Blob blob_;
  std::unique_ptr<content::LayerReader> reader_;  // reads blob_
};

Result<std::unique_ptr<content::ByteSource>> OpenLayer(const ImageProvider& provider, content::ContentStore& store,
                                                       const content::Descriptor& blob,
                                                       const registry::TransferProgress& progress,
                                                       std::stop_token stop) {
  LOAM_TRY_CONTEXT(fmt::format("layer {} of `{}`", blob.digest.ToString(), provider.name()),
                   provider.Fetch(blob, progress, std::move(stop)));
  return OwnedLayer::Open(store, blob);
}

// The key that upstream computes from what the image is pinned to: a digest of Go's JSON of these members.
std::string ManifestKey(const Digest& root, const Platform& platform, std::optional<std::size_t> limit) {
  std::string text = fmt::format(R"({{"Digest":{},"OS":{},"Arch":{})", GoJsonString(root.ToString()),
                                 GoJsonString(platform.os), GoJsonString(platform.architecture));
  if (!platform.variant.empty()) {
    text += R"(,"Variant":)" + GoJsonString(platform.variant);
  }
  if (!platform.os_version.empty()) {
    text += R"(,"OSVersion":)" + GoJsonString(platform.os_version);
  }
  if (!platform.os_features.empty()) {
    std::vector<std::string> features;
    for (const std::string& feature : platform.os_features) {
      features.push_back(GoJsonString(feature));
    }
    text += R"(,"OSFeatures":[)" + Join(features, ",") + "]";
  }
  if (limit) {
    text += fmt::format(R"(,"Limit":{})", *limit);
  }
  return Digest::Of(text + "}").ToString();
}

struct ImageIdentity {
  std::string identifier;  // as in LLB
  ImageReference reference;
  Platform platform;
  ResolveMode mode = ResolveMode::kDefault;
  std::optional<std::size_t> layer_limit;
  Digest checksum;
  bool oci_layout = false;
  std::string oci_store;
};

// One status line of the vertex, from its construction to its end.
class Status {
 public:
  Status(SourceContext& context, std::string id) : writer_(context.progress) {
    event_.id = std::move(id);
    event_.started = SystemClock().Now();
    Write();
  }
  ~Status() {
    event_.completed = SystemClock().Now();
    Write();
  }
  Status(const Status&) = delete;

 private:
  void Write() {
    if (writer_ != nullptr) {
      writer_->Status(event_);
    }
  }
  solver::ProgressWriter* writer_;
  solver::StatusEvent event_;
};

class ImageInstance final : public SourceInstance {
 public:
  ImageInstance(const ImageSourceOptions& options, ImageIdentity identity)
      : options_(options), identity_(std::move(identity)) {}

  Result<SourceKey> Resolve(SourceContext& context) override {
    LOAM_TRY(EnsureResolved(context));
    SourceKey key;
    key.pin = image_->root.digest.ToString();
    key.keys.push_back(ManifestKey(image_->root.digest, identity_.platform, identity_.layer_limit));
    if (const Digest chain = ChainId(image_->diff_ids); !chain.empty()) {
      key.keys.push_back(chain.ToString());
    }
    key.preimage.fields = {{"op", "source"},
                           {"source", identity_.identifier},
                           {"source.digest", key.pin},
                           {"platform", FormatPlatformAll(identity_.platform)}};
    if (identity_.layer_limit) {
      key.preimage.fields.push_back({fmt::format("attr:{}", kLayerLimit), std::to_string(*identity_.layer_limit)});
    }
    return key;
  }

  Result<snapshot::FsRef> Fetch(SourceContext& context) override {
    LOAM_TRY(EnsureResolved(context));
    const std::string origin = provider_->Origin(image_->root.digest);
    if (origin.empty()) {
      LOAM_TRY(FetchNow(context));
    }
    std::vector<snapshot::LayerRef> layers;
    for (std::size_t i = 0; i < image_->diff_ids.size(); ++i) {
      snapshot::ImageLayer layer;
      layer.diff_id = image_->diff_ids[i];
      layer.blob = image_->manifest.layers[i];
      layer.origin = origin;
      layer.description = "pulled from " + identity_.reference.ToString();
      layer.open = [provider = provider_, store = options_.content, blob = layer.blob](
                       const snapshot::LayerProgress& progress, std::stop_token stop) {
        return OpenLayer(*provider, *store, blob, progress, std::move(stop));
      };
      layers.push_back(LOAM_TRY(options_.layers->AddImageLayer(std::move(layer))));
    }
    return snapshot::FsRef(std::move(layers));
  }

 private:
  Result<> EnsureResolved(SourceContext& context) {
    if (image_) {
      return {};
    }
    const Status status(context, "resolve " + identity_.reference.ToString());
    auto provider = LOAM_TRY(
        identity_.oci_layout
            ? MakeLayoutProvider(options_, identity_.reference, identity_.oci_store, context.client->oci_layouts())
            : ChooseProvider(options_, identity_.reference, identity_.mode, context.client->registry_auth()));
    ResolvedImage image = LOAM_TRY(ReadImage(*provider, *options_.content, identity_.platform, context.stop));
    if (!identity_.checksum.empty() && image.root.digest != identity_.checksum) {
      return Unexpected(ErrorCode::kFailedPrecondition,
                        fmt::format("image digest {} for {} does not match expected checksum {}",
                                    image.root.digest.ToString(), provider->name(), identity_.checksum.ToString()));
    }
    if (identity_.layer_limit) {
      if (*identity_.layer_limit > image.diff_ids.size()) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("the layer limit {} is greater than the {} layers of `{}`",
                                      *identity_.layer_limit, image.diff_ids.size(), provider->name()));
      }
      image.diff_ids.resize(*identity_.layer_limit);
      image.manifest.layers.resize(*identity_.layer_limit);
    }
    provider_ = std::move(provider);
    image_ = std::move(image);
    return {};
  }

  // Brings all layers into the content store, for a provider that will not be there later.
  Result<> FetchNow(SourceContext& context) {
    std::mutex mutex;
    std::optional<Error> failure;
    ParallelFor(image_->manifest.layers.size(), [&](std::size_t i) {
      if (auto fetched = provider_->Fetch(image_->manifest.layers[i], {}, context.stop); !fetched) {
        const std::scoped_lock lock(mutex);
        failure = std::move(fetched).error();
      }
    });
    return failure ? tl::unexpected(std::move(*failure)) : Result<>();
  }

  const ImageSourceOptions& options_;
  const ImageIdentity identity_;
  ImageProviderPtr provider_;
  std::optional<ResolvedImage> image_;
};

Result<std::size_t> ParseLayerLimit(const std::string& text) {
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc() || end != text.data() + text.size() || limit == 0) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid layer limit `{}`", text));
  }
  return limit;
}

class ImageSource final : public Source {
 public:
  ImageSource(ImageSourceOptions options, bool oci_layout) : options_(std::move(options)), oci_layout_(oci_layout) {}

  [[nodiscard]] std::vector<std::string> Schemes() const override {
    return {oci_layout_ ? "oci-layout" : "docker-image"};
  }

  Result<std::unique_ptr<SourceInstance>> Open(const SourceRequest& request, std::string_view reference) override {
    ImageIdentity identity;
    identity.identifier = request.identifier;
    identity.reference = LOAM_TRY(ParseImageReference(reference)).WithDefaultTag();
    identity.platform = request.platform.value_or(HostPlatform());
    identity.oci_layout = oci_layout_;
    for (const auto& [key, value] : request.attributes) {
      if (!oci_layout_ && key == kResolveMode) {
        identity.mode = LOAM_TRY(ParseResolveMode(value));
      } else if (key == (oci_layout_ ? kOciLayerLimit : kLayerLimit)) {
        identity.layer_limit = LOAM_TRY(ParseLayerLimit(value));
      } else if (!oci_layout_ && key == kChecksum) {
        identity.checksum = LOAM_TRY_CONTEXT("image checksum", Digest::Parse(value));
      } else if (oci_layout_ && key == kOciStore) {
        identity.oci_store = value;
      }
    }
    return std::make_unique<ImageInstance>(options_, std::move(identity));
  }

 private:
  const ImageSourceOptions options_;
  const bool oci_layout_;
};

}  // namespace

Result<ResolveMode> ParseResolveMode(std::string_view text) {
  if (text.empty() || text == "default") {
    return ResolveMode::kDefault;
  }
  if (text == "pull") {
    return ResolveMode::kForcePull;
  }
  if (text == "local") {
    return ResolveMode::kPreferLocal;
  }
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("unknown resolve mode `{}`", text));
}

struct ImageConfigs::State {
  // One question and its answer; whoever asks first finds it out, the others wait.
  struct Entry {
    std::mutex mutex;
    std::optional<ResolvedImageConfig> answer;
  };
  ImageSourceOptions options;
  std::shared_ptr<session::ClientServices> client;
  std::mutex mutex;  // guards entries
  std::map<std::string, std::shared_ptr<Entry>> entries;
};

ImageConfigs::ImageConfigs(ImageSourceOptions options, std::shared_ptr<session::ClientServices> client)
    : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  state_->client = std::move(client);
}
ImageConfigs::~ImageConfigs() = default;

Result<ResolvedImageConfig> ImageConfigs::Resolve(const ImageConfigRequest& request, std::stop_token stop) {
  const ImageReference reference = LOAM_TRY(ParseImageReference(request.reference)).WithDefaultTag();
  const Platform platform = request.platform.value_or(HostPlatform());
  const std::string key =
      fmt::format("{}\n{}\n{}\n{}", reference.ToString(), FormatPlatformAll(NormalizePlatform(platform)),
                  static_cast<int>(request.mode), request.oci_store_id);
  std::shared_ptr<State::Entry> entry;
  {
    const std::scoped_lock lock(state_->mutex);
    auto& slot = state_->entries[key];
    if (slot == nullptr) {
      slot = std::make_shared<State::Entry>();
    }
    entry = slot;
  }
  const std::scoped_lock lock(entry->mutex);
  if (!entry->answer) {
    const auto provider = LOAM_TRY(
        request.oci_store_id.empty()
            ? ChooseProvider(state_->options, reference, request.mode, state_->client->registry_auth())
            : MakeLayoutProvider(state_->options, reference, request.oci_store_id, state_->client->oci_layouts()));
    ResolvedImage image = LOAM_TRY(ReadImage(*provider, *state_->options.content, platform, std::move(stop)));
    entry->answer = ResolvedImageConfig{reference.ToString(), image.root.digest, std::move(image.config)};
  }
  return *entry->answer;
}

std::unique_ptr<Source> MakeImageSource(ImageSourceOptions options) {
  return std::make_unique<ImageSource>(std::move(options), false);
}

std::unique_ptr<Source> MakeOciLayoutSource(ImageSourceOptions options) {
  return std::make_unique<ImageSource>(std::move(options), true);
}

snapshot::LazyOpener MakeLazyLayerOpener(ImageSourceOptions options) {
  return [options = std::move(options)](const Digest&, const content::Descriptor& blob, const std::string& origin,
                                        const snapshot::LayerProgress& progress,
                                        std::stop_token stop) -> Result<std::unique_ptr<content::ByteSource>> {
    // What came from a layout was copied, so it is there.
    if (options.content->Contains(blob)) {
      return OwnedLayer::Open(*options.content, blob);
    }
    const ImageProviderPtr provider = LOAM_TRY(MakeProviderFromOrigin(options, origin));
    return OpenLayer(*provider, *options.content, blob, progress, std::move(stop));
  };
}

Result<> FetchLayerBlob(const ImageSourceOptions& options, const content::Descriptor& blob, const std::string& origin,
                        const registry::TransferProgress& progress, std::stop_token stop) {
  if (options.content->Contains(blob)) {
    return {};
  }
  const ImageProviderPtr provider = LOAM_TRY(MakeProviderFromOrigin(options, origin));
  return provider->Fetch(blob, progress, std::move(stop));
}

}  // namespace loam::source
