// RUN and its flags.
#include <algorithm>

#include "base/strings.h"
#include "compiler/ast/dockerfile/builder.h"
#include "compiler/ast/dockerfile/go_values.h"
#include "compiler/syntax/heredoc_word.h"

namespace loam::ast {

namespace {

// The options in a flag's value. An empty list if it is malformed, which was reported then.
std::vector<CsvField> ParseFields(InstructionBuilder& builder, const Flag& flag) {
  std::string_view error;
  const std::optional<std::vector<CsvPart>> parts = SplitCsv(flag.value.text, &error);
  std::vector<CsvField> fields;
  if (!parts) {
    builder.Report<diag::Kind::kBadCsv>(flag.range, flag.name.text, error);
    return fields;
  }
  for (const CsvPart& part : *parts) {
    CsvField field;
    const auto begin = static_cast<std::size_t>(part.raw.data() - flag.value.text.data());
    field.field = builder.Part(flag.value, begin, begin + part.raw.size());
    if (part.value) {
      field.field.text = builder.arena().Copy(*part.value);
    }
    std::string_view key = field.field.text;
    if (const auto sides = builder.SplitEquals(field.field)) {
      key = sides->first.text;
      field.has_value = true;
      field.value = sides->second;
    }
    const std::string lower = ToLowerAscii(key);
    field.key = lower == key ? key : builder.arena().Copy(lower);
    fields.push_back(field);
  }
  return fields;
}

// Upstream reads the stage of a mount before it knows any variable.
void CheckMountFrom(InstructionBuilder& builder, const std::vector<CsvField>& fields) {
  for (const CsvField& field : fields) {
    if (!field.has_value || field.key != "from") {
      continue;
    }
    const std::size_t dollar = field.value.text.find('$');
    if (dollar != std::string_view::npos && dollar + 1 != field.value.text.size()) {
      builder.Report<diag::Kind::kMountFromVariable>(field.value.range)
          .Hint(
              "give the image a name with `FROM image AS name`, where variables are allowed, and mount from that name");
    }
  }
}

Device ReadDevice(InstructionBuilder& builder, const Flag& flag, const std::vector<CsvField>& fields) {
  Device device;
  device.flag = &flag;
  for (const CsvField& field : fields) {
    if (!field.has_value) {
      if (field.key == "required") {
        device.required = true;
      } else if (device.name.empty()) {
        device.name = field.field.text;
      } else {
        builder.Report<diag::Kind::kBadDeviceOption>(field.field.range, field.field.text)
            .Hint("options are `name=...` and `required`");
      }
    } else if (field.key == "name") {
      if (!device.name.empty()) {
        builder.Report<diag::Kind::kDeviceNamedTwice>(field.field.range, device.name);
      }
      device.name = field.value.text;
    } else if (field.key == "required") {
      const std::optional<bool> required = ParseBool(field.value.text);
      if (!required) {
        builder.Report<diag::Kind::kBadDeviceRequired>(field.value.range, field.value.text);
      }
      device.required = required.value_or(false);
    } else if (device.name.empty()) {
      device.name = field.field.text;  // `vendor.com/class=name`
    } else {
      auto report = builder.Report<diag::Kind::kBadDeviceOption>(field.field.range, field.key);
      if (const auto near = NearestWord(field.key, {"name", "required"})) {
        report.Hint(fmt::format("did you mean `{}`?", *near));
      } else {
        report.Hint("options are `name=...` and `required`");
      }
    }
  }
  return device;
}

template <diag::Kind kKind>
void CheckChoice(InstructionBuilder& builder, std::string_view flag, std::string_view& value,
                 const std::vector<std::string>& choices) {
  const Text given = builder.FlagValue(flag);
  if (!given.present()) {
    return;
  }
  value = given.text;
  if (std::find(choices.begin(), choices.end(), given.text) != choices.end()) {
    return;
  }
  auto report = builder.Report<kKind>(given.range, given.text);
  if (const auto near = NearestWord(given.text, choices)) {
    report.Hint(fmt::format("did you mean `{}`?", *near)).Fix(fmt::format("write `{}`", *near), given.range, *near);
  } else {
    report.Hint(fmt::format("it is one of {}", Join(choices, ", ")));
  }
}

}  // namespace

void BuildRun(InstructionBuilder& builder, Run& node) {
  node.command = builder.Command();
  if (!node.heredocs.empty() && node.command.args.size() == 1 && !node.command.json &&
      syntax::ParseHeredocWord(node.command.args.front().text)) {
    node.script = &node.heredocs.front();
  }
  std::vector<Mount> mounts;
  std::vector<Device> devices;
  for (const Flag& flag : node.flags) {
    const bool is_mount = flag.name.text == "mount";
    if (!flag.has_value || (!is_mount && flag.name.text != "device")) {
      continue;
    }
    const std::vector<CsvField> fields = ParseFields(builder, flag);
    if (is_mount) {
      CheckMountFrom(builder, fields);
      mounts.push_back({&flag, builder.arena().Copy(fields)});
    } else {
      devices.push_back(ReadDevice(builder, flag, fields));
    }
  }
  node.mounts = builder.arena().Copy(mounts);
  node.devices = builder.arena().Copy(devices);
  CheckChoice<diag::Kind::kBadNetworkMode>(builder, "network", node.network, {"default", "none", "host"});
  CheckChoice<diag::Kind::kBadSecurityMode>(builder, "security", node.security, {"insecure", "sandbox"});
}

}  // namespace loam::ast
