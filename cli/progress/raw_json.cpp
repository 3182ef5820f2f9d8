#include "cli/progress/raw_json.h"

#include <mutex>

#include <nlohmann/json.hpp>

#include "base/print.h"

namespace loam::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string Base64(std::string_view data) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((data.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < data.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < data.size() ? static_cast<unsigned char>(data[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j > data.size() ? '=' : kAlphabet[group >> (18 - 6 * j) & 63];
    }
  }
  return text;
}

void PutTime(Json& object, const char* key, const std::optional<WallTime>& time) {
  if (time) {
    object[key] = FormatRfc3339(*time);
  }
}

Json ToJson(const solver::VertexEvent& event) {
  Json object{{"digest", event.digest.ToString()}};
  if (!event.inputs.empty()) {
    Json inputs = Json::array();
    for (const Digest& input : event.inputs) {
      inputs.push_back(input.ToString());
    }
    object["inputs"] = std::move(inputs);
  }
  object["name"] = event.name;
  PutTime(object, "started", event.started);
  PutTime(object, "completed", event.completed);
  if (event.cached) {
    object["cached"] = true;
  }
  if (!event.error.empty()) {
    object["error"] = event.error;
  }
  if (event.progress_group) {
    object["progressGroup"] = Json{{"id", event.progress_group->id}, {"name", event.progress_group->name}};
    if (event.progress_group->weak) {
      object["progressGroup"]["weak"] = true;
    }
  }
  return object;
}

Json ToJson(const solver::StatusEvent& event) {
  Json object{{"id", event.id}, {"vertex", event.vertex.ToString()}};
  if (event.total != 0) {
    object["total"] = event.total;
  }
  object["current"] = event.current;
  object["timestamp"] = FormatRfc3339(event.timestamp);
  PutTime(object, "started", event.started);
  PutTime(object, "completed", event.completed);
  return object;
}

Json ToJson(const solver::LogEvent& event) {
  return {{"vertex", event.vertex.ToString()},
          {"stream", static_cast<int>(event.stream)},
          {"data", Base64(event.data)},
          {"timestamp", FormatRfc3339(event.timestamp)}};
}

Json ToJson(const solver::WarningEvent& event) {
  Json object{{"vertex", event.vertex.ToString()}, {"level", event.level}, {"short", Base64(event.short_message)}};
  Json detail = Json::array();
  for (const std::string& line : event.detail) {
    detail.push_back(Base64(line));
  }
  object["detail"] = std::move(detail);
  if (!event.url.empty()) {
    object["url"] = event.url;
  }
  if (!event.file.empty()) {
    object["sourceInfo"] = Json{{"filename", event.file}};
  }
  Json ranges = Json::array();
  for (const auto& range : event.ranges) {
    ranges.push_back(Json{{"start", {{"line", range.start_line}, {"character", range.start_character}}},
                          {"end", {{"line", range.end_line}, {"character", range.end_character}}}});
  }
  if (!ranges.empty()) {
    object["range"] = std::move(ranges);
  }
  return object;
}

const char* KeyOf(const solver::ProgressEvent& event) {
  static constexpr const char* kKeys[] = {"vertexes", "statuses", "logs", "warnings"};
  return kKeys[event.index()];
}

class RawJsonDisplay final : public ProgressDisplay {
 public:
  explicit RawJsonDisplay(const DisplayOptions& options) : options_(options) {}

  void OnEvent(const solver::ProgressEvent& event) override {
    Json line;
    line[KeyOf(event)] = Json::array({std::visit([](const auto& value) { return ToJson(value); }, event)});
    // Names and messages come from users' files and need not be UTF-8.
    const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace);
    const std::lock_guard lock(mutex_);
    model_.Apply(event);
    PrintTo(options_.out, "{}\n", text);
    std::fflush(options_.out);
  }

  void Finish(bool /*ok*/, const Digest& /*failed*/) override {}
  [[nodiscard]] const ProgressModel& model() const override { return model_; }

 private:
  const DisplayOptions options_;
  std::mutex mutex_;  // guards model_ and the order of the lines
  ProgressModel model_;
};

}  // namespace

std::unique_ptr<ProgressDisplay> MakeRawJsonDisplay(const DisplayOptions& options) {
  return std::make_unique<RawJsonDisplay>(options);
}

}  // namespace loam::cli
