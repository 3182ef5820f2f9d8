// Text -> tree -> AST -> IR -> LLB at -O0 and -O1, verified on the way; what was emitted must be readable.
#include <string>
#include <string_view>

#include "base/check.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/compile.h"
#include "compiler/ir/text.h"
#include "compiler/sema/json_build_host.h"
#include "compiler/sema/unknown_build_host.h"
#include "llb-emit/read.h"
#include "tests/fuzz/target.h"

namespace {

using namespace loam;

sema::JsonBuildHost KnownImages() {
  sema::JsonBuildHost host;
  const std::string digest = "sha256:" + std::string(64, 'a');
  const std::string config =
      R"({"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin","A=b"],"Cmd":["sh"],"WorkingDir":"/w",)"
      R"("User":"u","OnBuild":["RUN make","COPY . /src"]},"rootfs":{"type":"layers","diff_ids":[]}})";
  for (const char* name : {"alpine", "busybox", "debian", "ubuntu", "golang", "node", "python"}) {
    host.AddImage("docker.io/library/" + std::string(name) + ":latest", digest, config);
  }
  return host;
}

void CheckResult(const driver::CompileResult& result) {
  for (const driver::CompiledPlatform& platform : result.platforms) {
    LOAM_CHECK(llb::ReadDefinition(platform.definition.bytes).has_value(), "what was emitted cannot be read");
  }
  const std::string printed = ir::PrintModule(result.module);
  const Result<ir::Module> again = ir::ParseModule(printed);
  LOAM_CHECK(again.has_value(), "what was printed cannot be parsed");
  LOAM_CHECK(ir::PrintModule(*again) == printed, "printing and parsing changes a module");
}

void CompileOnce(const std::string& text, passes::OptLevel level, sema::BuildHost& host) {
  source::SourceManager sources;
  const auto buffer = sources.AddText("Dockerfile", text);
  if (!buffer) {
    return;
  }
  driver::CompileOptions options;
  options.level = level;
  options.verify = true;
  options.lint = true;
  options.all_stages = true;
  options.dockerfile.build_platform = "linux/amd64";
  options.dockerfile.build_args = {{"A", "x y"}};
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto result = driver::Compile(sources, **buffer, options, host, emitter);
  LOAM_CHECK(result.has_value(), result.has_value() ? "" : result.error().message().c_str());
  LOAM_CHECK(result->ok || emitter.has_errors(), "failed without saying why");
  if (result->ok) {
    CheckResult(*result);
  }
  static_cast<void>(diag::RenderTerminal(consumer.diagnostics(), sources));
  static_cast<void>(diag::RenderJson(consumer.diagnostics(), sources));
  static_cast<void>(diag::RenderSarif(consumer.diagnostics(), sources, "0"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  sema::JsonBuildHost known = KnownImages();
  sema::UnknownBuildHost unknown;
  CompileOnce(text, passes::OptLevel::kO0, known);
  CompileOnce(text, passes::OptLevel::kO1, known);
  CompileOnce(text, passes::OptLevel::kO0, unknown);
  return 0;
}
