// What an SBOM scanner is to look at: the build context, and stages beside the result.
#include <algorithm>

#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
namespace {

constexpr std::string_view kScanContext = "BUILDKIT_SBOM_SCAN_CONTEXT";
constexpr std::string_view kScanStage = "BUILDKIT_SBOM_SCAN_STAGE";

// A truth value, or a list of stages.
bool EnabledFor(std::string_view stage, std::string_view value) {
  if (const std::optional<bool> flag = ParseBool(value)) {
    return *flag;
  }
  const std::vector<std::string_view> stages = Split(value, ',');
  return std::find(stages.begin(), stages.end(), stage) != stages.end();
}

bool Enabled(const Stage& stage, std::string_view key, std::optional<std::string_view> global) {
  bool enabled = global && EnabledFor(stage.display_name, *global);
  for (const BuildArg& arg : stage.build_args) {
    if (arg.key == key && arg.value) {
      enabled = EnabledFor(stage.display_name, *arg.value);
    }
  }
  return enabled;
}

}  // namespace

std::vector<std::pair<ScanTarget, std::uint32_t>> Converter::FindScanTargets() {
  std::vector<std::pair<ScanTarget, std::uint32_t>> targets;
  const std::size_t result = module_.results.size();
  const auto add = [&](std::string name, const Fs& fs, bool ignore_cache) {
    targets.emplace_back(ScanTarget{result, std::move(name), fs.value, ignore_cache}, fs.step);
  };
  if (Enabled(*target_, kScanContext, global_.Find(kScanContext))) {
    add("context", MainContext().fs, false);
  }
  for (const Stage* stage : Reachable()) {
    if (stage != target_ && stage->from != nullptr && Enabled(*stage, kScanStage, global_.Find(kScanStage))) {
      add(stage->display_name, stage->state.fs, stage->ignore_cache);
    }
  }
  return targets;
}

}  // namespace loam::sema
