// MissingVersion: no VERSION in the first line.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckMissingVersion(const FileView& file, const Reporter& report) {
  if (file.file->version == nullptr && !file.buffer->text().empty()) {
    const std::uint32_t at = file.buffer->bom_size();
    const source::SourceRange start = file.buffer->Range(at, at);
    report(start, "the file has to begin with the version of the language: `VERSION 0.8`",
           UnsafeFix("add `VERSION 0.8`", start, "VERSION 0.8\n\n"));
  }
}

}  // namespace loam::lint::earthfile
