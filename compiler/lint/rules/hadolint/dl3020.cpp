// DL3020: ADD of files that COPY would copy as well.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool NeedsAdd(std::string_view source) {
  if (HasVariable(source) || source.find("://") != std::string_view::npos || source.starts_with("git@")) {
    return true;
  }
  for (const std::string_view end : {".tar", ".Z", ".bz2", ".gz", ".lz", ".lzma", ".tZ", ".tb2", ".tbz", ".tbz2",
                                     ".tgz", ".tlz", ".tpz", ".txz", ".xz"}) {
    if (source.ends_with(end)) {
      return true;
    }
  }
  return false;
}

}  // namespace

void CheckDL3020(const FileView& file, const Reporter& report) {
  Each<ast::Add>(file, [&](const InstructionView& view, const ast::Add& add) {
    const std::vector<std::string> paths = Paths(add);
    if (paths.size() < 2 || std::any_of(paths.begin(), paths.end() - 1, NeedsAdd)) {
      return;
    }
    const std::string_view keyword = add.keyword.text;
    std::vector<Fix> fixes;
    if (!add.checksum.present() && !add.keep_git_dir && !add.unpack) {
      const std::string copy = keyword == ToLowerAscii(keyword) ? "copy" : "COPY";
      fixes.push_back({fmt::format("write `{}`", copy), {{add.keyword.range, copy}}, FixSafety::kUnsafe});
    }
    report(view, report.description(), std::move(fixes));
  });
}

}  // namespace loam::lint::hadolint
