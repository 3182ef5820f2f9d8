#include "compiler/ast/dockerfile/heredoc.h"

namespace loam::ast {

std::string ChompHeredoc(std::string_view content) {
  std::string out;
  out.reserve(content.size());
  bool at_line_start = true;
  for (const char c : content) {
    if (c == '\t' && at_line_start) {
      continue;
    }
    out.push_back(c);
    at_line_start = c == '\n';
  }
  return out;
}

}  // namespace loam::ast
