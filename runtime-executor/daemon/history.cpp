#include "runtime-executor/daemon/history.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "runtime-executor/daemon/history_filter.h"
#include "runtime-executor/daemon/wire_time.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;

constexpr sqlite::Schema kSchema = {.version = 1, .create = R"(
CREATE TABLE builds(
  ref TEXT PRIMARY KEY,
  created INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  pinned INTEGER NOT NULL,
  record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE blobs(
  ref TEXT NOT NULL,
  digest BLOB NOT NULL,
  PRIMARY KEY(ref, digest)) WITHOUT ROWID;
CREATE INDEX blobs_by_digest ON blobs(digest);
)"};
// Blobs that were added for a build and never named by one (the daemon died between).
constexpr std::chrono::hours kUnnamedAge{1};

std::int64_t Nanoseconds(const wkt::Timestamp& time) {
  return time.seconds() * 1'000'000'000 + time.nanos();
}

void AddDigest(const control::Descriptor& descriptor, std::set<Digest>& digests) {
  if (auto digest = Digest::Parse(descriptor.digest())) {
    digests.insert(*digest);
  }
}

// What the record names itself, and what the manifests among it name.
class NamedBlobs {
 public:
  explicit NamedBlobs(const content::ContentStore& blobs) : blobs_(blobs) {}

  const std::set<Digest>& Of(const control::BuildHistoryRecord& record) {
    AddDigest(record.logs(), digests_);
    AddDigest(record.trace(), digests_);
    AddDigest(record.externalerror(), digests_);
    AddResult(record.result());
    for (const auto& [platform, result] : record.results()) {
      AddResult(result);
    }
    return digests_;
  }

 private:
  void AddResult(const control::BuildResultInfo& result) {
    for (const control::Descriptor& attestation : result.attestations()) {
      AddDigest(attestation, digests_);
    }
    AddTree(result.resultdeprecated());
    for (const auto& [exporter, descriptor] : result.results()) {
      AddTree(descriptor);
    }
  }
  void AddTree(const control::Descriptor& descriptor) {
    if (const auto digest = Digest::Parse(descriptor.digest())) {
      AddTree(descriptor.media_type(), *digest);
    }
  }
  void AddTree(std::string_view media_type, const Digest& digest) {
    if (!digests_.insert(digest).second || !blobs_.Contains(digest)) {
      return;
    }
    const auto text = blobs_.ReadBlob(digest);
    if (content::media_type::IsIndex(media_type)) {
      if (const auto index = text ? content::ParseIndex(*text) : tl::unexpected(text.error())) {
        for (const content::Descriptor& manifest : index->manifests) {
          AddTree(manifest.media_type, manifest.digest);
        }
      }
    } else if (content::media_type::IsManifest(media_type)) {
      if (const auto manifest = text ? content::ParseManifest(*text) : tl::unexpected(text.error())) {
        digests_.insert(manifest->config.digest);
        for (const content::Descriptor& layer : manifest->layers) {
          if (layer.media_type == content::media_type::kInToto) {
            digests_.insert(layer.digest);
          }
        }
      }
    }
  }

  const content::ContentStore& blobs_;
  std::set<Digest> digests_;
};

control::Descriptor ToWire(const content::Descriptor& descriptor) {
  control::Descriptor wire;
  wire.set_media_type(descriptor.media_type);
  wire.set_digest(descriptor.digest.ToString());
  wire.set_size(static_cast<std::int64_t>(descriptor.size));
  wire.mutable_annotations()->insert(descriptor.annotations.begin(), descriptor.annotations.end());
  return wire;
}

// Copies a manifest or index with what it names; notes the statements among the layers.
class ImageCopy {
 public:
  ImageCopy(const content::ContentStore& from, content::ContentStore& to) : from_(from), to_(to) {}

  Result<> Add(const content::Descriptor& blob) {
    const std::string text = LOAM_TRY(from_.ReadBlob(blob.digest));
    if (content::media_type::IsIndex(blob.media_type)) {
      for (const content::Descriptor& manifest : LOAM_TRY(content::ParseIndex(text)).manifests) {
        LOAM_TRY(Add(manifest));
      }
    } else if (content::media_type::IsManifest(blob.media_type)) {
      const content::Manifest manifest = LOAM_TRY(content::ParseManifest(text));
      LOAM_TRY(Add(manifest.config));
      for (const content::Descriptor& layer : manifest.layers) {
        if (layer.media_type == content::media_type::kInToto) {
          LOAM_TRY(Add(layer));
          attestations_.push_back(ToWire(layer));
        }
      }
    }
    LOAM_TRY(to_.WriteBlob(text));
    return {};
  }
  std::vector<control::Descriptor> TakeAttestations() { return std::move(attestations_); }

 private:
  const content::ContentStore& from_;
  content::ContentStore& to_;
  std::vector<control::Descriptor> attestations_;
};

tl::unexpected<Error> NoSuchBuild(const std::string& ref) {
  return Unexpected(ErrorCode::kNotFound, fmt::format("failed to retrieve ref {}: file does not exist", ref));
}

}  // namespace

