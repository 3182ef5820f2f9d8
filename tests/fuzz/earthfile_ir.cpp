// Earthfile text -> typed tree -> static check -> IR, with hosts that answer without running anything, and the
// conversion of its targets to Dockerfiles. The input may hold several files: a line `### path` begins one. What the
// check accepts and rejects is reported; what is evaluated can be printed and verified.
#include <functional>
#include <string>

#include "base/check.h"
#include "compiler/convert/to_dockerfile.h"
#include "compiler/diagnostics/render.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verifier.h"
#include "compiler/passes/pass_manager.h"
#include "compiler/sema/earthfile/evaluate.h"
#include "compiler/sema/earthfile/project.h"
#include "tests/fuzz/target.h"
#include "tests/support/earthfile_hosts.h"

namespace {

using namespace loam;
using namespace loam::sema::earthfile;
using loam::sema::ProcessResult;

constexpr std::size_t kMaxRoots = 6;

// Answers that depend on the question alone: conditions of both outcomes, lists of several lengths.
class ScriptedBuildHost : public TableBuildHost {
 public:
  Result<ProcessResult> Run(ir::Graph& graph, ir::Value capture) override {
    const std::string script = ScriptOf(graph.node(capture).As<ir::ExecAttrs>());
    const std::size_t hash = std::hash<std::string>()(script);
    const Gate::Opened opened(gate);
    ProcessResult result;
    result.exit_code = static_cast<int>(hash % 3 == 0);
    constexpr std::string_view kOutputs[] = {"", "x\n", "a b\nc", "+t", "./lib+x", "--x=1", "$y", "\"'"};
    result.standard_output = kOutputs[hash / 3 % std::size(kOutputs)];
    return result;
  }
};

// The graph is whole and prints, before and after the passes.
void CheckModule(EvaluateOutcome& outcome) {
  ir::Module& module = outcome.module;
  const auto add = [&module](ir::Value fs) { module.results.emplace_back().fs = fs; };
  for (const Outputs* const outputs : {&outcome.outputs, &outcome.after_push}) {
    for (const ImageOutput& image : outputs->images) {
      add(image.fs);
    }
    for (const ArtifactOutput& artifact : outputs->artifacts) {
      add(artifact.fs);
    }
    for (const ir::Value state : outputs->states) {
      add(state);
    }
  }
  for (const ir::Value root : outcome.roots) {
    add(root);
  }
  LOAM_CHECK(ir::Verify(module).has_value(), "the evaluation made a graph that is not whole");
  static_cast<void>(ir::PrintModule(module));
  LOAM_CHECK(passes::RunPasses(module, {.level = passes::OptLevel::kO1, .verify = true}).has_value(),
             "a pass broke the graph");
}

void EvaluateTarget(const std::map<std::string, std::string>& files, const std::string& root) {
  MemoryProjectHost projects;
  projects.files = files;
  source::SourceManager sources;
  Gate gate;
  ScriptedBuildHost host;
  host.gate = &gate;
  host.files = {{"/Dockerfile", "FROM scratch\nCOPY . /\n"}, {"Dockerfile", "FROM a\nRUN x\n"}};
  NotingEffects effects;
  Project project(projects, sources, {"", "/home/me", &gate});
  EvaluateRequest request;
  request.roots = {root};
  request.args = {{"x", "1"}};
  request.project = &project;
  request.sources = &sources;
  request.host = &host;
  request.effects = &effects;
  request.gate = &gate;
  request.options.native_platform = "linux/amd64";
  request.options.user_platform = "linux/amd64";
  request.options.invocation_directory = "/project";
  request.options.local_unique_id = "unique";
  request.options.allow_privileged = true;
  request.options.push = root.size() % 2 == 0;
  request.options.parallelism = 1;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  auto outcome = Evaluate(request, emitter);
  if (outcome && !*outcome) {
    LOAM_CHECK(emitter.has_errors(), "no result, and nothing was said");
  }
  if (outcome && *outcome) {
    LOAM_CHECK(!emitter.has_errors(), "a result in spite of errors");
    CheckModule(**outcome);
  }
  static_cast<void>(diag::RenderTerminal(consumer.diagnostics(), sources));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::map<std::string, std::string> files =
      SplitFiles(std::string_view(reinterpret_cast<const char*>(data), size));
  source::SourceManager sources;
  const auto buffer = sources.AddText("Earthfile", files.at("Earthfile"));
  if (!buffer) {
    return 0;
  }
  const auto file = ParseProjectFile(**buffer, "");
  if (!file) {
    EvaluateTarget(files, "+t");
    return 0;
  }
  std::size_t roots = 0;
  for (const ast::earthfile::Target& target : file->ast.targets) {
    if (++roots > kMaxRoots) {
      break;
    }
    EvaluateTarget(files, "+" + std::string(target.name));
    diag::CollectingConsumer consumer;
    diag::Emitter emitter(consumer);
    const auto text = convert::ToDockerfile(*file, target.name, emitter);
    LOAM_CHECK(text.has_value() != emitter.has_errors(), "a Dockerfile in spite of errors, or neither");
  }
  return 0;
}
