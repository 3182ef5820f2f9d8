// UndefinedVar: a variable that is neither set nor declared.
#include <fmt/format.h>

#include "compiler/lint/rule.h"
#include "compiler/lint/suggest.h"
#include "compiler/lint/unset_names.h"

namespace loam::lint {
namespace {

class UndefinedVar : public Rule {
 public:
  using Rule::Rule;

  void OnUnsetVariables(const sema::Expansion& word, std::span<const std::string_view> declared,
                        const sema::Environment& env) override {
    for (const std::string_view name : UnsetNames(word, declared)) {
      // Switches of the SBOM scanner are no variables.
      if (name == "BUILDKIT_SBOM_SCAN_CONTEXT" || name == "BUILDKIT_SBOM_SCAN_STAGE") {
        continue;
      }
      std::string message = fmt::format("Usage of undefined variable '${}'", name);
      if (const auto near = Suggest(name, env.Keys()); !near.empty()) {
        message += fmt::format(" (did you mean ${}?)", near);
      }
      Report(std::move(message));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(UndefinedVar)

}  // namespace loam::lint
