// DL3026: images of registries that are not trusted.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool Matches(std::string_view pattern, std::string_view registry) {
  if (pattern == "*" || pattern == registry) {
    return true;
  }
  return pattern.starts_with('*') && registry.ends_with(pattern.substr(1));
}

}  // namespace

void CheckDL3026(const FileView& file, const Reporter& report) {
  const auto& trusted = file.options->trusted_registries;
  const auto is_trusted = [&](std::string_view image) {
    const std::string registry = ReadImageName(image).registry;
    return std::any_of(trusted.begin(), trusted.end(), [&](const std::string& each) {
      return Matches(each, registry) ||
             (registry == "docker.io" && IsOneOf(each, {"hub.docker.com", "index.docker.io"}));
    });
  };
  if (trusted.empty()) {
    return;
  }
  for (const StageView& stage : file.stages) {
    if (stage.base == nullptr && stage.image != "scratch" && !HasVariable(stage.image) && !is_trusted(stage.image)) {
      report(stage, report.description());
    }
  }
  const auto check = [&](const InstructionView& view, std::string_view from) {
    const std::size_t before = view.stage == nullptr ? 0 : view.stage->index;
    if (!from.empty() && !HasVariable(from) && from != "scratch" && file.FindStage(from, before) == nullptr &&
        !is_trusted(from)) {
      report(view);
    }
  };
  Each<ast::Copy>(file, [&](const InstructionView& view, const ast::Copy& copy) { check(view, copy.from.text); });
  Each<ast::Run>(file, [&](const InstructionView& view, const ast::Run& run) {
    for (const ast::Mount& mount : run.mounts) {
      check(view, MountOption(mount, "from"));
    }
  });
}

}  // namespace loam::lint::hadolint
