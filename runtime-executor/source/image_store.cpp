#include "runtime-executor/source/image_store.h"

#include <fmt/format.h>

#include "base/image_reference.h"
#include "runtime-executor/source/image_walk.h"

namespace loam::source {
namespace {

constexpr sqlite::Schema kSchema = {.version = 2, .create = R"(
  CREATE TABLE IF NOT EXISTS images(
    name TEXT PRIMARY KEY,
    repository TEXT NOT NULL,
    media_type TEXT NOT NULL,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    updated INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS images_by_repository ON images(repository, digest);
  CREATE TABLE IF NOT EXISTS origins(
    digest BLOB NOT NULL,
    repository TEXT NOT NULL,
    PRIMARY KEY(digest, repository)) WITHOUT ROWID;
)"};
constexpr std::string_view kColumns = "name, media_type, digest, size, updated";

StoredImage Row(const sqlite::Statement& row) {
  StoredImage image;
  image.name = row.Text(0);
  image.target.media_type = row.Text(1);
  image.target.digest = row.GetDigest(2);
  image.target.size = static_cast<std::uint64_t>(row.Int(3));
  image.updated = WallTime(std::chrono::nanoseconds(row.Int(4)));
  return image;
}

// The name under which a reference is kept: with tag, without digest.
Result<ImageReference> StoredName(std::string_view name) {
  ImageReference reference = LOAM_TRY(ParseImageReference(name));
  if (reference.tag.empty()) {
    reference.tag = "latest";
  }
  reference.digest.clear();
  return reference;
}

}  // namespace

Result<std::unique_ptr<ImageStore>> ImageStore::Open(const std::string& database, content::ContentStore& content,
                                                     const Clock& clock) {
  auto db = LOAM_TRY(sqlite::Database::Open(database));
  LOAM_TRY(db.EnsureSchema(kSchema, database));
  return std::unique_ptr<ImageStore>(new ImageStore(std::move(db), content, clock));
}

Result<std::vector<StoredImage>> ImageStore::List() {
  const std::scoped_lock lock(mutex_);
  auto select = LOAM_TRY(database_.Prepare(fmt::format("SELECT {} FROM images ORDER BY name", kColumns)));
  std::vector<StoredImage> images;
  while (LOAM_TRY(select.Step())) {
    images.push_back(Row(select));
  }
  return images;
}

Result<std::optional<StoredImage>> ImageStore::Find(std::string_view name) {
  const ImageReference reference = LOAM_TRY(ParseImageReference(name));
  const std::scoped_lock lock(mutex_);
  if (reference.digest.empty() || !reference.tag.empty()) {
    const ImageReference stored = LOAM_TRY(StoredName(name));
    auto select = LOAM_TRY(database_.Prepare(fmt::format("SELECT {} FROM images WHERE name = ?", kColumns)));
    select.BindAll(stored.ToString());
    if (LOAM_TRY(select.Step())) {
      StoredImage image = Row(select);
      if (reference.digest.empty() || image.target.digest.ToString() == reference.digest) {
        return std::optional(std::move(image));
      }
    }
    return std::nullopt;
  }
  const Digest digest = LOAM_TRY(Digest::Parse(reference.digest));
  auto select = LOAM_TRY(database_.Prepare(
      fmt::format("SELECT {} FROM images WHERE repository = ? AND digest = ? ORDER BY name LIMIT 1", kColumns)));
  select.BindAll(reference.Name(), digest);
  return LOAM_TRY(select.Step()) ? std::optional(Row(select)) : std::nullopt;
}

Result<> ImageStore::Put(std::string_view name, const content::Descriptor& target) {
  const ImageReference reference = LOAM_TRY(StoredName(name));
  LOAM_TRY_CONTEXT(fmt::format("image `{}`", reference.Familiar()),
                   WalkImage(content_, target, [](const content::Descriptor&) {}));
  const std::scoped_lock lock(mutex_);
  auto insert = LOAM_TRY(database_.Prepare(
      "INSERT OR REPLACE INTO images(name, repository, media_type, digest, size, updated) VALUES(?, ?, ?, ?, ?, ?)"));
  return insert.Run(reference.ToString(), reference.Name(), target.media_type, target.digest,
                    static_cast<std::int64_t>(target.size), clock_.Now().time_since_epoch().count());
}

Result<bool> ImageStore::Remove(std::string_view name) {
  const ImageReference reference = LOAM_TRY(StoredName(name));
  const std::scoped_lock lock(mutex_);
  auto remove = LOAM_TRY(database_.Prepare("DELETE FROM images WHERE name = ?"));
  LOAM_TRY(remove.Run(reference.ToString()));
  return database_.Changes() > 0;
}

Result<> ImageStore::RememberOrigin(const std::string& repository, const Digest& digest) {
  if (LOAM_TRY(HasOrigin(repository, digest))) {
    return {};
  }
  const std::scoped_lock lock(mutex_);
  auto insert = LOAM_TRY(database_.Prepare("INSERT OR IGNORE INTO origins(digest, repository) VALUES(?, ?)"));
  return insert.Run(digest, repository);
}

Result<bool> ImageStore::HasOrigin(const std::string& repository, const Digest& digest) {
  const std::scoped_lock lock(mutex_);
  auto select = LOAM_TRY(database_.Prepare("SELECT 1 FROM origins WHERE digest = ? AND repository = ?"));
  select.BindAll(digest, repository);
  return select.Step();
}

Result<std::set<Digest>> ImageStore::ReferencedBlobs() {
  std::set<Digest> blobs;
  for (const StoredImage& image : LOAM_TRY(List())) {
    // A damaged image keeps what it still has.
    const auto walked =
        WalkImage(content_, image.target, [&](const content::Descriptor& blob) { blobs.insert(blob.digest); });
    if (!walked && !walked.error().Is(ErrorCode::kNotFound)) {
      return tl::unexpected(walked.error().Wrap(fmt::format("image `{}`", image.name)));
    }
  }
  return blobs;
}

Result<std::uint64_t> ImageStore::SizeOf(const StoredImage& image) {
  std::uint64_t size = 0;
  const auto walked = WalkImage(content_, image.target, [&](const content::Descriptor& blob) { size += blob.size; });
  if (!walked && !walked.error().Is(ErrorCode::kNotFound)) {
    return tl::unexpected(walked.error());
  }
  return size;
}

}  // namespace loam::source
