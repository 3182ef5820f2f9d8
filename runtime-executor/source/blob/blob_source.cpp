#include "runtime-executor/source/blob/blob_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/go_json.h"
#include "runtime-executor/source/blob/blob_locator.h"
#include "runtime-executor/source/file_attributes.h"
#include "runtime-executor/source/http/http_names.h"

namespace loam::source {
namespace {

constexpr std::uint32_t kDefaultMode = 0600;

class BlobInstance final : public SourceInstance {
 public:
  BlobInstance(const BlobSourceOptions& options, std::string identifier, BlobLocator locator, FileAttributes file)
      : options_(options), identifier_(std::move(identifier)), locator_(std::move(locator)), file_(std::move(file)) {}

  Result<SourceKey> Resolve(SourceContext&) override {
    // As upstream hashes it, so that caches are shared.
    const std::string text = GoJsonObject()
                                 .Always("Digest", GoJsonString(locator_.digest.ToString()))
                                 .Always("Filename", GoJsonString(file_.name))
                                 .Always("Perm", std::to_string(file_.mode))
                                 .Always("UID", std::to_string(file_.uid))
                                 .Always("GID", std::to_string(file_.gid))
                                 .Text();
    SourceKey key;
    key.keys = {Digest::Of(text).ToString()};
    key.pin = locator_.digest.ToString();
    key.preimage.fields = {{"op", "source"},
                           {"source", identifier_},
                           {"source.digest", key.pin},
                           {"attr:http.filename", file_.name},
                           {"attr:http.perm", fmt::format("{:o}", file_.mode)},
                           {"attr:http.uid", std::to_string(file_.uid)},
                           {"attr:http.gid", std::to_string(file_.gid)}};
    return key;
  }

  Result<snapshot::FsRef> Fetch(SourceContext& context) override {
    const TempDir scratch = LOAM_TRY(TempDir::Create(options_.tmp_dir, "blob-"));
    const auto store = LOAM_TRY(content::ContentStore::Open(scratch.Child("content")));
    LOAM_TRY(FetchBlob(*options_.registry, locator_, context, *store));
    const std::string root = scratch.Child("root");
    LOAM_TRY(MakeDirs(root, 0755));
    const std::string path = fmt::format("{}/{}", root, file_.name.empty() ? locator_.digest.Hex() : file_.name);
    if (::rename(store->PathOf(locator_.digest).c_str(), path.c_str()) != 0) {
      return UnexpectedErrno("name a blob " + path);
    }
    LOAM_TRY(file_.Apply(LOAM_TRY(OpenFile(path, O_RDONLY)).get(), kDefaultMode, 0));
    snapshot::FsRef fs(std::vector<snapshot::LayerRef>{LOAM_TRY(options_.layers->Adopt(root))});
    LOAM_TRY(options_.layers->Describe(fs, "blob " + locator_.reference.ToString()));
    return fs;
  }

 private:
  const BlobSourceOptions& options_;
  const std::string identifier_;
  const BlobLocator locator_;
  const FileAttributes file_;
};

class BlobSource final : public Source {
 public:
  explicit BlobSource(BlobSourceOptions options) : options_(std::move(options)) {}

  [[nodiscard]] std::vector<std::string> Schemes() const override {
    return {std::string(kImageBlobScheme), std::string(kLayoutBlobScheme)};
  }

  Result<std::unique_ptr<SourceInstance>> Open(const SourceRequest& request, std::string_view) override {
    std::string store_id;
    FileAttributes file;
    for (const auto& [key, value] : request.attributes) {
      if (key == "oci.store") {
        store_id = value;
      } else {
        LOAM_TRY(file.Take(key, value));
      }
    }
    if (!file.name.empty()) {
      file.name = SafeFileName(file.name);
    }
    BlobLocator locator = LOAM_TRY(ParseBlobLocator(request.identifier, store_id));
    if (locator.layout && store_id.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "oci-layout blob source requires store id");
    }
    return std::make_unique<BlobInstance>(options_, request.identifier, std::move(locator), std::move(file));
  }

 private:
  const BlobSourceOptions options_;
};

}  // namespace

std::unique_ptr<Source> MakeBlobSource(BlobSourceOptions options) {
  return std::make_unique<BlobSource>(std::move(options));
}

}  // namespace loam::source
