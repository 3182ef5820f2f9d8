// ImageStore: the names of the local images (`loam image …`, the image exporter), each pointing to a manifest or index
// in the content store. Thread-safe; several processes may use one database at once.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/platform.h"
#include "base/result.h"
#include "base/sqlite.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/content/descriptor.h"

namespace loam::source {

struct StoredImage {
  // Normalised, with tag: "docker.io/library/app:latest".
  std::string name;
  content::Descriptor target;
  WallTime updated;
};

struct ImportOptions {
  // A directory (OCI layout) or a tar, also compressed: OCI layout, docker-archive (`docker save`), or, if `rootfs`,
  // the files of a root filesystem. "-" is standard input.
  std::string path;
  // Names for the image; needed for a rootfs, and for an archive that names none (or several: then only the one that is
  // imported is renamed, and there must be one only). Empty: those of the archive.
  std::vector<std::string> names;
  bool rootfs = false;
  // Platform of a rootfs; nullopt: the host's.
  std::optional<Platform> platform;
  // Creation time in the config of a rootfs image; nullopt: now.
  std::optional<std::int64_t> source_date_epoch;
};

class ImageStore {
 public:
  // `database` is a file (`<root>/images.db`); `content` must outlive the store.
  static Result<std::unique_ptr<ImageStore>> Open(const std::string& database, content::ContentStore& content,
                                                  const Clock& clock = SystemClock());

  // Sorted by name.
  Result<std::vector<StoredImage>> List();
  // `name` in any spelling ("app"); nullopt if there is none. With a digest, only if the image has that digest; a name
  // with digest and without tag finds any tag of it.
  Result<std::optional<StoredImage>> Find(std::string_view name);
  // Sets or moves a name. What the descriptor names must be in the content store.
  Result<> Put(std::string_view name, const content::Descriptor& target);
  // False if there was no such name. Blobs stay until the content store is pruned.
  Result<bool> Remove(std::string_view name);

  // That a repository ("docker.io/library/app") has, or had, a manifest of this digest. Content of a digest may be here
  // from elsewhere: who asks for it under a name is only given what that name has.
  Result<> RememberOrigin(const std::string& repository, const Digest& digest);
  Result<bool> HasOrigin(const std::string& repository, const Digest& digest);

  // Reads an image into the content store, verifies it, and names it. Nothing is named on failure.
  Result<std::vector<StoredImage>> Import(const ImportOptions& options, std::stop_token stop = {});

  // Every blob that an image needs, for pruning the content store.
  Result<std::set<Digest>> ReferencedBlobs();
  // Sizes of the distinct blobs of one image that are here.
  Result<std::uint64_t> SizeOf(const StoredImage& image);

  [[nodiscard]] content::ContentStore& content() { return content_; }

 private:
  ImageStore(sqlite::Database database, content::ContentStore& content, const Clock& clock)
      : database_(std::move(database)), content_(content), clock_(clock) {}

  std::mutex mutex_;  // guards database_
  sqlite::Database database_;
  content::ContentStore& content_;
  const Clock& clock_;
};

}  // namespace loam::source
