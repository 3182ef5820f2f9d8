// Dockerfile -> IR and image config, at -O0, with recorded base images.
#include "compiler/diagnostics/render.h"
#include "compiler/driver/compile.h"
#include "compiler/ir/text.h"
#include "compiler/sema/json_build_host.h"
#include "tests/golden/compare.h"

int main(int argc, char** argv) {
  using namespace loam;
  return golden::RunGolden(
      argc, argv, LOAM_GOLDEN_DIR, ".Dockerfile",
      [](const source::SourceManager&, const source::Buffer& input) -> golden::Outputs {
        sema::JsonBuildHost host;
        const std::string digest = "sha256:" + std::string(64, 'a');
        host.AddImage("docker.io/library/alpine:latest", digest,
                      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:1"]},)"
                      R"("config":{"Env":["PATH=/bin","BASE=1"],"Cmd":["sh"],"WorkingDir":"/base"}})");
        host.AddImage("docker.io/library/onbuild:1", digest,
                      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:1"]},)"
                      R"("config":{"User":"1000:1000","OnBuild":["COPY . /src","RUN make"]}})");
        driver::CompileOptions options;
        options.dockerfile.platforms = {"linux/amd64"};
        options.dockerfile.build_platform = "linux/amd64";
        options.dockerfile.local_unique_id = "unique";
        options.stop_after = driver::StopAfter::kSema;
        options.verify = true;
        source::SourceManager sources;
        diag::CollectingConsumer consumer;
        diag::Emitter emitter(consumer);
        const auto buffer = sources.AddText(input.name(), std::string(input.text()));
        if (!buffer) {
          return {{".ir", buffer.error().message()}};
        }
        const auto result = driver::Compile(sources, **buffer, options, host, emitter);
        if (!result) {
          return {{".ir", result.error().message() + "\n"}};
        }
        return {{".ir",
                 result->ok ? ir::PrintModule(result->module) : diag::RenderTerminal(consumer.diagnostics(), sources)}};
      });
}
