#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/lint/exec_form.h"
#include "language-server/features/compiler_diagnostic.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/names.h"
#include "language-server/features/dockerfile/shell_split.h"

namespace loam::lsp::dockerfile {
namespace {

bool Overlap(Span a, Span b) {
  return a.begin <= b.end && b.begin <= a.end;
}

std::vector<TextEdit> EditsOf(const std::vector<diag::Edit>& edits) {
  std::vector<TextEdit> made;
  for (const diag::Edit& edit : edits) {
    made.push_back({SpanOf(edit.range), edit.replacement});
  }
  return made;
}

class ActionFinder {
 public:
  ActionFinder(const Query& query, Span span)
      : query_(query), analysis_(DockerfileAnalysis::Of(query.document)), file_(analysis_.file()), span_(span) {}

  std::vector<CodeAction> Find() {
    FixDiagnostics();
    FixChecks();
    for (std::uint32_t i = 0; i < file_.instructions.size(); ++i) {
      const ast::Instruction& instruction = *file_.instructions[i];
      if (instruction.invalid || !Overlap(SpanOf(instruction.range), span_)) {
        continue;
      }
      if (const auto* from = ast::As<ast::From>(&instruction)) {
        PinDigest(*from, i);
      } else if (const auto* run = ast::As<ast::Run>(&instruction)) {
        ExecForm(*run, run->command);
        SplitRun(*run);
        CombineRuns(*run, i);
      } else if (const auto* cmd = ast::As<ast::Cmd>(&instruction)) {
        ExecForm(*cmd, cmd->command);
      } else if (const auto* entrypoint = ast::As<ast::Entrypoint>(&instruction)) {
        ExecForm(*entrypoint, entrypoint->command);
      }
    }
    return std::move(actions_);
  }

 private:
  CodeAction& Add(std::string title, std::string kind, std::vector<TextEdit> edits) {
    CodeAction& action = actions_.emplace_back();
    action.title = std::move(title);
    action.kind = std::move(kind);
    action.edit = {{query_.document.uri(), std::move(edits)}};
    action.span = span_;
    return action;
  }

  void FixDiagnostics() {
    for (const diag::Diagnostic& diagnostic : analysis_.Check(query_).diagnostics) {
      const auto shown = FromCompiler(query_, diagnostic, analysis_.buffer().id());
      if (!shown || !Overlap(shown->span, span_)) {
        continue;
      }
      for (const diag::FixIt& fix : diagnostic.fixes) {
        CodeAction& action = Add(fix.title, "quickfix", EditsOf(fix.edits));
        action.fixes = {shown->code};
        action.span = shown->span;
        action.preferred = diagnostic.fixes.size() == 1;
      }
    }
  }

  void FixChecks() {
    std::vector<TextEdit> all;
    bool has_check = file_.FindDirective("check") != nullptr;
    std::vector<std::string> skipped;
    for (const lint::Warning& warning : analysis_.Check(query_).warnings) {
      const auto shown = FromCheck(query_, warning, {});
      if (!shown) {
        continue;
      }
      const bool here = Overlap(shown->span, span_);
      bool first = true;
      for (const lint::Fix& fix : warning.fixes) {
        const bool safe = fix.safety == lint::FixSafety::kSafe;
        if (safe && first) {
          AddUnlessOverlapping(all, EditsOf(fix.edits));
        }
        if (here) {
          CodeAction& action =
              Add(safe ? fix.title : fix.title + " (changes what is built)", "quickfix", EditsOf(fix.edits));
          action.fixes = {shown->code};
          action.span = shown->span;
          action.preferred = safe && first;
        }
        first = false;
      }
      const bool skippable = here && !has_check && shown->source != "shellcheck" &&
                             std::find(skipped.begin(), skipped.end(), shown->code) == skipped.end();
      if (skippable) {
        skipped.push_back(shown->code);
        CodeAction& action = Add(fmt::format("skip {} in this file", shown->code), "quickfix",
                                 {{{0, 0}, fmt::format("# check=skip={}\n", shown->code)}});
        action.fixes = {shown->code};
        action.span = shown->span;
      }
    }
    if (!all.empty()) {
      std::sort(all.begin(), all.end(), [](const TextEdit& a, const TextEdit& b) { return a.span < b.span; });
      Add("make all safe fixes", "source.fixAll.loam", std::move(all));
    }
  }

