// UnknownArgument: `BUILD +t --name=value` where neither `+t` nor anything else of its file has an ARG of that name.
#include "base/strings.h"
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckUnknownArgument(const FileView& file, const Reporter& report) {
  for (const sema::ReferenceUse& use : file.symbols.references) {
    // What a target is called with also reaches the targets that it uses in turn; those of other files are not known.
    if (!use.reference || !use.reference->IsLocalInternal() || use.reference->IsImport() ||
        use.kind == sema::ReferenceKind::kDockerfile || file.symbols.FindRecipe(use.reference->name) == nullptr) {
      continue;
    }
    for (const sema::PassedArgument& argument : use.arguments) {
      if (argument.name.empty() || argument.name.find('$') != std::string::npos) {
        continue;
      }
      std::vector<std::string> known;
      bool declared = false;
      for (const sema::VariableDefinition& variable : file.symbols.variables) {
        if (variable.kind == sema::VariableKind::kArg) {
          declared = declared || variable.name == argument.name;
          known.emplace_back(variable.name);
        }
      }
      bool leaves_file = false;  // to a target that may declare it
      for (const sema::ReferenceUse& other : file.symbols.references) {
        leaves_file = leaves_file || other.pass_args;
      }
      if (declared || leaves_file) {
        continue;
      }
      const auto near = NearestWord(argument.name, known);
      report(argument.name_range,
             fmt::format("no ARG of this file is named `{}`{}", argument.name,
                         near ? fmt::format("; did you mean `{}`?", *near) : std::string()),
             near ? UnsafeFix(fmt::format("write `{}`", *near), argument.name_range, *near) : std::vector<Fix>());
    }
  }
}

}  // namespace loam::lint::earthfile
