#include "compiler/driver/lint/baseline.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace loam::driver::findings {

using Json = nlohmann::ordered_json;

Result<Baseline> Baseline::Parse(std::string_view json, std::string_view name) {
  const Json read = Json::parse(json, nullptr, false);
  const auto wrong = [&] {
    return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is no baseline of findings", name))
                          .WithHint("`--write-baseline FILE` writes one"));
  };
  if (!read.is_object() || !read.contains("findings") || !read["findings"].is_array()) {
    return wrong();
  }
  Baseline baseline;
  for (const Json& row : read["findings"]) {
    if (!row.is_object() || !row.contains("file") || !row["file"].is_string() || !row.contains("rule") ||
        !row["rule"].is_string() || !row.contains("message") || !row["message"].is_string() ||
        (row.contains("count") && !row["count"].is_number_unsigned())) {
      return wrong();
    }
    baseline.entries_[{row["file"], row["rule"], row["message"]}] += row.value("count", std::size_t{1});
  }
  return baseline;
}

Baseline Baseline::Of(const std::vector<Finding>& findings) {
  Baseline baseline;
  for (const Finding& finding : findings) {
    ++baseline.entries_[EntryOf(finding)];
  }
  return baseline;
}

std::string Baseline::Print() const {
  std::string out = "{\"findings\": [";
  bool first = true;
  for (const auto& [entry, count] : entries_) {
    const Json row = {
        {"file", std::get<0>(entry)}, {"rule", std::get<1>(entry)}, {"message", std::get<2>(entry)}, {"count", count}};
    out += fmt::format("{}\n  {}", first ? "" : ",", row.dump(-1, ' ', false, Json::error_handler_t::replace));
    first = false;
  }
  return out + "\n]}\n";
}

std::size_t Baseline::Remove(std::vector<Finding>& findings) const {
  std::map<Entry, std::size_t> left = entries_;
  return std::erase_if(findings, [&](const Finding& finding) {
    const auto found = left.find(EntryOf(finding));
    if (found == left.end() || found->second == 0) {
      return false;
    }
    --found->second;
    return true;
  });
}

std::size_t Baseline::CountStale(const std::vector<Finding>& findings) const {
  std::map<Entry, std::size_t> now;
  for (const Finding& finding : findings) {
    ++now[EntryOf(finding)];
  }
  std::size_t stale = 0;
  for (const auto& [entry, count] : entries_) {
    const auto found = now.find(entry);
    stale += count - std::min(count, found == now.end() ? 0 : found->second);
  }
  return stale;
}

}  // namespace loam::driver::findings
