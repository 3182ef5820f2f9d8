// ExposeInvalidFormat: `EXPOSE 127.0.0.1:80:80`, `EXPOSE 8080:80`.
#include <fmt/format.h>

#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class ExposeInvalidFormat : public Rule {
 public:
  using Rule::Rule;

  std::vector<Fix> Fixes(const sema::ExposedPort& port) const {
    const auto* expose = ast::As<ast::Expose>(&instruction());
    for (const ast::Text& word : expose == nullptr ? ast::List<ast::Text>() : expose->ports) {
      if (word.text == port.word) {
        const std::string own(word.text.substr(word.text.rfind(':') + 1));
        return Replace(word.range, own, fmt::format("write `{}`", own));
      }
    }
    return {};
  }

  void OnPort(const sema::ExposedPort& port) override {
    if (port.has_host) {
      Report(
          fmt::format("EXPOSE instruction should not define an IP address or host-port mapping, found '{}'", port.word),
          Fixes(port));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(ExposeInvalidFormat)

}  // namespace loam::lint
