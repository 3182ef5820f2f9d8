// UndeclaredBuiltin: `$EARTHLY_TARGET` without `ARG EARTHLY_TARGET`.
#include "compiler/lint/earthfile/rule.h"

#include <set>

#include "compiler/sema/earthfile/builtin_args.h"

namespace loam::lint::earthfile {

void CheckUndeclaredBuiltin(const FileView& file, const Reporter& report) {
  std::set<std::pair<std::size_t, std::string_view>> told;
  for (const sema::VariableUse& use : file.symbols.uses) {
    // An ENV of the base image, or whoever calls a function, may set others.
    const bool is_ours = use.name.starts_with("EARTHLY_") || use.name.starts_with("EARTH_") ||
                         use.name == "TARGETPLATFORM" || use.name == "NATIVEPLATFORM" || use.name == "USERPLATFORM";
    if (!is_ours || use.name == "EARTHLY_WITH_DOCKER" || !loam::sema::earthfile::IsBuiltinArg(use.name) ||
        file.symbols.FindVariable(use.name, use.scope, use.range.begin) != nullptr ||
        !told.emplace(use.scope, use.name).second) {
      continue;
    }
    std::vector<Fix> fixes;
    const sema::RecipeScope& scope = file.symbols.scopes[use.scope];
    if (use.command != nullptr && scope.kind != sema::ScopeKind::kBase) {
      const std::uint32_t at = WholeLines(*file.buffer, use.command->location.range).begin;
      const std::string_view indent = file.buffer->text().substr(at, use.command->location.range.begin - at);
      fixes = UnsafeFix(fmt::format("declare `ARG {}`", use.name), file.buffer->Range(at, at),
                        fmt::format("{}ARG {}\n", indent, use.name));
    }
    report(use.range, fmt::format("`{0}` is empty here: declare it, `ARG {0}`", use.name), std::move(fixes));
  }
}

}  // namespace loam::lint::earthfile
