// Filters of the build history: containerd's (filter.h) on the fields ref, status and repository, and comparisons of
// startedAt, completedAt and duration: "status==error,startedAt>24h".
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "proto/api/services/control/control.pb.h"

namespace loam::daemon {

class HistoryFilter {
 public:
  using Event = moby::buildkit::v1::BuildHistoryEvent;

  // An event passes if one of `filters` holds for it, or if there is none. With a limit only the newest pass.
  // kInvalidArgument for what is no filter.
  static Result<HistoryFilter> Parse(const std::vector<std::string>& filters, std::int32_t limit, WallTime now);

  [[nodiscard]] std::vector<Event> Select(std::vector<Event> events) const;

 private:
  using Test = std::function<bool(const moby::buildkit::v1::BuildHistoryRecord&)>;
  static Result<Test> ParseComparison(const std::string& field, WallTime now);

  // Any of them, each with all its parts.
  std::vector<std::vector<Test>> any_;
  std::int32_t limit_ = 0;
};

}  // namespace loam::daemon
