// Text -> typed tree, and what is reported on the way.
#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/ast/dockerfile/print.h"
#include "compiler/diagnostics/render.h"
#include "compiler/parse/parse.h"
#include "tests/golden/compare.h"

int main(int argc, char** argv) {
  using namespace loam;
  return golden::RunGolden(argc, argv, LOAM_GOLDEN_DIR, ".Dockerfile",
                           [](const source::SourceManager& sources, const source::Buffer& buffer) -> golden::Outputs {
                             diag::CollectingConsumer consumer;
                             diag::Emitter emitter(consumer);
                             const parse::ParseResult result = parse::ParseDockerfile(buffer, emitter);
                             const ast::Dockerfile dockerfile = ast::BuildDockerfile(result.tree, buffer, emitter);
                             std::vector<diag::Diagnostic> diagnostics = consumer.Take();
                             diag::SortByPosition(diagnostics);
                             golden::Outputs outputs = {{".ast", ast::PrintText(dockerfile, buffer)},
                                                        {".diagnostics", diag::RenderTerminal(diagnostics, sources)}};
                             // One example of the other forms is enough: they show the same.
                             if (buffer.name() == "small.Dockerfile") {
                               outputs.push_back({".json", ast::PrintJson(dockerfile, buffer)});
                             }
                             if (buffer.name() == "errors.Dockerfile") {
                               outputs.push_back({".diagnostics.json", diag::RenderJson(diagnostics, sources)});
                               outputs.push_back({".sarif", diag::RenderSarif(diagnostics, sources, "0.0.0")});
                             }
                             return outputs;
                           });
}
