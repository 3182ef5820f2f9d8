// Earthfile text -> lossless tree -> typed tree -> JSON. The tree is the text; what is accepted prints without loss of
// the source map's order.
#include <string>

#include "base/check.h"
#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/ast/earthfile/print.h"
#include "compiler/diagnostics/render.h"
#include "compiler/parse/earthfile.h"
#include "tests/fuzz/target.h"

namespace {

using namespace loam;

void CheckTree(const syntax::earthfile::Tree& tree) {
  LOAM_CHECK(syntax::earthfile::PrintSource(tree) == tree.buffer().text(), "the tree is not the text");
  LOAM_CHECK(!tree.nodes.empty(), "a tree has a file");
  for (const syntax::earthfile::Node& node : tree.nodes) {
    LOAM_CHECK(node.first_token <= node.end_token && node.end_token <= tree.tokens.size() &&
                   node.end_node <= tree.nodes.size(),
               "a node outside of its tree");
  }
  static_cast<void>(syntax::earthfile::PrintTree(tree));
  static_cast<void>(syntax::earthfile::PrintTokens(tree));
}

void CheckBlock(ast::earthfile::Block block, std::uint32_t end) {
  for (const ast::earthfile::Statement& statement : block) {
    LOAM_CHECK(statement.location.range.valid() && statement.location.range.end <= end, "a statement without a place");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  source::SourceManager sources;
  const auto buffer = sources.AddText("Earthfile", std::string(reinterpret_cast<const char*>(data), size));
  if (!buffer) {
    return 0;
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto tree = parse::ParseEarthfile(**buffer, emitter);
  CheckTree(*tree);
  const ast::earthfile::Earthfile file = ast::earthfile::BuildEarthfile(tree, emitter);
  CheckBlock(file.base_recipe, static_cast<std::uint32_t>(size));
  for (const ast::earthfile::Target& target : file.targets) {
    CheckBlock(target.recipe, static_cast<std::uint32_t>(size));
  }
  for (const bool source_map : {false, true}) {
    static_cast<void>(ast::earthfile::PrintJson(file, **buffer, {.source_map = source_map}));
  }
  static_cast<void>(diag::RenderTerminal(consumer.diagnostics(), sources));
  return 0;
}
