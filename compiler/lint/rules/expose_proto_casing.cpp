// ExposeProtoCasing: `EXPOSE 80/TCP`.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class ExposeProtoCasing : public Rule {
 public:
  using Rule::Rule;

  void OnPort(const sema::ExposedPort& port) override {
    if (port.protocol != ToLowerAscii(port.protocol)) {
      Report(fmt::format("Defined protocol '{}' in EXPOSE instruction should be lowercase", port.word));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(ExposeProtoCasing)

}  // namespace loam::lint