  static void AddUnlessOverlapping(std::vector<TextEdit>& all, std::vector<TextEdit> edits) {
    for (const TextEdit& edit : edits) {
      for (const TextEdit& other : all) {
        if (Overlap(edit.span, other.span)) {
          return;
        }
      }
    }
    all.insert(all.end(), std::make_move_iterator(edits.begin()), std::make_move_iterator(edits.end()));
  }

  // FROM alpine:3.20 -> FROM alpine:3.20@sha256:…, as the local store has it.
  void PinDigest(const ast::From& from, std::uint32_t index) {
    const auto image = from.base.present() ? NamesOf(query_).Expand(from.base.text, index) : std::nullopt;
    if (!image || image->find('@') != std::string::npos || from.base.text.find('$') != std::string_view::npos) {
      return;
    }
    if (const auto facts = query_.store.FindImage(*image); facts && !facts->digest.empty()) {
      const std::uint32_t end = from.base.range.end;
      Add(fmt::format("pin to {}…", facts->digest.substr(0, 19)), "refactor.rewrite",
          {{{end, end}, "@" + facts->digest}});
    }
  }

  void ExecForm(const ast::Instruction& instruction, const ast::CommandLine& command) {
    if (command.json || command.args.empty() || !instruction.heredocs.empty()) {
      return;
    }
    for (const lint::Fix& fix : lint::ExecFormFixes(command.args.front())) {
      Add(fmt::format("write the command in exec form"), "refactor.rewrite", EditsOf(fix.edits));
    }
  }

  // RUN a && b -> RUN a, RUN b.
  void SplitRun(const ast::Run& run) {
    if (run.command.json || run.command.args.empty() || !run.heredocs.empty()) {
      return;
    }
    const std::uint32_t begin = run.command.args.front().range.begin;
    const std::vector<Span> parts = SplitAtAnd(query_.document.text().bytes(), {begin, run.range.end}, file_.escape);
    if (parts.size() < 2) {
      return;
    }
    const std::string head(query_.document.text().Of({run.keyword.range.begin, begin}));
    std::string text;
    for (const Span part : parts) {
      text += text.empty() ? "" : "\n";
      text += head;
      text += query_.document.text().Of(part);
    }
    Add(fmt::format("split into {} RUN instructions", parts.size()), "refactor.rewrite",
        {{SpanOf(run.range), std::move(text)}});
  }

  [[nodiscard]] static bool Joinable(const ast::Run& run) {
    return !run.invalid && !run.command.json && !run.command.args.empty() && run.heredocs.empty() && run.flags.empty();
  }

  // This RUN and those that follow it at once.
  void CombineRuns(const ast::Run& run, std::uint32_t index) {
    std::vector<const ast::Run*> runs;
    for (std::uint32_t i = index; i < file_.instructions.size(); ++i) {
      const auto* next = ast::As<ast::Run>(file_.instructions[i]);
      if (next == nullptr || !Joinable(*next) || (i > index && !next->comments.empty())) {
        break;
      }
      runs.push_back(next);
    }
    if (runs.size() < 2) {
      return;
    }
    std::string text = fmt::format("{} ", run.keyword.text);
    for (const ast::Run* part : runs) {
      if (part != runs.front()) {
        text += fmt::format(" {}\n    && ", file_.escape);
      }
      text += TrimSpace(query_.document.text().Of({part->command.args.front().range.begin, part->range.end}));
    }
    Add(fmt::format("combine {} RUN instructions", runs.size()), "refactor.rewrite",
        {{{run.range.begin, runs.back()->range.end}, std::move(text)}});
  }

  const Query& query_;
  const DockerfileAnalysis& analysis_;
  const ast::Dockerfile& file_;
  Span span_;
  std::vector<CodeAction> actions_;
};

}  // namespace

std::vector<CodeAction> CodeActions(const Query& query, Span span) {
  return ActionFinder(query, span).Find();
}

}  // namespace loam::lsp::dockerfile