BuildHistory::Keep::Keep(BuildHistory& history) : history_(history) {
  const std::lock_guard lock(history_.mutex_);
  ++history_.keeps_;
}
BuildHistory::Keep::~Keep() {
  const std::lock_guard lock(history_.mutex_);
  --history_.keeps_;
}

Result<std::unique_ptr<BuildHistory>> BuildHistory::Open(const std::string& root, HistorySettings settings,
                                                         const Clock& clock) {
  const std::string path = root + "/history.db";
  auto database = LOAM_TRY(sqlite::Database::Open(path));
  LOAM_TRY(database.EnsureSchema(kSchema, path));
  auto blobs = LOAM_TRY(content::ContentStore::Open(root + "/history"));
  return std::unique_ptr<BuildHistory>(new BuildHistory(std::move(database), std::move(blobs), settings, clock));
}

void BuildHistory::Start(const Record& record) {
  const std::lock_guard lock(mutex_);
  running_[record.ref()] = record;
  Event event;
  event.set_type(control::STARTED);
  *event.mutable_record() = record;
  Tell(event);
}

Result<> BuildHistory::Complete(const Record& record) {
  const std::lock_guard lock(mutex_);
  running_.erase(record.ref());
  LOAM_TRY(Write(record));
  Event event;
  event.set_type(control::COMPLETE);
  *event.mutable_record() = record;
  Tell(event);
  return {};
}

Result<> BuildHistory::Write(const Record& record) {
  NamedBlobs named(*blobs_);
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(database_));
  auto insert = LOAM_TRY(database_.Prepare(
      "INSERT OR REPLACE INTO builds(ref, created, completed, pinned, record) VALUES(?, ?, ?, ?, ?)"));
  insert.BindAll(record.ref(), Nanoseconds(record.createdat()), Nanoseconds(record.completedat()), record.pinned(),
                 nullptr);
  LOAM_TRY(insert.BindBlob(5, record.SerializeAsString()).Finish());
  auto add_blob = LOAM_TRY(database_.Prepare("INSERT OR IGNORE INTO blobs(ref, digest) VALUES(?, ?)"));
  for (const Digest& digest : named.Of(record)) {
    LOAM_TRY(add_blob.Run(record.ref(), digest));
  }
  return transaction.Commit();
}

Result<BuildHistory::Descriptor> BuildHistory::AddBlob(std::string_view media_type, std::string_view bytes) {
  Descriptor descriptor;
  descriptor.set_media_type(std::string(media_type));
  descriptor.set_digest(LOAM_TRY(blobs_->WriteBlob(bytes)).ToString());
  descriptor.set_size(static_cast<std::int64_t>(bytes.size()));
  return descriptor;
}

Result<std::optional<BuildHistory::KeptImage>> BuildHistory::AddImage(const content::ContentStore& store,
                                                                      const content::Descriptor& root) {
  if (!store.Contains(root.digest)) {
    return std::nullopt;
  }
  ImageCopy copy(store, *blobs_);
  LOAM_TRY(copy.Add(root));
  return std::optional(KeptImage{ToWire(root), copy.TakeAttestations()});
}

Result<std::optional<BuildHistory::Record>> BuildHistory::Read(const std::string& ref) {
  auto select = LOAM_TRY(database_.Prepare("SELECT record FROM builds WHERE ref = ?"));
  select.BindAll(ref);
  if (!LOAM_TRY(select.Step())) {
    return std::nullopt;
  }
  Record record;
  if (!record.ParseFromString(std::string(select.Blob(0)))) {
    return Unexpected(ErrorCode::kDataLoss, fmt::format("failed to unmarshal build record {}", ref));
  }
  return std::optional(std::move(record));
}

Result<std::optional<BuildHistory::Record>> BuildHistory::Find(const std::string& ref) {
  const std::lock_guard lock(mutex_);
  return Read(ref);
}

Result<std::vector<BuildHistory::Event>> BuildHistory::Finished(const std::string& ref) {
  auto select = LOAM_TRY(database_.Prepare("SELECT record FROM builds WHERE ? IN ('', ref) ORDER BY ref"));
  select.BindAll(ref);
  std::vector<Event> events;
  while (LOAM_TRY(select.Step())) {
    Event& event = events.emplace_back();
    event.set_type(control::COMPLETE);
    if (!event.mutable_record()->ParseFromString(std::string(select.Blob(0)))) {
      return Unexpected(ErrorCode::kDataLoss, "failed to unmarshal a build record");
    }
  }
  return events;
}

