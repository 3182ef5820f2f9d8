// RedundantVersionFlag: VERSION names a feature that the version has anyway.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckRedundantVersionFlag(const FileView& file, const Reporter& report) {
  if (!file.version) {
    return;
  }
  for (const sema::Word& word : file.version->already_default) {
    source::SourceRange removed = word.range;
    const std::string_view text = file.buffer->text();
    while (removed.end < text.size() && (text[removed.end] == ' ' || text[removed.end] == '\t')) {
      ++removed.end;
    }
    report(word.range,
           fmt::format("version {}.{} has `{}` anyway", file.version->features.major(), file.version->features.minor(),
                       word.text),
           SafeFix("remove it", removed, ""));
  }
}

}  // namespace loam::lint::earthfile
