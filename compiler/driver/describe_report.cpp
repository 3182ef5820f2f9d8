#include "compiler/driver/describe_report.h"

#include <string_view>

#include "compiler/driver/json_form.h"
#include "compiler/driver/text_table.h"

namespace loam::driver {
namespace {

struct Question {
  std::string_view name;
  std::string_view description;
  // Name and description of its one option; empty without one.
  std::string_view option;
  std::string_view option_description;
  // An empty list of options is written as such, or as null, as upstream does for each of them.
  bool null_options = false;
};

// Those that upstream lists, in its order: `frontend.lint` is answered too, but not among them.
constexpr Question kQuestions[] = {
    {"frontend.outline", "List all parameters current build target supports", "target", "Target build stage"},
    {"frontend.targets", "List all targets current build supports", {}, {}},
    {"frontend.subrequests.describe", "List available subrequest types", {}, {}, true},
};
constexpr std::string_view kVersion = "1.0.0";

nlohmann::ordered_json Named(std::string_view name, std::string_view description) {
  return {{"name", name}, {"description", description}};
}

}  // namespace

std::string DescribeText() {
  TextTable table(1);
  table.Add({"NAME", "VERSION", "DESCRIPTION"});
  for (const Question& question : kQuestions) {
    constexpr std::string_view kPrefix = "frontend.";
    table.Add({question.name.substr(kPrefix.size()), kVersion, question.description});
  }
  return table.Text();
}

std::string DescribeJson() {
  auto json = nlohmann::ordered_json::array();
  for (const Question& question : kQuestions) {
    auto options = nlohmann::ordered_json::array();
    if (!question.option.empty()) {
      options.push_back(Named(question.option, question.option_description));
    }
    auto row = nlohmann::ordered_json::object();
    row["name"] = question.name;
    row["version"] = kVersion;
    row["type"] = "rpc";
    row["description"] = question.description;
    row["opts"] = question.null_options ? nlohmann::ordered_json() : options;
    row["inputs"] = nullptr;
    row["metadata"] = {Named("result.json", ""), Named("result.txt", "")};
    row["refs"] = nullptr;
    json.push_back(std::move(row));
  }
  return JsonText(json);
}

}  // namespace loam::driver
