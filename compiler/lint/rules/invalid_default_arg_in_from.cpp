// InvalidDefaultArgInFrom: an image whose name is wrong as long as no build argument is given.
#include <fmt/format.h>

#include "base/image_reference.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class InvalidDefaultArgInFrom : public Rule {
 public:
  using Rule::Rule;

  void OnDefaultBase(const ast::From& from, std::string_view image) override {
    if (!ParseImageReference(image)) {
      Report(from.lines,
             fmt::format("Default value for ARG {} results in empty or invalid base image name", from.base.text));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(InvalidDefaultArgInFrom)

}  // namespace loam::lint
