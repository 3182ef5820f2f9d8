// ExposeProtoCasing: `EXPOSE 80/TCP`.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class ExposeProtoCasing : public Rule {
 public:
  using Rule::Rule;

  std::vector<Fix> Fixes(const sema::ExposedPort& port) const {
    const auto* expose = ast::As<ast::Expose>(&instruction());
    for (const ast::Text& word : expose == nullptr ? ast::List<ast::Text>() : expose->ports) {
      if (word.text == port.word) {
        const std::string lower = ToLowerAscii(word.text);
        return Replace(word.range, lower, fmt::format("write `{}`", lower));
      }
    }
    return {};
  }

  void OnPort(const sema::ExposedPort& port) override {
    if (port.protocol != ToLowerAscii(port.protocol)) {
      Report(fmt::format("Defined protocol '{}' in EXPOSE instruction should be lowercase", port.word), Fixes(port));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(ExposeProtoCasing)

}  // namespace loam::lint
