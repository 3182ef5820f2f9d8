#include "language-server/features/dockerfile/analysis.h"

#include <algorithm>
#include <utility>

#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/driver/compile.h"
#include "compiler/lint/selection.h"
#include "compiler/parse/parse.h"
#include "language-server/features/dockerfile/editor_build_host.h"
#include "language-server/features/dockerfile/names.h"

namespace loam::lsp {

namespace {

// Codes of the meaning of a file begin at LD0300.
bool HasSyntaxErrors(const CheckedDockerfile& checked) {
  return std::any_of(checked.diagnostics.begin(), checked.diagnostics.end(), [](const diag::Diagnostic& found) {
    return found.is_error() && diag::InfoOf(found.kind).code < std::string_view("LD0300");
  });
}

}  // namespace

DockerfileAnalysis::DockerfileAnalysis(const Document& document) : sources_(std::make_unique<source::SourceManager>()) {
  const std::string name = document.path().empty() ? "Dockerfile" : document.path();
  auto buffer = sources_->AddText(name, std::string(document.text().bytes()));
  if (!buffer) {
    // Too large for offsets of 32 bits: as if it were empty.
    buffer = sources_->AddText(name, std::string());
  }
  buffer_ = *buffer;
}

void DockerfileAnalysis::Parse() const {
  diag::CollectingConsumer ignored;
  diag::Emitter emitter(ignored);
  parse::ParseResult parsed = parse::ParseDockerfile(*buffer_, emitter);
  file_ = ast::BuildDockerfile(std::move(parsed.tree), *buffer_, emitter);
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
    lint::HadolintOptions& hadolint = options.more_checks.hadolint_options;
    hadolint.trusted_registries = query.settings.trusted_registries;
    hadolint.strict_labels = query.settings.strict_labels;
    for (const std::string& label : query.settings.required_labels) {
      if (auto rule = lint::ParseLabelRule(label)) {
        hadolint.label_schema.insert(std::move(*rule));
      }
    }
  } else {
    checked_->failure = selection.error().message();
  }
  EditorBuildHost host(query);
  const ScriptLook look(options.more_checks.shellcheck ? query.scripts : nullptr, query.document.uri());
  options.run_program = look.run();
  std::string failure = std::exchange(checked_->failure, {});
  bool broken = Compile(*buffer_, options, host, *checked_);
  if (!checked_->failure.empty()) {
    // ShellCheck is a program that may not be there; what needs no program is found all the same.
    failure = checked_->failure;
    options.more_checks.shellcheck = false;
    broken = Compile(*buffer_, options, host, *checked_);
  }
  checked_->failure = std::move(failure);
  if (broken) {
    CheckRest(options, host);
  }
  return *checked_;
}

// True if the file has syntax errors, so that its meaning was not looked at.
bool DockerfileAnalysis::Compile(const source::Buffer& buffer, const driver::CompileOptions& options,
                                 sema::BuildHost& host, CheckedDockerfile& checked) const {
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  auto result = driver::Compile(*sources_, buffer, options, host, emitter);
  checked.diagnostics = consumer.Take();
  if (!result) {
    checked.failure = result.error().message();
    return false;
  }
  checked.warnings = std::move(result->warnings);
  if (!file_ && &buffer == buffer_) {
    file_ = std::move(result->dockerfile);
  }
  return !result->ok && HasSyntaxErrors(checked);
}

void DockerfileAnalysis::CheckRest(const driver::CompileOptions& options, sema::BuildHost& host) const {
  std::string text(buffer_->text());
  bool any = false;
  for (const ast::Instruction* instruction : file().instructions) {
    const bool bad = instruction->invalid || instruction->kind == ast::InstructionKind::kUnknown;
    if (bad && (instruction->kind == ast::InstructionKind::kFrom || instruction->range.end > text.size())) {
      return;  // what follows a broken FROM belongs to a stage that is not known
    }
    for (std::uint32_t at = instruction->range.begin; bad && at < instruction->range.end; ++at) {
      text[at] = text[at] == '\n' || text[at] == '\r' ? text[at] : ' ';
      any = true;
    }
  }
  auto buffer = any ? sources_->AddText(buffer_->name(), std::move(text)) : Result<const source::Buffer*>(nullptr);
  if (!any || !buffer) {
    return;
  }
  CheckedDockerfile rest;
  if (Compile(**buffer, options, host, rest)) {
    return;
  }
  const auto here = [&](source::SourceRange& range) {
    range.file = range.file == (*buffer)->id() ? buffer_->id() : range.file;
  };
  for (diag::Diagnostic& diagnostic : rest.diagnostics) {
    here(diagnostic.range);
    for (diag::Label& label : diagnostic.labels) {
      here(label.range);
    }
    diagnostic.fixes.clear();
    checked_->diagnostics.push_back(std::move(diagnostic));
  }
  for (lint::Warning& warning : rest.warnings) {
    here(warning.range);
  }
  // Those in front of the first mistake are in both.
  checked_->warnings = std::move(rest.warnings);
}

}  // namespace loam::lsp
