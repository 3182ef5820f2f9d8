#include "cli/commands/earthfile/exec_stats.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/print.h"
#include "base/strings.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::cli {
namespace {

std::string TextOf(std::chrono::microseconds time) {
  return sema::FormatDuration(std::chrono::nanoseconds(time).count());
}

}  // namespace

std::string DescribeUsage(const ops::StepUsage& usage) {
  return fmt::format("[stats] total CPU: {}; total memory: {}", TextOf(usage.cpu),
                     HumanBytes(static_cast<std::uint64_t>(usage.peak_memory_bytes)));
}

void ExecStats::Observe(std::string_view target, std::string_view command, const ops::StepUsage& usage) {
  const std::lock_guard lock(mutex_);
  ops::StepUsage& most = commands_[{std::string(target), std::string(command)}];
  most.cpu = std::max(most.cpu, usage.cpu);
  most.peak_memory_bytes = std::max(most.peak_memory_bytes, usage.peak_memory_bytes);
}

std::string ExecStats::Table() const {
  using Row = std::array<std::string, 4>;
  std::vector<std::pair<std::int64_t, Row>> rows;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, usage] : commands_) {
      rows.push_back({usage.peak_memory_bytes,
                      {name.first, name.second, HumanBytes(static_cast<std::uint64_t>(usage.peak_memory_bytes)),
                       TextOf(usage.cpu)}});
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  rows.insert(rows.begin(), {0, {"target", "command", "memory", "cpu"}});
  std::array<std::size_t, 4> widths{};
  for (const auto& [memory, row] : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& [memory, row] : rows) {
    text +=
        fmt::format("{:<{}}  {:<{}}  {:<{}}  {}\n", row[0], widths[0], row[1], widths[1], row[2], widths[2], row[3]);
  }
  return text;
}

Result<> ExecStats::Write(const std::string& path, std::FILE* out) const {
  if (path == "-") {
    PrintTo(out, "{}", Table());
    return {};
  }
  return WriteFileAtomic(path, Table());
}

}  // namespace loam::cli
