// WorkdirRelativePath: the first WORKDIR of a build is relative to that of the base image.
#include <unordered_set>

#include <fmt/format.h>

#include "base/go_quote.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class WorkdirRelativePath : public Rule {
 public:
  using Rule::Rule;

  void OnStageBegin(const void* stage, const void* base) override {
    stage_ = stage;
    if (set_.contains(base)) {
      set_.insert(stage);
    }
  }
  void OnWorkdir(std::string_view path, bool absolute) override {
    if (set_.insert(stage_).second && !absolute) {
      Report(fmt::format("Relative workdir {} can have unexpected results if the base image changes", GoQuoted(path)));
    }
  }

 private:
  const void* stage_ = nullptr;
  // Stages that have a WORKDIR, their own or that of a stage they build on.
  std::unordered_set<const void*> set_;
};

}  // namespace

LOAM_DEFINE_RULE(WorkdirRelativePath)

}  // namespace loam::lint
