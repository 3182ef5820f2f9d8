#include "language-server/features/earthfile/analysis.h"

#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/driver/lint/lint_file.h"
#include "compiler/parse/earthfile.h"
#include "language-server/features/earthfile/project.h"

namespace loam::lsp {

EarthfileAnalysis::EarthfileAnalysis(const Document& document) : sources_(std::make_unique<source::SourceManager>()) {
  const std::string name = document.path().empty() ? "Earthfile" : document.path();
  auto buffer = sources_->AddText(name, std::string(document.text().bytes()));
  if (!buffer) {
    // Too large for offsets of 32 bits: as if it were empty.
    buffer = sources_->AddText(name, std::string());
  }
  buffer_ = *buffer;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  file_ = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(*buffer_, emitter), emitter);
  syntax_ = consumer.Take();
  symbols_ = sema::earthfile::ReadSymbols(file_, *buffer_);
  features_ = sema::earthfile::Features::OfVersion(0, 8);
  if (file_.version != nullptr) {
    if (const auto read =
            sema::earthfile::ReadFeatures(sema::earthfile::ToWords(file_.version->args), "", file_.version->range)) {
      features_ = read->features;
    }
  }
}

// Another file may have changed, so nothing is kept but what the findings refer to.
const std::vector<driver::findings::Finding>& EarthfileAnalysis::Check(const Query& query) const {
  check_sources_ = std::make_unique<source::SourceManager>();
  findings_.clear();
  failure_.clear();
  driver::findings::LintOptions options;
  if (auto selection = lint::ParseSelection(query.settings.checks)) {
    options.selection = std::move(*selection);
  } else {
    failure_ = selection.error().message();
  }
  const earthfile::ProjectView project(query);
  const lint::earthfile::ProjectUses uses = project.Uses();
  driver::findings::EarthfilePlace place;
  if (!query.document.path().empty()) {
    place = {query.document.path(), &uses, &project.host()};
  }
  const ScriptLook look(options.selection.shellcheck ? query.scripts : nullptr, query.document.uri());
  options.run_program = look.run();
  auto findings = driver::findings::LintEarthfile(*check_sources_, file_, *buffer_, syntax_, place, options);
  if (!findings && options.selection.shellcheck) {
    // ShellCheck is a program that may not be there; what needs no program is found all the same.
    failure_ = findings.error().message();
    options.selection.shellcheck = false;
    findings = driver::findings::LintEarthfile(*check_sources_, file_, *buffer_, syntax_, place, options);
  }
  if (findings) {
    findings_ = std::move(*findings);
  } else {
    failure_ = findings.error().message();
  }
  return findings_;
}

}  // namespace loam::lsp
