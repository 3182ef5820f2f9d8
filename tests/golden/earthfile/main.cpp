// Earthfile text -> lossless tree -> typed tree with source map, and what is reported on the way.
#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/ast/earthfile/print.h"
#include "compiler/diagnostics/render.h"
#include "compiler/parse/earthfile.h"
#include "tests/golden/compare.h"

int main(int argc, char** argv) {
  using namespace loam;
  return golden::RunGolden(
      argc, argv, LOAM_GOLDEN_DIR, ".earth",
      [](const source::SourceManager& sources, const source::Buffer& buffer) -> golden::Outputs {
        diag::CollectingConsumer consumer;
        diag::Emitter emitter(consumer);
        const auto tree = parse::ParseEarthfile(buffer, emitter);
        const ast::earthfile::Earthfile file = ast::earthfile::BuildEarthfile(tree, emitter);
        std::vector<diag::Diagnostic> diagnostics = consumer.Take();
        diag::SortByPosition(diagnostics);
        golden::Outputs outputs = {{".tree", syntax::earthfile::PrintTree(*tree)},
                                   {".diagnostics", diag::RenderTerminal(diagnostics, sources)}};
        if (syntax::earthfile::PrintSource(*tree) != buffer.text()) {
          outputs.push_back({".lossless", "the tree is not the file\n"});
        }
        if (!emitter.has_errors()) {
          outputs.push_back({".json", ast::earthfile::PrintJson(file, buffer, {.source_map = true})});
        } else {
          outputs.push_back({".tokens", syntax::earthfile::PrintTokens(*tree)});
        }
        return outputs;
      });
}
