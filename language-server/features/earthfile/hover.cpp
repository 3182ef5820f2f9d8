#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/words.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/cursor.h"
#include "language-server/features/earthfile/dockerfiles.h"
#include "language-server/features/earthfile/entities.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/earthfile/language.h"
#include "language-server/features/earthfile/last_build.h"
#include "language-server/features/earthfile/project.h"
#include "language-server/features/image_hover.h"

namespace loam::lsp::earthfile {
namespace {

using ast::earthfile::Command;
using ast::earthfile::CommandKind;
using sema::earthfile::VariableKind;

constexpr std::size_t kShownFiles = 12;

std::uint32_t LineOf(const Document& document, std::uint32_t offset) {
  return document.text().LineAt(offset) + 1;
}

// Where something of another file is, for people: " of `lib/Earthfile`".
std::string Whose(const Query& query, const Document& document) {
  return &document == &query.document ? std::string() : fmt::format(" of `{}`", document.path());
}

std::string RecipeText(const Query& query, const Entity& entity) {
  const auto& symbols = EarthfileAnalysis::Of(*entity.document).symbols();
  const auto& scope = symbols.scopes[entity.scope];
  const bool function = scope.kind == sema::earthfile::ScopeKind::kFunction;
  std::string out = fmt::format("{} `{}{}`{}\n", function ? "function" : "target", function ? "" : "+", scope.name,
                                Whose(query, *entity.document));
  if (!scope.docs.empty()) {
    out += fmt::format("\n{}\n", TrimSpace(scope.docs));
  }
  for (const auto& variable : symbols.variables) {
    if (variable.scope == entity.scope && variable.kind == VariableKind::kArg &&
        !sema::earthfile::IsBuiltinArg(variable.name)) {
      out += fmt::format("\n- `--{}`{}{}{}", variable.name,
                         variable.has_value ? fmt::format(" = `{}`", variable.value) : std::string(),
                         variable.required ? " (required)" : "",
                         variable.docs.empty() ? std::string() : fmt::format(": {}", TrimSpace(variable.docs)));
    }
  }
  for (const auto& save : symbols.artifacts) {
    if (save.scope == entity.scope && !save.path.empty()) {
      out += fmt::format("\n- artifact `+{}{}`", scope.name, save.path);
    }
  }
  if (const auto facts = LastBuildOf(query, entity.document->path(), fmt::format("+{}", scope.name))) {
    const auto cached =
        std::count_if(facts->steps.begin(), facts->steps.end(), [](const auto& step) { return step.cached; });
    out += fmt::format("\n\nLast build: {} ms, {} of {} steps cached{}", facts->duration_ms, cached,
                       facts->steps.size(), facts->error.empty() ? "" : ", failed");
  }
  return out;
}

std::string VariableText(const Query& query, const Entity& entity, std::uint32_t offset) {
  const auto& symbols = EarthfileAnalysis::Of(*entity.document).symbols();
  const auto& variable = *entity.variable;
  std::string out = fmt::format("`{}`", entity.name);
  const bool literal = variable.has_value && variable.value.find('$') == std::string_view::npos;
  std::vector<std::string> chain;
  bool assigned = false;
  for (const auto& each : symbols.variables) {
    if (each.name == entity.name && (each.scope == entity.scope || (each.scope == 0 && each.global))) {
      chain.push_back(fmt::format("line {}: `{} {}{}`{}", LineOf(*entity.document, each.name_range.begin),
                                  sema::earthfile::KeywordOf(each.kind), each.name,
                                  each.has_value ? fmt::format("={}", each.value) : std::string(),
                                  each.global && each.scope == 0 ? " (global)" : ""));
    }
  }
  for (const auto& use : symbols.uses) {
    if (use.is_set && use.name == entity.name && use.scope == entity.scope &&
        (entity.document != &query.document || use.range.begin < offset)) {
      chain.push_back(fmt::format("line {}: `SET {}`", LineOf(*entity.document, use.range.begin), use.name));
      assigned = true;
    }
  }
  if (literal && !assigned) {
    out += fmt::format(" = `{}`", variable.value);
    out += variable.kind == VariableKind::kArg ? ", unless a caller says otherwise" : "";
  } else {
    out += ", known when it is built";
  }
  out += Whose(query, *entity.document) + "\n";
  for (const std::string& link : chain) {
    out += fmt::format("\n- {}", link);
  }
  if (!variable.docs.empty()) {
    out += fmt::format("\n\n{}", TrimSpace(variable.docs));
  }
  if (variable.kind == VariableKind::kArg) {
    if (const std::string_view builtin = BuiltinText(entity.name); !builtin.empty()) {
      out += fmt::format("\n\n{}", builtin);
    } else {
      const auto& scope = symbols.scopes[entity.scope];
      out += scope.kind == sema::earthfile::ScopeKind::kTarget
                 ? fmt::format("\n\n`loam +{} --{}=…` sets it.", scope.name, entity.name)
                 : "";
    }
  }
  return out;
}

std::optional<Hover> ImageHover(const Query& query, const Command& command, std::uint32_t offset) {
  if (command.kind != CommandKind::kFrom || command.args.empty()) {
    return std::nullopt;
  }
  const auto& word = command.args.back();
  if (!SpanOf(word.range).Touches(offset) || word.text.starts_with("-") ||
      word.text.find('+') != std::string_view::npos) {
    return std::nullopt;
  }
  const auto facts = query.store.FindImage(word.text);
  if (!facts) {
    return std::nullopt;
  }
  return Hover{ImageMarkdown(*facts), SpanOf(word.range)};
}

std::optional<Hover> FilesHover(const Query& query, const Command& command, std::uint32_t offset) {
  if (command.kind != CommandKind::kCopy) {
    return std::nullopt;
  }
  sema::earthfile::CopyFlags flags;
  const auto rest = sema::earthfile::ParseFlags(sema::earthfile::ToWords(command.args), {}, flags);
  if (!rest || rest->size() < 2) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i + 1 < rest->size(); ++i) {
    const auto& word = (*rest)[i];
    if (!SpanOf(word.range).Touches(offset) || word.text.find_first_of("+$\"'(") != std::string::npos) {
      continue;
    }
    const ContextMatches matches = MatchContext(query, word.text == "." || word.text == "./" ? "*" : word.text);
    if (!matches.known) {
      return std::nullopt;
    }
    std::string text = matches.paths.empty() ? "no file matches" : fmt::format("{} match:\n", matches.paths.size());
    for (std::size_t file = 0; file < std::min(matches.paths.size(), kShownFiles); ++file) {
      text += fmt::format("\n- `{}`", matches.paths[file]);
    }
    text += matches.paths.size() > kShownFiles ? "\n- …" : "";
    return Hover{std::move(text), SpanOf(word.range)};
  }
  return std::nullopt;
}

// The command's keyword, a flag, a feature of VERSION.
std::optional<Hover> LanguageHover(const Query& query, std::uint32_t offset) {
  const EarthfileAnalysis& analysis = EarthfileAnalysis::Of(query.document);
  const std::string_view text = query.document.text().bytes();
  const auto& tokens = analysis.file().tree->tokens;
  std::string keyword;
  for (const auto& token : tokens) {
    if (syntax::earthfile::IsKeyword(token.kind)) {
      const std::string word(text.substr(token.begin, token.end - token.begin));
      // WITH and DOCKER are two tokens.
      keyword = word == "WITH" || word == "DOCKER" ? "WITH DOCKER" : word;
    } else if (token.kind == syntax::earthfile::TokenKind::kEnd) {
      keyword.clear();
    }
    const Span span{token.begin, token.end};
    if (span.size() == 0 || !span.Touches(offset)) {
      continue;
    }
    if (syntax::earthfile::IsKeyword(token.kind)) {
      std::string documentation = DocumentationOf(fmt::format("command {}", keyword));
      return documentation.empty() ? std::nullopt : std::optional(Hover{std::move(documentation), span});
    }
    if (token.kind == syntax::earthfile::TokenKind::kWord && text.substr(token.begin, 2) == "--") {
      const std::string_view word = text.substr(token.begin + 2, token.end - token.begin - 2);
      const std::string_view flag = word.substr(0, word.find('='));
      if (keyword == "VERSION") {
        std::string documentation = DocumentationOf(fmt::format("feature {}", flag));
        return documentation.empty() ? std::nullopt : std::optional(Hover{std::move(documentation), span});
      }
      if (!FlagText(keyword, flag).empty()) {
        return Hover{DocumentationOf(fmt::format("flag {} --{}", keyword, flag)), span};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Hover> HoverAt(const Query& query, std::uint32_t offset) {
  if (const auto entity = EntityAt(query, offset)) {
    switch (entity->kind) {
      case EntityKind::kRecipe:
        return Hover{RecipeText(query, *entity), entity->origin};
      case EntityKind::kVariable:
        return Hover{VariableText(query, *entity, offset), entity->origin};
      case EntityKind::kImport: {
        const auto& symbols = EarthfileAnalysis::Of(*entity->document).symbols();
        return Hover{
            fmt::format("import `{}` of `{}`", entity->name, symbols.references[entity->import->reference].text),
            entity->origin};
      }
      case EntityKind::kArtifact:
        return Hover{
            fmt::format("artifact `{}`{}\n\nline {}: `{}`", entity->name, Whose(query, *entity->document),
                        LineOf(*entity->document, entity->span.begin), entity->document->text().Of(entity->span)),
            entity->origin};
      case EntityKind::kFile:
        return Hover{fmt::format("`{}`", entity->document->path()), entity->origin};
    }
  }
  if (const auto dockerfile = DockerfileAt(query, offset)) {
    return DockerfileHover(query, *dockerfile, offset);
  }
  const auto& symbols = EarthfileAnalysis::Of(query.document).symbols();
  for (const auto& use : symbols.uses) {
    if (SpanOf(use.range).Touches(offset) && sema::earthfile::IsBuiltinArg(use.name)) {
      return Hover{DocumentationOf(fmt::format("builtin {}", use.name)), SpanOf(use.range)};
    }
  }
  std::optional<Hover> hover;
  for (const auto& scope : symbols.scopes) {
    sema::earthfile::EachStatement(scope.recipe, [&](const ast::earthfile::Statement& statement) {
      if (!hover && statement.kind == ast::earthfile::StatementKind::kCommand &&
          SpanOf(statement.location.range).Touches(offset)) {
        hover = ImageHover(query, *statement.command, offset);
        if (!hover) {
          hover = FilesHover(query, *statement.command, offset);
        }
      }
    });
  }
  return hover ? hover : LanguageHover(query, offset);
}

}  // namespace loam::lsp::earthfile
