// OciWorker: the Worker on crun or runc.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "runtime-executor/worker/cgroup.h"
#include "runtime-executor/worker/worker.h"

namespace loam::worker {

enum class RuntimeKind : std::uint8_t { kCrun, kRunc };

struct OciSetup;

class OciWorker final : public Worker {
 public:
  OciWorker(WorkerOptions options, RuntimeKind kind, std::string program, UniqueFd supervisor, CgroupHost cgroups);
  ~OciWorker() override;

  Result<ExecResult> Run(const ExecSpec& spec, OutputSink& output, std::stop_token stop) override;
  Result<std::unique_ptr<Container>> Start(const ExecSpec& spec, const ProcessStreams& streams,
                                           std::stop_token stop) override;
  [[nodiscard]] std::string Describe() const override;

 private:
  Result<OciSetup> Setup(const ExecSpec& spec);
  // The compiled seccomp profile; made on first use, the error of it kept.
  Result<std::string> SeccompProgram();

  const WorkerOptions options_;
  const RuntimeKind kind_;
  const std::string program_;
  const UniqueFd supervisor_;
  const CgroupHost cgroups_;
  std::atomic<std::uint64_t> next_step_{1};
  std::mutex mutex_;  // guards seccomp_
  std::optional<Result<std::string>> seccomp_;
};

}  // namespace loam::worker
