// The builds that were, and those that run: BuildKit's build history. Finished builds are rows of `<root>/history.db`;
// what they name (logs, errors, manifests of results) are blobs in `<root>/history`, kept as long as a build names
// them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/sqlite.h"
#include "proto/api/services/control/control.pb.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/daemon/config.h"

namespace loam::daemon {

// Thread-safe.
class BuildHistory {
 public:
  using Record = moby::buildkit::v1::BuildHistoryRecord;
  using Event = moby::buildkit::v1::BuildHistoryEvent;
  using Request = moby::buildkit::v1::BuildHistoryRequest;
  using Descriptor = moby::buildkit::v1::Descriptor;

  static Result<std::unique_ptr<BuildHistory>> Open(const std::string& root, HistorySettings settings,
                                                    const Clock& clock = SystemClock());

  // A build begins; listeners hear of it.
  void Start(const Record& record);
  // It has ended. Blobs it names must have been added, and `Keep`s of them still be held.
  Result<> Complete(const Record& record);

  // Keeps blobs from being removed before a record names them.
  class Keep {
   public:
    explicit Keep(BuildHistory& history);
    ~Keep();
    Keep(const Keep&) = delete;
    Keep& operator=(const Keep&) = delete;

   private:
    BuildHistory& history_;
  };
  Result<Descriptor> AddBlob(std::string_view media_type, std::string_view bytes);
  struct KeptImage {
    Descriptor root;
    // Statements about it (provenance, SBOM), with their "in-toto.io/predicate-type".
    std::vector<Descriptor> attestations;
  };
  // A manifest or index from `store` with what describes it: the manifests it names, configs and attestations, no
  // layers. nullopt if it is not there.
  Result<std::optional<KeptImage>> AddImage(const content::ContentStore& store, const content::Descriptor& root);
  [[nodiscard]] const content::ContentStore& blobs() const { return *blobs_; }

  // A finished build.
  Result<std::optional<Record>> Find(const std::string& ref);

  // Builds that run, then finished ones, then (unless the request says EarlyExit) what happens next, until `stop`.
  // False from `send` ends it.
  Result<> Listen(const Request& request, const std::function<bool(const Event&)>& send, std::stop_token stop);

  // kNotFound for a build that is not there.
  Result<> SetPinned(const std::string& ref, bool pinned);
  Result<> Delete(const std::string& ref);
  // Changes a finished build; listeners hear of it. kNotFound as above.
  Result<> Change(const std::string& ref, const std::function<void(Record&)>& change);

  // Forgets what is too old and too much; removes blobs that nobody names.
  Result<> Collect();

 private:
  struct Listener {
    std::deque<Event> events;
  };
  BuildHistory(sqlite::Database database, std::unique_ptr<content::ContentStore> blobs, HistorySettings settings,
               const Clock& clock)
      : database_(std::move(database)), blobs_(std::move(blobs)), settings_(settings), clock_(clock) {}

  // With mutex_ held.
  Result<> Write(const Record& record);
  Result<> Forget(const std::string& ref);
  Result<std::optional<Record>> Read(const std::string& ref);
  Result<std::vector<Event>> Finished(const std::string& ref);
  void Tell(const Event& event);
  Result<> RemoveUnnamedBlobs();

  std::mutex mutex_;  // guards the rest
  std::condition_variable_any changed_;
  sqlite::Database database_;
  const std::unique_ptr<content::ContentStore> blobs_;
  const HistorySettings settings_;
  const Clock& clock_;
  std::map<std::string, Record> running_;
  std::vector<std::weak_ptr<Listener>> listeners_;
  int keeps_ = 0;
};

}  // namespace loam::daemon
