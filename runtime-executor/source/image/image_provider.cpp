#include "runtime-executor/source/image/image_provider.h"

#include <fcntl.h>

#include <fmt/format.h>

#include "base/strings.h"
#include "runtime-executor/source/blob/blob_locator.h"

namespace loam::source {
namespace {

constexpr std::string_view kRegistryOrigin = "docker-image://";
// A registry whose certificate is not checked, or without TLS.
constexpr std::string_view kInsecureOrigin = "docker-image+insecure://";
constexpr std::string_view kStoreOrigin = "image-store://";

// A descriptor of a manifest in the content store, of which only the digest is known.
Result<content::Descriptor> DescribeStored(const content::ContentStore& store, const Digest& digest) {
  const std::string text = LOAM_TRY(store.ReadBlob(digest, registry::kMaxManifestSize));
  content::Descriptor descriptor;
  descriptor.media_type = LOAM_TRY(content::DetectMediaType(text));
  descriptor.digest = digest;
  descriptor.size = text.size();
  return descriptor;
}

class RegistryProvider final : public ImageProvider {
 public:
  RegistryProvider(const ImageSourceOptions& options, ImageReference reference,
                   std::shared_ptr<session::RegistryAuth> auth, bool insecure = false)
      : content_(*options.content),
        registry_(*options.registry),
        images_(options.images),
        reference_(std::move(reference)),
        access_{std::move(auth), insecure},
        name_(reference_.Familiar()) {}

  Result<content::Descriptor> Resolve(std::stop_token stop) const override {
    if (!reference_.digest.empty()) {
      const Digest digest = LOAM_TRY_CONTEXT("`" + name_ + "`", Digest::Parse(reference_.digest));
      // The repository cannot have changed it, once it was seen there.
      if (images_ != nullptr && content_.Contains(digest) && LOAM_TRY(images_->HasOrigin(reference_.Name(), digest))) {
        if (auto known = DescribeStored(content_, digest)) {
          return known;
        }
      }
    }
    content::Descriptor resolved = LOAM_TRY(registry_.Resolve(reference_, access_, std::move(stop)));
    if (images_ != nullptr) {
      LOAM_TRY(images_->RememberOrigin(reference_.Name(), resolved.digest));
    }
    return resolved;
  }

  Result<> Fetch(const content::Descriptor& blob, const registry::TransferProgress& progress,
                 std::stop_token stop) const override {
    if (content_.Contains(blob)) {
      return {};
    }
    if (content::media_type::IsIndex(blob.media_type) || content::media_type::IsManifest(blob.media_type)) {
      const std::string text = LOAM_TRY(registry_.FetchManifest(reference_, blob, access_, std::move(stop)));
      LOAM_TRY(content_.WriteBlob(text));
      return {};
    }
    return registry_.FetchBlob(reference_, blob, content_, access_, progress, std::move(stop));
  }

  Result<std::vector<content::Descriptor>> Referrers(const Digest& digest, std::stop_token stop) const override {
    return registry_.Referrers(reference_, digest, access_, std::move(stop));
  }

  [[nodiscard]] std::string Origin(const Digest& root) const override {
    ImageReference pinned = reference_;
    pinned.digest = root.ToString();
    return std::string(access_.insecure ? kInsecureOrigin : kRegistryOrigin) + pinned.ToString();
  }
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  content::ContentStore& content_;
  registry::RegistryClient& registry_;
  ImageStore* const images_;
  const ImageReference reference_;
  const registry::Access access_;
  const std::string name_;
};

// An image of the local store: everything is there already.
class StoreProvider final : public ImageProvider {
 public:
  StoreProvider(const ImageSourceOptions& options, std::string full_name, std::string familiar,
                content::Descriptor target)
      : content_(*options.content),
        full_name_(std::move(full_name)),
        name_(std::move(familiar)),
        target_(std::move(target)) {}

