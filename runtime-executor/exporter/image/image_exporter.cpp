#include "runtime-executor/exporter/image/image_exporter.h"

#include <mutex>

#include <fmt/format.h>

#include "base/image_reference.h"
#include "base/strings.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/exporter/image_writer.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/source/image_store.h"

namespace loam::exporter {
namespace {

struct Flags {
  bool push = false;
  bool push_by_digest = false;
  bool insecure = false;
  bool store = true;
  bool unpack = false;
  bool name_canonical = false;
  bool dangling_empty_only = false;
  std::string dangling_prefix;
};

Result<Flags> TakeFlags(Attributes& attributes) {
  Flags flags;
  const std::pair<const char*, bool*> known[] = {
      {"push", &flags.push},
      {"push-by-digest", &flags.push_by_digest},
      {"registry.insecure", &flags.insecure},
      {"store", &flags.store},
      {"unpack", &flags.unpack},
      {"name-canonical", &flags.name_canonical},
      {"danging-name-empty-only", &flags.dangling_empty_only},  // spelled so by BuildKit
  };
  for (const auto& [key, flag] : known) {
    const auto found = attributes.find(key);
    if (found != attributes.end()) {
      *flag = LOAM_TRY(ParseFlag(key, found->second));
      attributes.erase(found);
    }
  }
  const auto prefix = attributes.find("dangling-name-prefix");
  if (prefix != attributes.end()) {
    flags.dangling_prefix = prefix->second;
    attributes.erase(prefix);
  }
  return flags;
}

class ImageExporter final : public Exporter {
 public:
  ImageExporter(ImageAttributes attributes, Flags flags, std::map<std::string, std::string> metadata,
                ExporterServices services)
      : attributes_(std::move(attributes)),
        flags_(std::move(flags)),
        metadata_(std::move(metadata)),
        services_(std::move(services)) {}

  [[nodiscard]] std::string Name() const override { return "exporting to image"; }

  Result<Response> Export(const ExportInput& original, ExportProgress& progress, std::stop_token stop) override {
    ExportInput input = original;
    for (const auto& [key, value] : metadata_) {
      input.metadata[key] = value;
    }
    const CommittedImage image = LOAM_TRY(CommitImage(input, attributes_, services_, progress, stop));
    Response response = ImageResponse(image);
    bool canonical = flags_.name_canonical;
    const std::string names = Names(input, image, canonical);
    if (names.empty()) {
      return response;
    }
    response[std::string(kResponseImageName)] = names;
    for (const std::string_view name : Split(names, ',')) {
      const ImageReference reference =
          LOAM_TRY_CONTEXT(fmt::format("image name `{}`", name), ParseImageReference(TrimSpace(name)));
      if (flags_.store && services_.images != nullptr && !flags_.push_by_digest) {
        LOAM_TRY(Store(reference, image, canonical, progress));
      }
    }
    if (flags_.push) {
      for (const std::string_view name : Split(names, ',')) {
        LOAM_TRY_CONTEXT(fmt::format("failed to push {}", name),
                         Push(std::string(TrimSpace(name)), image, progress, stop));
      }
    }
    return response;
  }

 private:
  std::string Names(const ExportInput& input, const CommittedImage& image, bool& canonical) const {
    std::string names = ImageNameOf(attributes_, input);
    if (!flags_.dangling_prefix.empty() && (!flags_.dangling_empty_only || names.empty())) {
      const std::string dangling = flags_.dangling_prefix + "@" + image.root.digest.ToString();
      if (names.empty()) {
        canonical = false;
        return dangling;
      }
      names += "," + dangling;
    }
    return names;
  }

  Result<> Store(const ImageReference& reference, const CommittedImage& image, bool canonical,
                 ExportProgress& progress) {
    std::vector<std::string> names = {reference.WithDefaultTag().ToString()};
    if (canonical && reference.digest.empty()) {
      ImageReference by_digest = reference;
      by_digest.tag.clear();
      by_digest.digest = image.root.digest.ToString();
      names.push_back(by_digest.ToString());
    }
    for (const std::string& name : names) {
      const std::string step = "naming to " + name;
      progress.Started(step);
      LOAM_TRY_CONTEXT(step, services_.images->Put(name, image.root));
      progress.Finished(step);
    }
    return {};
  }

  Result<> Push(const std::string& name, const CommittedImage& image, ExportProgress& progress, std::stop_token stop) {
    ImageReference reference = LOAM_TRY(ParseImageReference(name));
    if (flags_.push_by_digest) {
      if (!reference.tag.empty()) {
        return Unexpected(ErrorCode::kInvalidArgument, "can't push tagged ref by digest");
      }
    } else {
      reference = reference.WithDefaultTag();
    }
    const std::string step = "pushing layers";
    progress.Started(step);
    std::mutex mutex;  // guards sent
    std::map<Digest, std::uint64_t> sent;
    std::uint64_t total = 0;
    for (const content::Descriptor& blob : image.AllBlobs()) {
      total += blob.size;
    }
    registry::PushOptions options;
    options.by_digest = flags_.push_by_digest;
    options.progress = [&](const content::Descriptor& blob, std::uint64_t current, std::uint64_t) {
      const std::lock_guard lock(mutex);
      sent[blob.digest] = current;
      std::uint64_t sum = 0;
      for (const auto& [_, bytes] : sent) {
        sum += bytes;
      }
      progress.Progressed(step, sum, total);
    };
    const registry::Access access{services_.registry_auth, flags_.insecure};
    LOAM_TRY(services_.registry->Push(reference, image.root, *services_.content, access, options, std::move(stop)));
    if (services_.images != nullptr) {
      LOAM_TRY(services_.images->RememberOrigin(reference.Name(), image.root.digest));
    }
    progress.Finished(step);
    // What the tag points to now: clients look for this line.
    const std::string manifest = fmt::format("pushing manifest for {}@{}", name, image.root.digest.ToString());
    progress.Started(manifest);
    progress.Finished(manifest);
    return {};
  }

  const ImageAttributes attributes_;
  const Flags flags_;
  const std::map<std::string, std::string> metadata_;
  const ExporterServices services_;
};

}  // namespace

Result<std::unique_ptr<Exporter>> MakeImageExporter(Attributes attributes, const ExporterServices& services) {
  ImageAttributes image = LOAM_TRY(TakeImageAttributes(attributes));
  image.attestation_inline = image.attestation_inline.value_or(true);
  Flags flags = LOAM_TRY(TakeFlags(attributes));
  if (image.name != "*") {
    const std::vector<std::string> names = LOAM_TRY(NormalizedNames(image.name));
    if (flags.push && names.empty() && flags.dangling_prefix.empty()) {
      return Unexpected(
          Error(ErrorCode::kInvalidArgument, "a push needs an image name").WithHint("give one with --tag"));
    }
  }
  if (flags.push && services.registry == nullptr) {
    return Unexpected(ErrorCode::kFailedPrecondition, "this engine cannot push images");
  }
  if (flags.unpack && image.rewrite_timestamp) {
    return Unexpected(ErrorCode::kInvalidArgument, "exporter option `rewrite-timestamp` conflicts with `unpack`");
  }
  return std::unique_ptr<Exporter>(
      std::make_unique<ImageExporter>(std::move(image), std::move(flags), std::move(attributes), services));
}

}  // namespace loam::exporter
