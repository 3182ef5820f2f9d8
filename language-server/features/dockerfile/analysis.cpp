#include "language-server/features/dockerfile/analysis.h"

#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/driver/compile.h"
#include "compiler/lint/selection.h"
#include "compiler/parse/parse.h"
#include "language-server/features/dockerfile/editor_build_host.h"
#include "language-server/features/dockerfile/names.h"

namespace loam::lsp {

DockerfileAnalysis::DockerfileAnalysis(const Document& document) : sources_(std::make_unique<source::SourceManager>()) {
  const std::string name = document.path().empty() ? "Dockerfile" : document.path();
  auto buffer = sources_->AddText(name, std::string(document.text().bytes()));
  if (!buffer) {
    // Too large for offsets of 32 bits: as if it were empty.
    buffer = sources_->AddText(name, std::string());
  }
  buffer_ = *buffer;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  parse::ParseResult parsed = parse::ParseDockerfile(*buffer_, emitter);
  file_ = ast::BuildDockerfile(std::move(parsed.tree), *buffer_, emitter);
  syntax_ = consumer.Take();
}

DockerfileAnalysis::~DockerfileAnalysis() = default;

const dockerfile::Names& DockerfileAnalysis::names(StoreFacts& store) const {
  if (names_ == nullptr) {
    names_ = std::make_unique<dockerfile::Names>(*this, store);
  }
  return *names_;
}

const CheckedDockerfile& DockerfileAnalysis::Check(const Query& query) const {
  if (checked_) {
    return *checked_;
  }
  checked_.emplace();
  driver::CompileOptions options;
  options.stop_after = driver::StopAfter::kSema;
  options.metadata = false;
  options.lint = query.settings.build_checks;
  options.all_stages = true;
  const std::string_view path = query.document.path();
  options.dockerfile.file_name = path.empty() ? "Dockerfile" : std::string(path.substr(path.rfind('/') + 1));
  options.dockerfile.read_dockerignore = !path.empty();
  if (auto selection = lint::ParseSelection(query.settings.checks)) {
    options.more_checks = std::move(*selection);
  }
  EditorBuildHost host(query);
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  auto result = driver::Compile(*sources_, *buffer_, options, host, emitter);
  if (result) {
    checked_->warnings = std::move(result->warnings);
  }
  checked_->diagnostics = consumer.Take();
  return *checked_;
}

}  // namespace loam::lsp