  Result<content::Descriptor> Resolve(std::stop_token) const override { return target_; }
  Result<> Fetch(const content::Descriptor& blob, const registry::TransferProgress&, std::stop_token) const override {
    if (content_.Contains(blob)) {
      return {};
    }
    return tl::unexpected(
        Error(ErrorCode::kNotFound,
              fmt::format("the local image `{}` lacks the blob {}", name_, blob.digest.ToString()))
            .WithHint(fmt::format("it was removed or never complete: import it again, or remove it with "
                                  "`loam image rm {}` and build with --no-cache",
                                  name_)));
  }
  [[nodiscard]] std::string Origin(const Digest& root) const override {
    return std::string(kStoreOrigin) + full_name_ + "@" + root.ToString();
  }
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  content::ContentStore& content_;
  const std::string full_name_;
  const std::string name_;
  const content::Descriptor target_;
};

class LayoutProvider final : public ImageProvider {
 public:
  LayoutProvider(const ImageSourceOptions& options, Digest digest, std::string name, std::string store_id,
                 std::shared_ptr<session::OciLayouts> layouts)
      : content_(*options.content),
        digest_(digest),
        name_(std::move(name)),
        store_id_(std::move(store_id)),
        layouts_(std::move(layouts)) {}

  Result<content::Descriptor> Resolve(std::stop_token stop) const override {
    content::Descriptor descriptor;
    descriptor.digest = digest_;
    LOAM_TRY(Copy(descriptor, registry::kMaxManifestSize, {}, std::move(stop)));
    return LOAM_TRY_CONTEXT("`" + name_ + "`", DescribeStored(content_, digest_));
  }
  Result<> Fetch(const content::Descriptor& blob, const registry::TransferProgress& progress,
                 std::stop_token stop) const override {
    return content_.Contains(blob) ? Result<>() : Copy(blob, blob.size, progress, std::move(stop));
  }
  [[nodiscard]] std::string Origin(const Digest&) const override { return {}; }
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  Result<> Copy(const content::Descriptor& blob, std::uint64_t limit, const registry::TransferProgress& progress,
                std::stop_token stop) const {
    return CopyLayoutBlob(*layouts_, store_id_, name_, blob, limit, content_, progress, std::move(stop));
  }

  content::ContentStore& content_;
  const Digest digest_;
  const std::string name_;
  const std::string store_id_;
  const std::shared_ptr<session::OciLayouts> layouts_;
};

}  // namespace

Result<ImageProviderPtr> ChooseProvider(const ImageSourceOptions& options, const ImageReference& reference,
                                        ResolveMode mode, std::shared_ptr<session::RegistryAuth> auth) {
  if (mode != ResolveMode::kForcePull && options.images != nullptr) {
    if (auto stored = LOAM_TRY(options.images->Find(reference.ToString()))) {
      return std::make_shared<StoreProvider>(options, stored->name, reference.Familiar(), stored->target);
    }
  }
  return std::make_shared<RegistryProvider>(options, reference, std::move(auth));
}

Result<ImageProviderPtr> MakeLayoutProvider(const ImageSourceOptions& options, const ImageReference& reference,
                                            std::string store_id, std::shared_ptr<session::OciLayouts> layouts) {
  if (reference.digest.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("the reference `{}` of an OCI layout must have a digest", reference.ToString()));
  }
  const Digest digest = LOAM_TRY(Digest::Parse(reference.digest));
  return std::make_shared<LayoutProvider>(options, digest, reference.Familiar(),
                                          store_id.empty() ? reference.Name() : std::move(store_id),
                                          std::move(layouts));
}

Result<ImageProviderPtr> MakeProviderFromOrigin(const ImageSourceOptions& options, const std::string& origin) {
  if (origin.starts_with(kRegistryOrigin)) {
    return std::make_shared<RegistryProvider>(
        options, LOAM_TRY(ParseImageReference(std::string_view(origin).substr(kRegistryOrigin.size()))),
        options.default_auth);
  }
  if (origin.starts_with(kInsecureOrigin)) {
    return std::make_shared<RegistryProvider>(
        options, LOAM_TRY(ParseImageReference(std::string_view(origin).substr(kInsecureOrigin.size()))),
        options.default_auth, true);
  }
  if (origin.starts_with(kStoreOrigin)) {
    const ImageReference reference =
        LOAM_TRY(ParseImageReference(std::string_view(origin).substr(kStoreOrigin.size())));
    ImageReference tagged = reference;
    tagged.digest.clear();
    content::Descriptor target;
    target.digest = LOAM_TRY(Digest::Parse(reference.digest));
    return std::make_shared<StoreProvider>(options, tagged.ToString(), tagged.Familiar(), std::move(target));
  }
  return Unexpected(ErrorCode::kNotFound,
                    fmt::format("the layer came from `{}`, from where it cannot be fetched again", origin));
}

}  // namespace loam::source
