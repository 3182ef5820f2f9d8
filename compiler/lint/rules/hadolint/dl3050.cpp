// DL3050: labels outside of the schema.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3050(const FileView& file, const Reporter& report) {
  if (!file.options->strict_labels) {
    return;
  }
  Each<ast::Label>(file, [&](const InstructionView& view, const ast::Label& label) {
    for (const ast::KeyValue& pair : label.pairs) {
      const std::string_view key = Unquote(pair.key.text);
      if (!file.options->label_schema.contains(key)) {
        report(view, fmt::format("label `{}` is not in the schema", key));
        return;
      }
    }
  });
}

}  // namespace loam::lint::hadolint
