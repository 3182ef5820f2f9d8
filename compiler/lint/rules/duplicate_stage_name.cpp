// DuplicateStageName: two stages of the same name.
#include <unordered_set>

#include <fmt/format.h>

#include "base/go_quote.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class DuplicateStageName : public Rule {
 public:
  using Rule::Rule;

  void OnStageName(const ast::From& from) override {
    if (!seen_.insert(from.stage_id).second) {
      Report(from.lines, fmt::format("Duplicate stage name {}, stage names should be unique", GoQuoted(from.stage_id)));
    }
  }

 private:
  std::unordered_set<std::string_view> seen_;
};

}  // namespace

LOAM_DEFINE_RULE(DuplicateStageName)

}  // namespace loam::lint