void BuildHistory::Tell(const Event& event) {
  std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
  for (const auto& weak : listeners_) {
    if (const auto listener = weak.lock()) {
      listener->events.push_back(event);
    }
  }
  changed_.notify_all();
}

Result<> BuildHistory::Listen(const Request& request, const std::function<bool(const Event&)>& send,
                              std::stop_token stop) {
  const HistoryFilter filter =
      LOAM_TRY(HistoryFilter::Parse({request.filter().begin(), request.filter().end()}, request.limit(), clock_.Now()));
  const auto listener = std::make_shared<Listener>();
  std::vector<Event> events;
  {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(listener);
    for (const auto& [ref, record] : running_) {
      if (request.ref().empty() || request.ref() == ref) {
        Event& event = events.emplace_back();
        event.set_type(control::STARTED);
        *event.mutable_record() = record;
      }
    }
    if (!request.activeonly()) {
      for (Event& event : filter.Select(LOAM_TRY(Finished(request.ref())))) {
        events.push_back(std::move(event));
      }
    }
  }
  for (const Event& event : events) {
    if (!send(event)) {
      return {};
    }
  }
  if (request.earlyexit()) {
    return {};
  }
  while (true) {
    std::deque<Event> news;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !listener->events.empty(); })) {
        return {};
      }
      news.swap(listener->events);
    }
    for (const Event& event : news) {
      if ((request.ref().empty() || request.ref() == event.record().ref()) && !send(event)) {
        return {};
      }
    }
  }
}

Result<> BuildHistory::SetPinned(const std::string& ref, bool pinned) {
  return Change(ref, [pinned](Record& record) { record.set_pinned(pinned); });
}

Result<> BuildHistory::Change(const std::string& ref, const std::function<void(Record&)>& change) {
  const std::lock_guard lock(mutex_);
  std::optional<Record> record = LOAM_TRY(Read(ref));
  if (!record) {
    return NoSuchBuild(ref);
  }
  change(*record);
  record->set_generation(record->generation() + 1);
  LOAM_TRY(Write(*record));
  Event event;
  event.set_type(control::COMPLETE);
  *event.mutable_record() = *record;
  Tell(event);
  return {};
}

Result<> BuildHistory::Delete(const std::string& ref) {
  const std::lock_guard lock(mutex_);
  if (!LOAM_TRY(Read(ref))) {
    return NoSuchBuild(ref);
  }
  LOAM_TRY(Forget(ref));
  return RemoveUnnamedBlobs();
}

Result<> BuildHistory::Forget(const std::string& ref) {
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(database_));
  auto remove = LOAM_TRY(database_.Prepare("DELETE FROM builds WHERE ref = ?"));
  LOAM_TRY(remove.Run(ref));
  auto remove_blobs = LOAM_TRY(database_.Prepare("DELETE FROM blobs WHERE ref = ?"));
  LOAM_TRY(remove_blobs.Run(ref));
  LOAM_TRY(transaction.Commit());
  Event event;
  event.set_type(control::DELETED);
  event.mutable_record()->set_ref(ref);
  Tell(event);
  return {};
}

Result<> BuildHistory::RemoveUnnamedBlobs() {
  auto select = LOAM_TRY(database_.Prepare("SELECT 1 FROM blobs WHERE digest = ? LIMIT 1"));
  std::vector<Digest> remove;
  LOAM_TRY(blobs_->Walk([&](const content::BlobInfo& blob) -> Result<> {
    // Fresh ones may belong to a build that is about to end.
    if (keeps_ == 0 || blob.modified + kUnnamedAge < clock_.Now()) {
      select.BindAll(blob.digest);
      if (!LOAM_TRY(select.Step())) {
        remove.push_back(blob.digest);
      }
      select.Reset();
    }
    return {};
  }));
  for (const Digest& digest : remove) {
    LOAM_TRY(blobs_->Delete(digest));
  }
  return {};
}

Result<> BuildHistory::Collect() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> old;
  {
    auto select = LOAM_TRY(database_.Prepare(
        "SELECT ref, completed FROM builds WHERE pinned = 0 ORDER BY completed DESC LIMIT -1 OFFSET ?"));
    select.BindAll(settings_.max_entries);
    const std::int64_t oldest = (clock_.Now() - settings_.max_age).time_since_epoch().count();
    while (LOAM_TRY(select.Step())) {
      if (select.Int(1) < oldest) {
        old.emplace_back(select.Text(0));
      }
    }
  }
  for (const std::string& ref : old) {
    LOAM_TRY(Forget(ref));
  }
  return RemoveUnnamedBlobs();
}

}  // namespace loam::daemon
