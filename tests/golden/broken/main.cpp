// Dockerfiles with a mistake that people make, and what they are told: each message says what to change.
#include "compiler/diagnostics/render.h"
#include "compiler/driver/compile.h"
#include "compiler/sema/json_build_host.h"
#include "tests/golden/compare.h"

int main(int argc, char** argv) {
  using namespace loam;
  return golden::RunGolden(argc, argv, LOAM_GOLDEN_DIR, ".Dockerfile",
                           [](const source::SourceManager& /*sources*/, const source::Buffer& file) -> golden::Outputs {
                             sema::JsonBuildHost host;
                             for (const char* image : {"alpine:3.20", "golang:1.22"}) {
                               host.AddImage(std::string("docker.io/library/") + image,
                                             "sha256:" + std::string(64, '1'),
                                             R"({"os":"linux","architecture":"amd64","config":{},)"
                                             R"("rootfs":{"type":"layers","diff_ids":["sha256:0"]}})");
                             }
                             source::SourceManager sources;
                             const auto buffer = sources.AddText("Dockerfile", std::string(file.text()));
                             diag::CollectingConsumer consumer;
                             diag::Emitter emitter(consumer);
                             driver::CompileOptions options;
                             options.dockerfile.platforms = {"linux/amd64"};
                             options.dockerfile.build_platform = "linux/amd64";
                             const auto result = driver::Compile(sources, *buffer.value(), options, host, emitter);
                             std::vector<diag::Diagnostic> diagnostics = consumer.Take();
                             diag::SortByPosition(diagnostics);
                             std::string text = diag::RenderTerminal(diagnostics, sources);
                             if (!result || result->ok) {
                               text += "it was accepted\n";
                             }
                             return {{".diagnostics", text}};
                           });
}
