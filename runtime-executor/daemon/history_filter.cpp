#include "runtime-executor/daemon/history_filter.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "runtime-executor/daemon/filter.h"
#include "runtime-executor/daemon/gc_policy.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;
using Record = control::BuildHistoryRecord;

std::int64_t Nanoseconds(const loam::wkt::Timestamp& time) {
  return time.seconds() * 1'000'000'000 + time.nanos();
}

// The remote of a git URL as a build context: without fragment.
std::optional<std::string> GitRemote(const std::string& context) {
  const bool is_url = context.starts_with("git://") || context.starts_with("ssh://") || context.starts_with("git@");
  const std::string remote = context.substr(0, context.find('#'));
  const bool over_http =
      (context.starts_with("http://") || context.starts_with("https://")) && remote.ends_with(".git");
  return is_url || over_http ? std::optional(remote) : std::nullopt;
}

std::optional<std::string> FieldOf(const Record& record, std::span<const std::string> path) {
  if (path[0] == "ref") {
    return record.ref();
  }
  if (path[0] == "status") {
    if (!record.has_completedat()) {
      return "running";
    }
    if (!record.has_error()) {
      return "completed";
    }
    return record.error().message().find("context canceled") == std::string::npos ? "error" : "canceled";
  }
  if (path[0] == "repository") {
    const auto& attributes = record.frontendattrs();
    if (const auto source = attributes.find("vcs:source"); source != attributes.end()) {
      return source->second;
    }
    if (const auto context = attributes.find("context"); context != attributes.end()) {
      return GitRemote(context->second);
    }
  }
  return std::nullopt;
}

// Fields separated by commas; quotes as in CSV.
std::vector<std::string> CsvFields(const std::string& text) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && (quoted || fields.back().empty())) {
      if (quoted && i + 1 < text.size() && text[i + 1] == '"') {
        fields.back() += '"';
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

// "2026-01-02T03:04:05Z", with an offset from UTC where there is one; seconds.
std::optional<std::int64_t> ParseRfc3339(const std::string& text) {
  std::tm time{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (rest == nullptr) {
    return std::nullopt;
  }
  if (*rest == '.') {
    rest += 1 + std::string_view(rest + 1).find_first_not_of("0123456789");
  }
  const std::int64_t seconds = timegm(&time);
  int hours = 0;
  int minutes = 0;
  char sign = 0;
  if (std::string_view(rest) == "Z") {
    return seconds;
  }
  if (std::sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) != 3 || (sign != '+' && sign != '-')) {
    return std::nullopt;
  }
  const std::int64_t offset = (hours * 60 + minutes) * 60;
  return sign == '+' ? seconds - offset : seconds + offset;
}

constexpr std::array<std::string_view, 4> kComparisons = {">=", "<=", ">", "<"};

}  // namespace

// Null for what is no comparison.
Result<HistoryFilter::Test> HistoryFilter::ParseComparison(const std::string& field, WallTime now) {
  std::string_view comparison;
  std::size_t at = std::string::npos;
  for (const std::string_view candidate : kComparisons) {
    at = field.find(candidate);
    if (at != std::string::npos) {
      comparison = candidate;
      break;
    }
  }
  const std::string name = field.substr(0, std::min(at, field.size()));
  if (comparison.empty() || (name != "startedAt" && name != "completedAt" && name != "duration")) {
    return Test();
  }
  const std::string value = field.substr(at + comparison.size());
  const auto duration = ParseDuration(value);
  std::int64_t limit = 0;
  if (name == "duration") {
    if (!duration) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid duration {}", value));
    }
    limit = duration->count();
  } else if (duration && value.find('-') == std::string::npos) {
    limit = std::chrono::floor<std::chrono::seconds>(now - *duration).time_since_epoch().count();
  } else if (const auto time = ParseRfc3339(value)) {
    limit = *time;
  } else {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid time {}", value));
  }
  return Test([name, comparison, limit](const Record& record) {
    std::int64_t actual = 0;
    if (name == "startedAt") {
      actual = record.createdat().seconds();
    } else if (record.has_completedat()) {
      actual = name == "completedAt" ? record.completedat().seconds()
                                     : Nanoseconds(record.completedat()) - Nanoseconds(record.createdat());
    }
    return comparison == ">="   ? actual >= limit
           : comparison == "<=" ? actual <= limit
           : comparison == ">"  ? actual > limit
                                : actual < limit;
  });
}

Result<HistoryFilter> HistoryFilter::Parse(const std::vector<std::string>& filters, std::int32_t limit, WallTime now) {
  if (limit < 0) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid limit {}", limit));
  }
  HistoryFilter result;
  result.limit_ = limit;
  for (const std::string& text : filters) {
    std::vector<Test>& all = result.any_.emplace_back();
    std::string fields;
    for (const std::string& field : CsvFields(text)) {
      Test test = LOAM_TRY(ParseComparison(field, now));
      if (test) {
        all.push_back(std::move(test));
      } else {
        fields += (fields.empty() ? "" : ",") + field;
      }
    }
    const Filter filter =
        LOAM_TRY_CONTEXT(fmt::format("failed to parse history filters {}", text), Filter::Parse(std::span(&fields, 1)));
    all.emplace_back([filter](const Record& record) {
      return filter.Matches([&record](std::span<const std::string> path) { return FieldOf(record, path); });
    });
  }
  return result;
}

std::vector<HistoryFilter::Event> HistoryFilter::Select(std::vector<Event> events) const {
  const auto passes = [this](const Event& event) {
    return any_.empty() || std::any_of(any_.begin(), any_.end(), [&event](const std::vector<Test>& all) {
             return std::all_of(all.begin(), all.end(), [&](const Test& test) { return test(event.record()); });
           });
  };
  std::erase_if(events, [&](const Event& event) { return !passes(event); });
  if (limit_ != 0) {
    std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
      return Nanoseconds(a.record().createdat()) > Nanoseconds(b.record().createdat());
    });
    events.resize(std::min(events.size(), static_cast<std::size_t>(limit_)));
  }
  return events;
}

}  // namespace loam::daemon
