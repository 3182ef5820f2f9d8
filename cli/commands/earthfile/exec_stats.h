// --exec-stats and --exec-stats-summary: what the commands of a build used of CPU and memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "runtime-executor/ops/job_services.h"

namespace loam::cli {

// "[stats] total CPU: 1.2s; total memory: 4.2MB"
std::string DescribeUsage(const ops::StepUsage& usage);

// The most that each command of a target used. Thread-safe.
class ExecStats {
 public:
  void Observe(std::string_view target, std::string_view command, const ops::StepUsage& usage);
  // A line a command, those with the least memory first: target, command, memory, cpu.
  [[nodiscard]] std::string Table() const;
  // "-": standard output.
  [[nodiscard]] Result<> Write(const std::string& path, std::FILE* out) const;

 private:
  mutable std::mutex mutex_;  // guards commands_
  std::map<std::pair<std::string, std::string>, ops::StepUsage> commands_;
};

}  // namespace loam::cli
