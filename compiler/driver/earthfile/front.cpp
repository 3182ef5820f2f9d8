#include "compiler/driver/earthfile/front.h"

#include "base/check.h"
#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/ast/earthfile/print.h"
#include "compiler/parse/earthfile.h"

namespace loam::driver::earthfile {

bool IsEarthfileName(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  return name == "Earthfile" || name.ends_with(".earth") || name.starts_with("Earthfile.");
}

std::string PrintFront(FrontStage stage, const source::Buffer& buffer, diag::Emitter& emitter) {
  auto tree = parse::ParseEarthfile(buffer, emitter);
  const std::string text = stage == FrontStage::kTokens ? syntax::earthfile::PrintTokens(*tree)
                           : stage == FrontStage::kTree ? syntax::earthfile::PrintTree(*tree)
                                                        : std::string();
  const ast::earthfile::Earthfile file = ast::earthfile::BuildEarthfile(std::move(tree), emitter);
  switch (stage) {
    case FrontStage::kTokens:
    case FrontStage::kTree:
      return text;
    case FrontStage::kAst:
      return ast::earthfile::PrintJson(file, buffer);
    case FrontStage::kAstSourceMap:
      return ast::earthfile::PrintJson(file, buffer, {.source_map = true});
  }
  LOAM_UNREACHABLE("stage");
}

}  // namespace loam::driver::earthfile
