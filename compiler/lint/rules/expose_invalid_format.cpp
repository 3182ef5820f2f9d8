// ExposeInvalidFormat: `EXPOSE 127.0.0.1:80:80`, `EXPOSE 8080:80`.
#include <fmt/format.h>

#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class ExposeInvalidFormat : public Rule {
 public:
  using Rule::Rule;

  void OnPort(const sema::ExposedPort& port) override {
    if (port.has_host) {
      Report(fmt::format("EXPOSE instruction should not define an IP address or host-port mapping, found '{}'",
                         port.word));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(ExposeInvalidFormat)

}  // namespace loam::lint
