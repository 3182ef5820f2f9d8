#include "runtime-executor/source/source_index.h"

#include <fmt/format.h>

namespace loam::source {
namespace {

constexpr sqlite::Schema kSchema = {.version = 1, .create = R"(
  CREATE TABLE IF NOT EXISTS checkouts(
    key TEXT PRIMARY KEY,
    layers TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS answers(
    request BLOB NOT NULL,
    etag TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    file_name TEXT NOT NULL,
    digest BLOB NOT NULL,
    layers TEXT NOT NULL,
    PRIMARY KEY(request, etag)) WITHOUT ROWID;
)"};
// Answers of one URL that are remembered; each makes the question longer.
constexpr std::size_t kMostAnswers = 8;

// nullopt: the layers were pruned.
Result<std::optional<snapshot::FsRef>> LoadIfThere(snapshot::LayerStore& layers, std::string_view text) {
  auto fs = layers.Load(text);
  if (!fs && fs.error().Is(ErrorCode::kNotFound)) {
    return std::nullopt;
  }
  if (!fs) {
    return tl::unexpected(std::move(fs).error());
  }
  return std::optional(std::move(*fs));
}

}  // namespace

Result<std::unique_ptr<SourceIndex>> SourceIndex::Open(const std::string& database, snapshot::LayerStore& layers) {
  auto db = LOAM_TRY(sqlite::Database::Open(database));
  LOAM_TRY(db.EnsureSchema(kSchema, database));
  return std::unique_ptr<SourceIndex>(new SourceIndex(std::move(db), layers));
}

Result<std::optional<snapshot::FsRef>> SourceIndex::FindCheckout(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  std::string text;
  {
    auto select = LOAM_TRY(database_.Prepare("SELECT layers FROM checkouts WHERE key = ?"));
    select.BindAll(key);
    if (!LOAM_TRY(select.Step())) {
      return std::nullopt;
    }
    text = select.Text(0);
  }
  auto fs = LOAM_TRY(LoadIfThere(layers_, text));
  if (!fs) {
    LOAM_TRY(LOAM_TRY(database_.Prepare("DELETE FROM checkouts WHERE key = ?")).Run(key));
  }
  return fs;
}

Result<> SourceIndex::PutCheckout(const std::string& key, const snapshot::FsRef& fs) {
  const std::scoped_lock lock(mutex_);
  auto insert = LOAM_TRY(database_.Prepare("INSERT OR REPLACE INTO checkouts(key, layers) VALUES(?, ?)"));
  return insert.Run(key, LOAM_TRY(fs.ToText()));
}

Result<std::vector<HttpAnswer>> SourceIndex::FindHttp(const Digest& request) {
  const std::scoped_lock lock(mutex_);
  struct Row {
    HttpAnswer answer;
    std::string layers;
  };
  std::vector<Row> rows;
  {
    auto select = LOAM_TRY(database_.Prepare(
        "SELECT etag, last_modified, file_name, digest, layers FROM answers WHERE request = ? ORDER BY etag"));
    select.BindAll(request);
    while (LOAM_TRY(select.Step())) {
      rows.push_back({{std::string(select.Text(0)), std::string(select.Text(1)), std::string(select.Text(2)),
                       select.GetDigest(3), snapshot::FsRef()},
                      std::string(select.Text(4))});
    }
  }
  std::vector<HttpAnswer> answers;
  for (Row& row : rows) {
    auto fs = LOAM_TRY(LoadIfThere(layers_, row.layers));
    if (fs && answers.size() < kMostAnswers) {
      row.answer.fs = std::move(*fs);
      answers.push_back(std::move(row.answer));
    } else {
      LOAM_TRY(LOAM_TRY(database_.Prepare("DELETE FROM answers WHERE request = ? AND etag = ?"))
                   .Run(request, row.answer.etag));
    }
  }
  return answers;
}

Result<> SourceIndex::PutHttp(const Digest& request, const HttpAnswer& answer) {
  const std::scoped_lock lock(mutex_);
  auto insert = LOAM_TRY(
      database_.Prepare("INSERT OR REPLACE INTO answers(request, etag, last_modified, file_name, digest, layers) "
                        "VALUES(?, ?, ?, ?, ?, ?)"));
  return insert.Run(request, answer.etag, answer.last_modified, answer.file_name, answer.digest,
                    LOAM_TRY(answer.fs.ToText()));
}

Result<std::vector<snapshot::LayerId>> SourceIndex::CheckoutLayers() {
  const std::scoped_lock lock(mutex_);
  auto select = LOAM_TRY(database_.Prepare("SELECT layers FROM checkouts"));
  std::vector<snapshot::LayerId> layers;
  while (LOAM_TRY(select.Step())) {
    const std::vector<snapshot::LayerId> ids = LOAM_TRY(snapshot::ParseLayerIds(select.Text(0)));
    layers.insert(layers.end(), ids.begin(), ids.end());
  }
  return layers;
}

}  // namespace loam::source
