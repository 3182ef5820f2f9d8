// DeprecatedBuildArg: `--build-arg name=value` in front of a reference.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckDeprecatedBuildArg(const FileView& file, const Reporter& report) {
  for (const sema::ReferenceUse& use : file.symbols.references) {
    for (const sema::PassedArgument& argument : use.arguments) {
      if (!argument.build_arg) {
        continue;
      }
      std::vector<Fix> fixes;
      // A value without `=` is taken from the variable of that name; one artifact of a COPY is in no parentheses yet.
      const std::string_view value =
          file.buffer->TextOf({argument.name_range.file, argument.name_range.begin, argument.range.end});
      if (use.kind != sema::ReferenceKind::kCopy && use.kind != sema::ReferenceKind::kLoad &&
          value.find('=') != std::string_view::npos && argument.range.end < use.range.begin) {
        source::SourceRange removed = argument.range;
        while (removed.end < use.range.begin && file.buffer->text()[removed.end] == ' ') {
          ++removed.end;
        }
        const std::uint32_t end = use.command->location.range.end;
        fixes = {{"pass it behind the reference",
                  {{removed, ""}, {file.buffer->Range(end, end), fmt::format(" --{}", value)}},
                  FixSafety::kSafe}};
      }
      report(argument.range, fmt::format("write `--{}=…` behind `{}`", argument.name, use.text), std::move(fixes));
    }
  }
}

}  // namespace loam::lint::earthfile
