// SourceIndex: which layers hold what was fetched before: checkouts of git, answers of HTTP servers. Thread-safe;
// several processes may use one database. Rows whose layers were pruned are dropped when they are met.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/sqlite.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::source {

struct HttpAnswer {
  std::string etag;           // without "W/"; may be empty
  std::string last_modified;  // as the server wrote it; may be empty
  std::string file_name;
  Digest digest;
  // Leased: stays while this lives.
  snapshot::FsRef fs;
};

class SourceIndex {
 public:
  // `database` is a file (`<root>/sources.db`); `layers` must outlive the index.
  static Result<std::unique_ptr<SourceIndex>> Open(const std::string& database, snapshot::LayerStore& layers);

  Result<std::optional<snapshot::FsRef>> FindCheckout(const std::string& key);
  Result<> PutCheckout(const std::string& key, const snapshot::FsRef& fs);
  // Of all checkouts, perhaps pruned meanwhile.
  Result<std::vector<snapshot::LayerId>> CheckoutLayers();

  // `request` identifies URL, headers and file attributes.
  Result<std::vector<HttpAnswer>> FindHttp(const Digest& request);
  // Takes the place of an answer with the same ETag.
  Result<> PutHttp(const Digest& request, const HttpAnswer& answer);

 private:
  SourceIndex(sqlite::Database database, snapshot::LayerStore& layers)
      : database_(std::move(database)), layers_(layers) {}

  std::mutex mutex_;  // guards database_
  sqlite::Database database_;
  snapshot::LayerStore& layers_;
};

}  // namespace loam::source
