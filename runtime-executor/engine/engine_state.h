// EngineState: the parts of an engine, in the order in which they need each other. Internal to this folder.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/task_pool.h"
#include "runtime-executor/cache/checksum.h"
#include "runtime-executor/cache/records.h"
#include "runtime-executor/content/compression.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/engine/cache_units.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/engine/job_gate.h"
#include "runtime-executor/engine/result_store.h"
#include "runtime-executor/ops/op_resolver.h"
#include "runtime-executor/registry/http_client.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/solver/job.h"
#include "runtime-executor/source/git/git_source.h"
#include "runtime-executor/source/image/image_source.h"
#include "runtime-executor/source/image_store.h"
#include "runtime-executor/source/source.h"
#include "runtime-executor/source/source_index.h"
#include "runtime-executor/worker/worker.h"

namespace loam::engine {

// Thread-safe once opened. Destroyed from the last member to the first: the solver waits for its work before anything
// that the work uses goes.
class EngineState {
 public:
  static Result<std::shared_ptr<EngineState>> Open(EngineOptions options);

  [[nodiscard]] source::ImageSourceOptions ImageOptions();
  // Opened by the first step that needs it.
  Result<worker::Worker*> Worker();

  EngineOptions options;
  const Clock& clock = SystemClock();
  // Shared while the engine is open: whoever gets it exclusively knows that nobody else uses the root.
  std::optional<FileLock> lock;
  std::unique_ptr<content::ContentStore> content;
  std::unique_ptr<source::ImageStore> images;
  std::unique_ptr<registry::RegistryClient> registry;
  // For caches that are kept elsewhere.
  std::unique_ptr<registry::HttpClient> http;
  std::unique_ptr<snapshot::LayerStore> layers;
  std::unique_ptr<cache::RecordStore> records;
  std::unique_ptr<cache::ChecksumCache> checksums;
  std::unique_ptr<source::SourceIndex> source_index;
  source::SourceSet sources;
  std::optional<cdi::Devices> devices;
  // One of the sources.
  source::GitSource* git = nullptr;
  content::CodecPool codecs;
  std::unique_ptr<LayerResultStore> results;
  std::unique_ptr<ops::LlbOpResolver> resolver;
  JobGate jobs;
  std::mutex prune_mutex;  // one pruning at a time
  // Set before the first build; not changed after.
  std::vector<std::unique_ptr<CacheArea>> areas;

 private:
  std::mutex worker_mutex_;  // guards worker_
  std::optional<Result<std::unique_ptr<worker::Worker>>> worker_;

 public:
  // Last: canceled steps may still run when everybody else is gone.
  TaskPool pool;
  std::unique_ptr<solver::Solver> solver;
};

}  // namespace loam::engine
