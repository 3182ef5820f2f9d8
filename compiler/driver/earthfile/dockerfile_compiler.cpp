#include "compiler/driver/earthfile/dockerfile_compiler.h"

#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/driver/trigger_parser.h"
#include "compiler/parse/parse.h"
#include "compiler/sema/dockerfile/convert.h"
#include "compiler/sema/forwarding_build_host.h"

namespace loam::driver::earthfile {
namespace {

// The same host, asked from one thread only: the one that holds the gate.
class OneThreadHost : public sema::ForwardingBuildHost {
 public:
  using ForwardingBuildHost::ForwardingBuildHost;

  [[nodiscard]] bool AnswersAtOnce() const override { return true; }
};

}  // namespace

bool FromDockerfileCompiler::Compile(std::string_view name, std::string text, const sema::DockerfileOptions& options,
                                     ir::Value context, sema::BuildHost& host, ir::Module& module,
                                     diag::Emitter& emitter) {
  const auto buffer = sources_->AddText(std::string(name), std::move(text));
  if (!buffer) {
    return false;
  }
  parse::ParseResult parsed = parse::ParseDockerfile(**buffer, emitter);
  const ast::Dockerfile file = ast::BuildDockerfile(std::move(parsed.tree), **buffer, emitter);
  if (emitter.has_errors()) {
    return false;
  }
  OneThreadHost one_thread(host);
  DockerfileTriggerParser triggers(*sources_);
  sema::ConvertInput input;
  input.file = &file;
  input.buffer = *buffer;
  input.options = &options;
  input.host = &one_thread;
  input.triggers = &triggers;
  input.context = context;
  return sema::ConvertDockerfile(input, module, emitter);
}

}  // namespace loam::driver::earthfile
