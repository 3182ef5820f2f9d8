#include "runtime-executor/ops/layer_downloads.h"

#include <map>
#include <mutex>

#include "base/clock.h"
#include "runtime-executor/solver/op.h"
#include "runtime-executor/solver/progress.h"

namespace loam::ops {
namespace {

// Often enough to be looked at, seldom enough to cost nothing.
constexpr std::uint64_t kStep = 256U << 10U;

class Downloads {
 public:
  explicit Downloads(solver::ProgressWriter& writer) : writer_(writer) {}

  void Report(const content::Descriptor& blob, std::uint64_t current, std::uint64_t total) {
    const std::scoped_lock lock(mutex_);
    auto [entry, added] = blobs_.try_emplace(blob.digest);
    solver::StatusEvent& status = entry->second;
    const bool done = current >= total;
    if (added) {
      status.id = blob.digest.ToString();
      status.started = SystemClock().Now();
    } else if (status.completed || (!done && current < static_cast<std::uint64_t>(status.current) + kStep)) {
      return;
    }
    status.current = static_cast<std::int64_t>(current);
    status.total = static_cast<std::int64_t>(total);
    if (done) {
      status.completed = SystemClock().Now();
    }
    writer_.Status(status);
  }

 private:
  solver::ProgressWriter& writer_;
  std::mutex mutex_;  // guards blobs_
  std::map<Digest, solver::StatusEvent> blobs_;
};

}  // namespace

std::shared_ptr<void> ShowLayerDownloads(snapshot::LayerStore& layers, const snapshot::FsRef& fs,
                                         solver::OpContext& context) {
  if (fs.is_host_tree()) {
    return nullptr;
  }
  return layers.Watch(fs, [downloads = std::make_shared<Downloads>(context.progress())](
                              const content::Descriptor& blob, std::uint64_t current, std::uint64_t total) {
    downloads->Report(blob, current, total);
  });
}

}  // namespace loam::ops
