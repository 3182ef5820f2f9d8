// Text -> tokens and lossless tree, and what is reported.
#include "compiler/diagnostics/render.h"
#include "compiler/parse/parse.h"
#include "tests/golden/compare.h"

int main(int argc, char** argv) {
  using namespace loam;
  return golden::RunGolden(
      argc, argv, LOAM_GOLDEN_DIR, ".Dockerfile",
      [](const source::SourceManager& sources, const source::Buffer& buffer) -> golden::Outputs {
        diag::CollectingConsumer consumer;
        diag::Emitter emitter(consumer);
        const parse::ParseResult result = parse::ParseDockerfile(buffer, emitter);
        const bool is_lossless = syntax::PrintSource(*result.tree) == buffer.text();
        return {{".tokens", is_lossless ? syntax::PrintTokens(*result.tree) : "the tokens are not the text\n"},
                {".tree", syntax::PrintTree(*result.tree)},
                {".diagnostics", diag::RenderTerminal(consumer.diagnostics(), sources)}};
      });
}
