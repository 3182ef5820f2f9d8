#include "compiler/lint/maintainer_fix.h"

#include "base/strings.h"

namespace loam::lint {

std::vector<Fix> MaintainerFixes(const ast::Maintainer& maintainer) {
  std::string_view name = TrimSpace(maintainer.name.text);
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
    name = name.substr(1, name.size() - 2);
  }
  // A variable would be expanded in a label, a backslash or a quote needs more thought than a tool has.
  if (name.empty() || !maintainer.name.range.valid() || name.find_first_of("\"\\$`") != std::string_view::npos ||
      maintainer.lines.first != maintainer.last_header_line) {
    return {};
  }
  const std::string_view keyword = maintainer.keyword.text;
  const std::string label = keyword == ToLowerAscii(keyword) ? "label" : "LABEL";
  return {{"write it as a label",
           {{maintainer.keyword.range, label},
            {maintainer.name.range, "org.opencontainers.image.authors=\"" + std::string(name) + "\""}},
           FixSafety::kUnsafe}};
}

}  // namespace loam::lint
