#include "compiler/driver/outline_report.h"

#include "base/base64.h"
#include "compiler/driver/json_form.h"
#include "compiler/driver/text_table.h"

namespace loam::driver {
namespace {

std::string SecretsText(std::string_view title, const std::vector<OutlineSecret>& secrets) {
  if (secrets.empty()) {
    return {};
  }
  TextTable table(3);
  table.Add({title, "REQUIRED"});
  for (const OutlineSecret& secret : secrets) {
    table.Add({secret.name, secret.required ? "true" : ""});
  }
  return table.Text() + "\n";
}

void AddSecrets(nlohmann::ordered_json& json, const char* key, const std::vector<OutlineSecret>& secrets) {
  for (const OutlineSecret& secret : secrets) {
    nlohmann::ordered_json row{{"name", secret.name}};
    if (secret.required) {
      row["required"] = true;
    }
    row["location"] = JsonLocation(secret.lines);
    json[key].push_back(std::move(row));
  }
}

void AddText(nlohmann::ordered_json& json, const char* key, const std::string& text) {
  if (!text.empty()) {
    json[key] = text;
  }
}

}  // namespace

std::string OutlineText(const Outline& outline) {
  std::string out;
  if (!outline.name.empty() || !outline.description.empty()) {
    TextTable table(1);
    table.Add({"TARGET:", outline.name.empty() ? "(default)" : outline.name});
    if (!outline.description.empty()) {
      table.Add({"DESCRIPTION:", outline.description});
    }
    out += table.Text() + "\n";
  }
  if (!outline.args.empty()) {
    TextTable table(3);
    table.Add({"BUILD ARG", "VALUE", "DESCRIPTION"});
    for (const OutlineArg& arg : outline.args) {
      table.Add({arg.name, arg.value, arg.description});
    }
    out += table.Text() + "\n";
  }
  return out + SecretsText("SECRET", outline.secrets) + SecretsText("SSH", outline.ssh);
}

std::string OutlineJson(const Outline& outline, const source::Buffer& buffer) {
  auto json = nlohmann::ordered_json::object();
  AddText(json, "name", outline.name);
  AddText(json, "description", outline.description);
  for (const OutlineArg& arg : outline.args) {
    nlohmann::ordered_json row{{"name", arg.name}};
    AddText(row, "description", arg.description);
    AddText(row, "value", arg.value);
    row["location"] = JsonLocation(arg.lines);
    json["args"].push_back(std::move(row));
  }
  AddSecrets(json, "secrets", outline.secrets);
  AddSecrets(json, "ssh", outline.ssh);
  json["sources"] = {Base64Encode(buffer.text())};
  return JsonText(json);
}

}  // namespace loam::driver
