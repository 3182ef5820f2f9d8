// OldVersion: VERSION 0.6 or 0.7.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckOldVersion(const FileView& file, const Reporter& report) {
  if (file.version && !file.version->features.AtLeast(0, 8) && file.version->features.minor() > 0) {
    report(file.file->version->range,
           fmt::format("0.8 is the current version of the language, this file is written in {}.{}",
                       file.version->features.major(), file.version->features.minor()));
  }
}

}  // namespace loam::lint::earthfile
