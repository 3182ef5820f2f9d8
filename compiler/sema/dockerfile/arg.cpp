// ARG inside of a stage.
#include <fmt/format.h>

#include "compiler/sema/dockerfile/converter.h"

namespace loam::sema {
namespace {

// Switches of the SBOM scanner; no variables.
bool IsScannerSwitch(std::string_view key) {
  return key == "BUILDKIT_SBOM_SCAN_CONTEXT" || key == "BUILDKIT_SBOM_SCAN_STAGE";
}

}  // namespace

bool Converter::DoArg(Stage& stage, const Command& command, const ast::Arg& arg) {
  std::string text = "ARG";
  for (const ast::ArgItem& item : arg.items) {
    const std::string_view key = item.key.text;
    if (observer() != nullptr) {
      observer()->OnVariable(key, false);
    }
    std::optional<std::string_view> value;
    const auto given = build_args_.find(std::string(key));
    if (given != build_args_.end()) {
      value = given->second;
    } else if (item.has_value) {
      std::string_view expanded;
      if (!Expand(stage, item.value, arg, expanded)) {
        return false;
      }
      value = expanded;
    } else {
      value = global_.Find(key);
    }
    if (parameters() != nullptr) {
      const bool inherited = value && !item.has_value && given == build_args_.end();
      parameters()->OnArgument(&stage, item, command.lines, value, inherited);
    }
    if (value && !IsScannerSwitch(key)) {
      stage.state.env.Set(key, Intern(*value));
    }
    stage.build_args.push_back({key, value ? std::optional(Intern(*value)) : std::nullopt});
    text.append(" ").append(key);
    if (value) {
      text.append("=").append(*value);
    }
  }
  AddHistory(stage, std::move(text), false, false);
  return true;
}

}  // namespace loam::sema
