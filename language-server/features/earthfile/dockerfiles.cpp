#include "language-server/features/earthfile/dockerfiles.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/words.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/markdown.h"
#include "language-server/workspace/uri.h"

namespace loam::lsp::earthfile {
namespace {

bool IsFile(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool IsWrittenOut(std::string_view text) {
  return text.find_first_of("+$") == std::string_view::npos;
}

// Where the value of a flag is written: `--flag value` or `--flag=value`, quoted or not; empty if that is not seen.
Span PlaceOf(const Text& text, const std::vector<sema::earthfile::Word>& words, std::string_view value) {
  for (const sema::earthfile::Word& word : words) {
    const Span span = SpanOf(word.range);
    if (word.text == value) {
      return span;
    }
    const std::size_t at = text.Of(span).find("=" + std::string(value));
    if (word.text.starts_with("-") && at != std::string_view::npos) {
      const auto begin = static_cast<std::uint32_t>(span.begin + at + 1);
      return {begin, begin + static_cast<std::uint32_t>(value.size())};
    }
  }
  return {};
}

std::optional<DockerfileUse> Read(const Query& query, const ast::earthfile::Command& command) {
  sema::earthfile::FromDockerfileFlags flags;
  const auto words = sema::earthfile::ToWords(command.args);
  const auto rest = sema::earthfile::ParseFlags(words, {}, flags);
  if (!rest || rest->empty() || !IsWrittenOut(rest->front().text) || !IsWrittenOut(flags.file)) {
    return std::nullopt;
  }
  const std::string folder = query.document.Folder() + "/";
  const std::string path = flags.file.empty() ? folder + rest->front().text + "/Dockerfile" : folder + flags.file;
  const Text& text = query.document.text();
  DockerfileUse use;
  // Clean, as paths of URIs are.
  use.path = PathOfUri(UriOfPath(path));
  use.exists = IsFile(path);
  use.context = SpanOf(rest->front().range);
  use.file = flags.file.empty() ? Span{} : PlaceOf(text, words, flags.file);
  use.target = flags.target.empty() ? Span{} : PlaceOf(text, words, flags.target);
  use.stage = flags.target;
  return use;
}

bool IsAt(Span span, std::uint32_t offset) {
  return span.size() > 0 && span.Touches(offset);
}

Span OriginOf(const DockerfileUse& use, std::uint32_t offset) {
  return IsAt(use.target, offset) ? use.target : IsAt(use.file, offset) ? use.file : use.context;
}

}  // namespace

std::vector<DockerfileUse> DockerfilesOf(const Query& query) {
  std::vector<DockerfileUse> uses;
  if (query.document.path().empty()) {
    return uses;
  }
  for (const auto& scope : EarthfileAnalysis::Of(query.document).symbols().scopes) {
    sema::earthfile::EachStatement(scope.recipe, [&](const ast::earthfile::Statement& statement) {
      if (statement.kind == ast::earthfile::StatementKind::kCommand &&
          statement.command->kind == ast::earthfile::CommandKind::kFromDockerfile) {
        if (auto use = Read(query, *statement.command)) {
          uses.push_back(std::move(*use));
        }
      }
    });
  }
  return uses;
}

std::optional<DockerfileUse> DockerfileAt(const Query& query, std::uint32_t offset) {
  for (DockerfileUse& use : DockerfilesOf(query)) {
    if (!use.exists) {
      continue;
    }
    if (IsAt(use.context, offset) || IsAt(use.file, offset) || IsAt(use.target, offset)) {
      return std::move(use);
    }
  }
  return std::nullopt;
}

std::vector<Location> DockerfileDefinition(const Query& query, const DockerfileUse& use, std::uint32_t offset) {
  Location place{UriOfPath(use.path), {}, {}, OriginOf(use, offset)};
  const Document* document = IsAt(use.target, offset) ? query.workspace.Load(use.path) : nullptr;
  if (document != nullptr) {
    for (const ast::Stage& stage : DockerfileAnalysis::Of(*document).file().stages) {
      if (EqualsIgnoreCase(stage.from->stage_name.text, use.stage)) {
        place.span = lsp::SpanOf(stage.from->range);
        place.selection = lsp::SpanOf(stage.from->stage_name.range);
      }
    }
  }
  return {place};
}

Hover DockerfileHover(const Query& query, const DockerfileUse& use, std::uint32_t offset) {
  std::string text = InlineCode(use.path);
  if (const Document* document = query.workspace.Load(use.path)) {
    for (const ast::Stage& stage : DockerfileAnalysis::Of(*document).file().stages) {
      const std::string_view name = stage.from->stage_name.text;
      text += fmt::format("\n- line {}: {} from {}{}", stage.from->lines.first,
                          name.empty() ? std::string("a stage") : InlineCode(name), InlineCode(stage.from->base.text),
                          !use.stage.empty() && EqualsIgnoreCase(name, use.stage) ? ", which is built" : "");
    }
  }
  return {std::move(text), OriginOf(use, offset)};
}

}  // namespace loam::lsp::earthfile
