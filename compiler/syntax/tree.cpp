#include "compiler/syntax/tree.h"

namespace loam::syntax {

std::string_view NodeKindName(NodeKind kind) {
  switch (kind) {
    case NodeKind::kFile:
      return "file";
    case NodeKind::kDirective:
      return "directive";
    case NodeKind::kInstruction:
      return "instruction";
    case NodeKind::kBody:
      return "body";
    case NodeKind::kStageName:
      return "stage-name";
    case NodeKind::kJsonArray:
      return "json-array";
    case NodeKind::kHeredoc:
      return "heredoc";
  }
  return "";
}

source::SourceRange Tree::RangeOf(const Node& node) const {
  source::SourceRange range;
  for (std::uint32_t i = node.first_token; i < node.end_token; ++i) {
    if (!IsTrivia(tokens[i].kind)) {
      range = source::Cover(range, RangeOf(tokens[i]));
    }
  }
  return range;
}

}  // namespace loam::syntax
