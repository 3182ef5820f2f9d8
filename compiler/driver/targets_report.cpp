#include "compiler/driver/targets_report.h"

#include "base/base64.h"
#include "compiler/driver/json_form.h"
#include "compiler/driver/text_table.h"

namespace loam::driver {

std::string TargetsText(const ast::Dockerfile& file) {
  TextTable table(1);
  table.Add({"TARGET", "DESCRIPTION"});
  for (const ast::Stage& stage : file.stages) {
    const bool is_default = &stage == &file.stages.back();
    std::string name(stage.from->stage_id);
    name += !is_default ? "" : name.empty() ? "(default)" : " (default)";
    table.Add({name, stage.from->doc_comment});
  }
  return table.Text();
}

std::string TargetsJson(const ast::Dockerfile& file, const source::Buffer& buffer) {
  nlohmann::ordered_json json;
  auto& targets = json["targets"];
  for (const ast::Stage& stage : file.stages) {
    const ast::From& from = *stage.from;
    auto row = nlohmann::ordered_json::object();
    const auto add = [&](const char* key, std::string_view value) {
      if (!value.empty()) {
        row[key] = value;
      }
    };
    add("name", from.stage_id);
    if (&stage == &file.stages.back()) {
      row["default"] = true;
    }
    add("description", from.doc_comment);
    add("base", from.base.text);
    add("platform", from.platform.text);
    row["location"] = JsonLocation(from.lines);
    targets.push_back(std::move(row));
  }
  json["sources"] = {Base64Encode(buffer.text())};
  return JsonText(json);
}

}  // namespace loam::driver
