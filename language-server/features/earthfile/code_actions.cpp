#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "language-server/features/dockerfile/shell_split.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"

namespace loam::lsp::earthfile {
namespace {

using ast::earthfile::Command;
using ast::earthfile::CommandKind;
using ast::earthfile::Statement;
using driver::findings::Finding;

bool Overlap(Span a, Span b) {
  return a.begin <= b.end && b.begin <= a.end;
}

std::vector<TextEdit> ToEdits(const std::vector<diag::Edit>& edits) {
  std::vector<TextEdit> made;
  for (const diag::Edit& edit : edits) {
    made.push_back({SpanOf(edit.range), edit.replacement});
  }
  std::sort(made.begin(), made.end(), [](const TextEdit& a, const TextEdit& b) { return a.span < b.span; });
  return made;
}

class ActionFinder {
 public:
  ActionFinder(const Query& query, Span span)
      : query_(query), analysis_(EarthfileAnalysis::Of(query.document)), span_(span) {}

  std::vector<CodeAction> Find() {
    Fixes();
    for (const auto& scope : analysis_.symbols().scopes) {
      sema::earthfile::EachStatement(scope.recipe, [&](const Statement& statement) {
        if (statement.kind == ast::earthfile::StatementKind::kCommand &&
            Overlap(SpanOf(statement.location.range), span_)) {
          RequireArg(*statement.command);
          ExecForm(*statement.command);
          PinDigest(*statement.command);
          SplitRun(*statement.command);
        }
      });
      CombineRuns(scope.recipe);
    }
    ExtractFunction();
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

  void Fixes() {
    std::vector<TextEdit> all;
    for (const Finding& finding : analysis_.Check(query_)) {
      const Span place = finding.range.valid() ? SpanOf(finding.range) : Span{};
      for (const lint::Fix& fix : finding.fixes) {
        std::vector<TextEdit> edits = ToEdits(fix.edits);
        // Fixes of one sweep must not touch each other.
        const bool fits = std::none_of(edits.begin(), edits.end(), [&](const TextEdit& edit) {
          return std::any_of(all.begin(), all.end(),
                             [&](const TextEdit& other) { return Overlap(edit.span, other.span); });
        });
        if (fix.safety == lint::FixSafety::kSafe && fits) {
          all.insert(all.end(), edits.begin(), edits.end());
        }
        if (finding.range.valid() && Overlap(place, span_)) {
          CodeAction& action = Add(fix.title, "quickfix", std::move(edits));
          action.fixes = {finding.rule};
          action.span = place;
          action.preferred = finding.fixes.size() == 1 && fix.safety == lint::FixSafety::kSafe;
        }
      }
      if (finding.range.valid() && Overlap(place, span_) && finding.severity != lint::Severity::kError) {
        Ignore(finding, place);
      }
    }
    if (!all.empty()) {
      std::sort(all.begin(), all.end(), [](const TextEdit& a, const TextEdit& b) { return a.span < b.span; });
      Add("fix all that is safe", "source.fixAll.loam", std::move(all));
    }
  }

  void Ignore(const Finding& finding, Span place) {
    const Text& text = query_.document.text();
    const std::uint32_t begin = text.LineBegin(text.LineAt(place.begin));
    const std::string_view line = text.LineText(text.LineAt(place.begin));
    const std::string_view indent = line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
    CodeAction& action = Add(fmt::format("ignore {} here", finding.rule), "quickfix",
                             {{{begin, begin}, fmt::format("{}# loam: ignore={}\n", indent, finding.rule)}});
    action.fixes = {finding.rule};
    action.span = place;
  }

  void RequireArg(const Command& command) {
    if (command.kind != CommandKind::kArg || command.pairs.empty() || command.pairs[0].value.present()) {
      return;
    }
    for (const auto& flag : command.flags) {
      if (flag.text.starts_with("--required")) {
        return;
      }
    }
    const std::uint32_t at = command.keyword.range.end;
    Add("make the ARG required", "refactor.rewrite", {{{at, at}, " --required"}});
  }

  // `RUN a b` -> `RUN ["a", "b"]`, also CMD and ENTRYPOINT, where no shell is needed.
  void ExecForm(const Command& command) {
    if (command.exec_mode || command.args.empty() ||
        (command.kind != CommandKind::kRun && command.kind != CommandKind::kCmd &&
         command.kind != CommandKind::kEntrypoint)) {
      return;
    }
    std::string json = "[";
    std::uint32_t begin = 0;
    for (const auto& word : command.args) {
      if (begin == 0 && word.text.starts_with("--")) {
        return;
      }
      if (word.text.find_first_of("\"'\\$`|&;<>()*?[]{}~#=!\n") != std::string_view::npos) {
        return;
      }
      begin = begin == 0 ? word.range.begin : begin;
      json += fmt::format("{}\"{}\"", json.size() > 1 ? ", " : "", word.text);
    }
    Add("write in exec form", "refactor.rewrite", {{{begin, command.args.back().range.end}, json + "]"}});
  }

  void PinDigest(const Command& command) {
    if (command.kind != CommandKind::kFrom || command.args.empty()) {
      return;
    }
    const auto& word = command.args.back();
    if (word.text.starts_with("-") || word.text.find_first_of("$@+") != std::string_view::npos) {
      return;
    }
    const auto facts = query_.store.FindImage(word.text);
    if (facts && !facts->digest.empty()) {
      Add(fmt::format("pin to {}…", facts->digest.substr(0, 19)), "refactor.rewrite",
          {{{word.range.end, word.range.end}, fmt::format("@{}", facts->digest)}});
    }
  }

  // Where the shell text of a RUN begins, if it has no flags and is in shell form.
  [[nodiscard]] static std::optional<std::uint32_t> ScriptBegin(const Command& command) {
    if (command.kind != CommandKind::kRun || command.invalid || command.exec_mode || command.args.empty() ||
        command.args.front().text.starts_with("-")) {
      return std::nullopt;
    }
    return command.args.front().range.begin;
  }

  [[nodiscard]] std::string IndentOf(std::uint32_t offset) const {
    const std::string_view line = query_.document.text().LineText(query_.document.text().LineAt(offset));
    return std::string(line.substr(0, std::min(line.find_first_not_of(" \t"), line.size())));
  }

  void SplitRun(const Command& command) {
    const auto begin = ScriptBegin(command);
    if (!begin) {
      return;
    }
    const Text& text = query_.document.text();
    const Span whole = SpanOf(command.location.range);
    const std::vector<Span> parts = dockerfile::SplitAtAnd(text.bytes(), {*begin, whole.end}, '\\');
    if (parts.size() < 2) {
      return;
    }
    std::string made;
    for (const Span part : parts) {
      made += fmt::format("{}RUN {}", made.empty() ? "" : "\n" + IndentOf(whole.begin), text.Of(part));
    }
    Add(fmt::format("split into {} RUN commands", parts.size()), "refactor.rewrite", {{whole, std::move(made)}});
  }

  // The RUNs of a recipe that stand one behind the other and touch the selection.
  void CombineRuns(ast::earthfile::Block block) {
    std::vector<const Command*> runs;
    for (const Statement& statement : block) {
      const bool joins = statement.kind == ast::earthfile::StatementKind::kCommand && ScriptBegin(*statement.command) &&
                         (runs.empty() || statement.command->docs.empty());
      if (joins && (!runs.empty() || Overlap(SpanOf(statement.location.range), span_))) {
        runs.push_back(statement.command);
      } else if (!runs.empty()) {
        break;
      }
    }
    if (runs.size() < 2) {
      return;
    }
    const Text& text = query_.document.text();
    std::string made = "RUN ";
    for (const Command* run : runs) {
      made += run == runs.front() ? "" : fmt::format(" && \\\n{}    ", IndentOf(run->location.range.begin));
      made += text.Of({*ScriptBegin(*run), run->location.range.end});
    }
    Add(fmt::format("combine {} RUN commands", runs.size()), "refactor.rewrite",
        {{{runs.front()->location.range.begin, runs.back()->location.range.end}, std::move(made)}});
  }

  // The selected commands of one recipe become a function, with what they read as its arguments.
  void ExtractFunction() {
    if (span_.size() == 0) {
      return;
    }
    const auto& symbols = analysis_.symbols();
    for (std::size_t index = 1; index < symbols.scopes.size(); ++index) {
      const auto& scope = symbols.scopes[index];
      std::vector<const Statement*> chosen;
      for (const Statement& statement : scope.recipe) {
        if (Overlap(SpanOf(statement.location.range), span_) && !statement.invalid) {
          chosen.push_back(&statement);
        }
      }
      if (chosen.empty() || !CanMove(chosen)) {
        continue;
      }
      const Text& text = query_.document.text();
      const std::uint32_t begin = text.LineBegin(text.LineAt(chosen.front()->location.range.begin));
      const std::uint32_t end = text.LineSpan(text.LineAt(chosen.back()->location.range.end)).end;
      std::map<std::string_view, bool> names;
      for (const auto& use : symbols.uses) {
        if (use.scope != index || use.range.begin < begin || use.range.begin >= end) {
          continue;
        }
        const auto* variable = symbols.FindVariable(use.name, index, use.range.begin);
        // Globals and ENV are seen in a function; what is declared inside of the selection moves with it.
        const bool inside =
            variable != nullptr && variable->name_range.begin >= begin && variable->name_range.begin < end;
        if (variable != nullptr && variable->scope == index && !inside &&
            variable->kind != sema::earthfile::VariableKind::kEnv) {
          names.emplace(use.name, true);
        }
      }
      std::string name = "NEW_FUNCTION";
      for (int number = 2; symbols.FindRecipe(name) != nullptr; ++number) {
        name = fmt::format("NEW_FUNCTION{}", number);
      }
      const bool old = !analysis_.features().Has(sema::earthfile::Feature::kUseFunctionKeyword);
      const std::string_view line = text.LineText(text.LineAt(begin));
      const std::string indent(line.substr(0, std::min(line.find_first_not_of(" \t"), line.size())));
      std::string call = fmt::format("{}DO +{}", indent, name);
      std::string function = fmt::format("{}:\n{}{}\n", name, indent, old ? "COMMAND" : "FUNCTION");
      for (const auto& [variable, unused] : names) {
        call += fmt::format(" --{0}=${0}", variable);
        function += fmt::format("{}ARG {}\n", indent, variable);
      }
      function += fmt::format("{}\n", text.Of({begin, end}));
      const std::uint32_t file_end = text.size();
      const bool ends_in_line = file_end == 0 || text.bytes().back() == '\n';
      Add("extract a function", "refactor.extract",
          {{{begin, end}, std::move(call)}, {{file_end, file_end}, (ends_in_line ? "\n" : "\n\n") + function}});
      return;
    }
  }

  static bool CanMove(const std::vector<const Statement*>& statements) {
    return std::none_of(statements.begin(), statements.end(), [](const Statement* statement) {
      return statement->kind == ast::earthfile::StatementKind::kCommand &&
             (statement->command->kind == CommandKind::kFunction || statement->command->kind == CommandKind::kCommand ||
              statement->command->kind == CommandKind::kArg || statement->command->kind == CommandKind::kLet);
    });
  }

  const Query& query_;
  const EarthfileAnalysis& analysis_;
  Span span_;
  std::vector<CodeAction> actions_;
};

}  // namespace

std::vector<CodeAction> CodeActions(const Query& query, Span span) {
  return ActionFinder(query, span).Find();
}

}  // namespace loam::lsp::earthfile
