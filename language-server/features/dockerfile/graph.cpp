#include "compiler/driver/build_graph.h"
#include "compiler/driver/compile.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/editor_build_host.h"
#include "language-server/features/dockerfile/features.h"
#include "llb-emit/read.h"

namespace loam::lsp::dockerfile {

Result<std::string> Graph(const Query& query) {
  source::SourceManager sources;
  const std::string& path = query.document.path();
  const auto* buffer =
      LOAM_TRY(sources.AddText(path.empty() ? "Dockerfile" : path, std::string(query.document.text().bytes())));
  EditorBuildHost host(query);
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  driver::CompileOptions options;
  options.dockerfile.read_dockerignore = !path.empty();
  const driver::CompileResult compiled = LOAM_TRY(driver::Compile(sources, *buffer, options, host, emitter));
  if (!compiled.ok || compiled.platforms.empty()) {
    const auto& found = consumer.diagnostics();
    return Unexpected(ErrorCode::kFailedPrecondition,
                      found.empty() ? "the file does not compile" : found.front().message);
  }
  const llb::Graph llb = LOAM_TRY(llb::ReadDefinition(compiled.platforms.front().definition.bytes));
  driver::BuildGraph graph = driver::MakeBuildGraph(llb);
  graph.title = path.substr(path.rfind('/') + 1);
  return driver::GraphMermaid(graph);
}

}  // namespace loam::lsp::dockerfile
