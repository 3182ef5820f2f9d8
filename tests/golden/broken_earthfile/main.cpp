// Projects of Earthfiles with a mistake that people make, and what they are told: the place, what is wrong, the way
// out.
// `+all` is built by a host that runs nothing; a line `### path` begins another file of the project.
#include "compiler/diagnostics/render.h"
#include "compiler/driver/earthfile/compile.h"
#include "compiler/sema/earthfile/project.h"
#include "tests/golden/compare.h"
#include "tests/support/earthfile_hosts.h"

int main(int argc, char** argv) {
  using namespace loam;
  using namespace loam::sema::earthfile;
  return golden::RunGolden(argc, argv, LOAM_GOLDEN_DIR, ".earth",
                           [](const source::SourceManager& /*sources*/, const source::Buffer& file) -> golden::Outputs {
                             MemoryProjectHost projects;
                             projects.files = SplitFiles(file.text());
                             source::SourceManager sources;
                             Gate gate;
                             TableBuildHost host;
                             host.gate = &gate;
                             host.answers["exit 3"] = {.exit_code = 3, .standard_output = {}};
                             NotingEffects effects;
                             Project project(projects, sources, {"", "/home/me", &gate});
                             EvaluateRequest request;
                             request.roots = {"+all"};
                             request.args = {{"mode", "fast"}};
                             request.project = &project;
                             request.sources = &sources;
                             request.host = &host;
                             request.effects = &effects;
                             request.gate = &gate;
                             request.options.native_platform = "linux/amd64";
                             request.options.user_platform = "linux/amd64";
                             request.options.invocation_directory = "/project";
                             request.options.parallelism = 1;
                             diag::CollectingConsumer consumer;
                             diag::Emitter emitter(consumer);
                             const auto compiled = driver::earthfile::Compile(request, {}, emitter);
                             std::vector<diag::Diagnostic> diagnostics = consumer.Take();
                             diag::SortByPosition(diagnostics);
                             std::string text = diag::RenderTerminal(diagnostics, sources);
                             if (compiled && *compiled) {
                               text += "it was accepted\n";
                             }
                             return {{".diagnostics", text}};
                           });
}
