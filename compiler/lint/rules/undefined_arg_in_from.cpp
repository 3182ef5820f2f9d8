// UndefinedArgInFrom: FROM names a variable that no ARG above it declares.
#include <fmt/format.h>

#include "compiler/lint/rule.h"
#include "compiler/lint/suggest.h"
#include "compiler/lint/unset_names.h"

namespace loam::lint {
namespace {

class UndefinedArgInFrom : public Rule {
 public:
  using Rule::Rule;

  void OnStageBase(const ast::From& from, const sema::Expansion& base,
                   std::span<const std::string_view> declared) override {
    Check(from, base, declared);
  }
  void OnStagePlatform(const ast::From& from, const sema::Expansion& platform,
                       std::span<const std::string_view> declared, std::string_view /*target_platform*/) override {
    Check(from, platform, declared);
  }

 private:
  void Check(const ast::From& from, const sema::Expansion& word, std::span<const std::string_view> declared) {
    for (const std::string_view name : UnsetNames(word, declared)) {
      std::string message = fmt::format("FROM argument '{}' is not declared", name);
      if (const auto near = Suggest(name, declared); !near.empty()) {
        message += fmt::format(" (did you mean {}?)", near);
      }
      Report(from.lines, std::move(message));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(UndefinedArgInFrom)

}  // namespace loam::lint
