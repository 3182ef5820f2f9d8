#include "compiler/ast/earthfile/ast.h"

#include <algorithm>

namespace loam::ast::earthfile {

std::string_view KeywordOf(CommandKind kind) {
  switch (kind) {
#define LOAM_EARTH_COMMAND(Name, KEYWORD) \
  case CommandKind::k##Name:              \
    return KEYWORD;
#include "compiler/syntax/earth_commands.def"
#undef LOAM_EARTH_COMMAND
    case CommandKind::kDocker:
      return "DOCKER";
  }
  return "";
}

const Target* Earthfile::FindTarget(std::string_view name) const {
  const auto found = std::find_if(targets.begin(), targets.end(), [&](const Target& t) { return t.name == name; });
  return found == targets.end() ? nullptr : &*found;
}

const Function* Earthfile::FindFunction(std::string_view name) const {
  const auto found =
      std::find_if(functions.begin(), functions.end(), [&](const Function& f) { return f.name == name; });
  return found == functions.end() ? nullptr : &*found;
}

}  // namespace loam::ast::earthfile
