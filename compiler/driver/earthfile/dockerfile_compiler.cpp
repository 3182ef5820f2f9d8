#include "compiler/driver/earthfile/dockerfile_compiler.h"

#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/driver/trigger_parser.h"
#include "compiler/parse/parse.h"
#include "compiler/sema/dockerfile/convert.h"

namespace loam::driver::earthfile {
namespace {

// The same host, asked from one thread only: the one that holds the gate.
class OneThreadHost : public sema::BuildHost {
 public:
  explicit OneThreadHost(sema::BuildHost& host) : host_(host) {}

  [[nodiscard]] bool AnswersAtOnce() const override { return true; }
  Result<sema::ImageMetadata> ResolveImage(const sema::ImageQuery& query) override { return host_.ResolveImage(query); }
  Result<> Evaluate(ir::Graph& graph, ir::Value fs) override { return host_.Evaluate(graph, fs); }
  Result<std::string> ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path, std::uint64_t limit) override {
    return host_.ReadFile(graph, fs, path, limit);
  }
  Result<sema::FileStat> StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) override {
    return host_.StatFile(graph, fs, path);
  }
  Result<std::vector<sema::FileStat>> ListDirectory(ir::Graph& graph, ir::Value fs, std::string_view path) override {
    return host_.ListDirectory(graph, fs, path);
  }
  Result<sema::ProcessResult> Run(ir::Graph& graph, ir::Value capture) override { return host_.Run(graph, capture); }
  Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) override {
    return host_.SourceTime(graph, source);
  }
  Result<sema::RemoteProject> FetchProject(ir::Graph& graph, std::string_view reference) override {
    return host_.FetchProject(graph, reference);
  }
  Result<std::vector<std::string>> ListContext(std::string_view name) override { return host_.ListContext(name); }
  Result<std::string> ReadContextFile(std::string_view name, std::string_view path) override {
    return host_.ReadContextFile(name, path);
  }
  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override {
    return host_.ReadDockerfileNeighbour(path);
  }

 private:
  sema::BuildHost& host_;
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
