#include "runtime-executor/worker/limited_worker.h"

#include <condition_variable>
#include <mutex>

namespace loam::worker {
namespace {

class LimitedWorker final : public Worker {
 public:
  LimitedWorker(std::unique_ptr<Worker> worker, int runs) : worker_(std::move(worker)), free_(runs) {}

  Result<ExecResult> Run(const ExecSpec& spec, OutputSink& output, std::stop_token stop) override {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return free_ > 0; })) {
        return Unexpected(ErrorCode::kCanceled, "canceled while waiting for other steps");
      }
      --free_;
    }
    Result<ExecResult> result = worker_->Run(spec, output, stop);
    {
      const std::lock_guard lock(mutex_);
      ++free_;
    }
    changed_.notify_one();
    return result;
  }

  // Containers of clients are no steps: whoever started one may wait for what runs in it.
  Result<std::unique_ptr<Container>> Start(const ExecSpec& spec, const ProcessStreams& streams,
                                           std::stop_token stop) override {
    return worker_->Start(spec, streams, std::move(stop));
  }

  [[nodiscard]] std::string Describe() const override { return worker_->Describe(); }

 private:
  const std::unique_ptr<Worker> worker_;
  std::mutex mutex_;  // guards free_
  std::condition_variable_any changed_;
  int free_;
};

}  // namespace

std::unique_ptr<Worker> LimitRuns(std::unique_ptr<Worker> worker, int runs) {
  return std::make_unique<LimitedWorker>(std::move(worker), runs);
}

}  // namespace loam::worker
