#include <fmt/format.h>

#include "base/strings.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/context_files.h"
#include "language-server/features/dockerfile/cursor.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/language.h"
#include "language-server/features/dockerfile/names.h"
#include "language-server/features/image_hover.h"
#include "language-server/features/markdown.h"

namespace loam::lsp::dockerfile {
namespace {

constexpr std::size_t kShownFiles = 12;

std::uint32_t LineOf(const Query& query, std::uint32_t offset) {
  return query.document.text().LineAt(offset) + 1;
}

std::optional<Hover> HoverVariable(const Query& query, const Names& names, const Name& name) {
  const std::uint32_t at = name.definition ? name.instruction + 1 : name.instruction;
  std::vector<const Name*> chain;
  std::optional<std::string> value;
  if (name.definition) {
    chain.push_back(&name);
    value = name.value;
    if (!name.has_value) {
      const auto further = names.Chain(name.text, at);
      chain.insert(chain.end(), further.begin(), further.end());
      chain.erase(std::unique(chain.begin(), chain.end()), chain.end());
    }
  } else {
    chain = names.Chain(name.text, name.instruction);
    value = names.ValueAt(name.text, name.instruction);
  }
  const bool written = std::any_of(chain.begin(), chain.end(), [](const Name* link) { return link->has_value; });
  if (!value && !written) {
    return std::nullopt;
  }
  std::string text = value ? fmt::format("`{}` = {}\n", name.text, InlineCode(*value))
                           : fmt::format("`{}`, known when it is built\n", name.text);
  for (const Name* link : chain) {
    const std::string_view keyword = link->is_arg ? "ARG" : "ENV";
    const std::string line = link->has_value ? fmt::format("{} {}={}", keyword, link->text, link->written)
                                             : fmt::format("{} {}", keyword, link->text);
    text += fmt::format("\n- line {}: {}", LineOf(query, link->span.begin), InlineCode(line));
  }
  if (!name.definition && chain.empty()) {
    text += "\n- of the base image";
  }
  if (!chain.empty() && chain.front()->is_arg) {
    text += fmt::format("\n\n`--build-arg {}=…` sets it.", name.text);
  }
  return Hover{std::move(text), name.span};
}

std::optional<Hover> HoverBase(const Query& query, const Names& names, const ast::From& from, std::uint32_t index,
                               std::uint32_t offset) {
  const Span span = SpanOf(from.base.range);
  if (!from.base.present() || !span.Touches(offset)) {
    return std::nullopt;
  }
  const auto image = names.Expand(from.base.text, index);
  const auto facts = image ? query.store.FindImage(*image) : std::nullopt;
  if (!facts) {
    return std::nullopt;
  }
  return Hover{ImageMarkdown(*facts), span};
}

std::optional<Hover> HoverStage(const Query& query, const Name& name) {
  const auto& stages = DockerfileAnalysis::Of(query.document).file().stages;
  const ast::From* from = name.stage < stages.size() ? stages[name.stage].from : nullptr;
  if (from == nullptr || name.definition) {
    return std::nullopt;
  }
  std::string text = fmt::format("stage {} of line {}\n\n```dockerfile\n{}\n```", name.stage,
                                 LineOf(query, from->range.begin), from->code());
  if (!from->doc_comment.empty()) {
    text += fmt::format("\n\n{}", from->doc_comment);
  }
  return Hover{std::move(text), name.span};
}

std::optional<Hover> HoverSource(const Query& query, const Names& names, const ast::FileTransfer& transfer,
                                 std::uint32_t index, std::uint32_t offset) {
  if (transfer.invalid || transfer.FindFlag("from") != nullptr) {
    return std::nullopt;
  }
  for (const ast::FileSource& source : transfer.sources) {
    const Span span = SpanOf(source.path.range);
    if (source.heredoc != nullptr || !span.Touches(offset) || source.path.text.find("://") != std::string_view::npos) {
      continue;
    }
    const ContextFiles files(query);
    const auto pattern = names.Expand(source.path.text, index);
    if (!pattern || !files.known()) {
      return std::nullopt;
    }
    const ContextFiles::Matches matches = files.Match(*pattern);
    if (matches.entries.empty()) {
      return std::nullopt;
    }
    std::string text = fmt::format("{}{} file{} of the context\n", matches.truncated ? "at least " : "", matches.files,
                                   matches.files == 1 ? "" : "s");
    for (std::size_t i = 0; i < matches.entries.size() && i < kShownFiles; ++i) {
      text += fmt::format("\n- `{}{}`", matches.entries[i].path, matches.entries[i].directory ? "/" : "");
    }
    if (matches.entries.size() > kShownFiles) {
      text += fmt::format("\n- and {} more", matches.entries.size() - kShownFiles);
    }
    return Hover{std::move(text), span};
  }
  return std::nullopt;
}

std::optional<Hover> HoverDirective(const Query& query, std::uint32_t offset) {
  for (const ast::Directive& directive : DockerfileAnalysis::Of(query.document).file().directives) {
    const Span span = SpanOf(directive.name.range);
    if (span.Touches(offset)) {
      return Hover{DocumentationOf(ToLowerAscii(directive.name.text)), span};
    }
  }
  return std::nullopt;
}

std::optional<Hover> HoverKeyword(const Cursor& cursor) {
  const Cursor::Word word = cursor.words.front();
  const std::string text = DocumentationOf(cursor.TextOf(word));
  return text.empty() || text.find('\n') == std::string::npos
             ? std::nullopt
             : std::optional(Hover{text, cursor.view.SpanOf(word.begin, word.end)});
}

// On the name of a flag, or of a key of --mount.
std::optional<Hover> HoverFlag(const Cursor& cursor) {
  if (!cursor.in_word() || cursor.FirstArgument() <= cursor.word) {
    return std::nullopt;
  }
  const Cursor::Word word = cursor.words[cursor.word];
  const std::string_view text = cursor.TextOf(word);
  const std::size_t equals = std::min(text.find('='), text.size());
  if (!text.starts_with("--") || cursor.at < word.begin + 2) {
    return std::nullopt;
  }
  const FlagInfo* flag = FindFlagInfo(cursor.kind, text.substr(2, equals - 2));
  if (flag == nullptr) {
    return std::nullopt;
  }
  if (cursor.at <= word.begin + equals) {
    return Hover{std::string(flag->text), cursor.view.SpanOf(word.begin, word.begin + equals)};
  }
  if (flag->name != "mount") {
    return std::nullopt;
  }
  std::size_t begin = equals + 1;
  for (const std::string_view field : Split(text.substr(begin), ',')) {
    const std::size_t key_end = std::min(field.find('='), field.size());
    if (cursor.at >= word.begin + begin && cursor.at <= word.begin + begin + key_end) {
      for (const MountKeyInfo& key : MountKeys()) {
        if (key.key == field.substr(0, key_end)) {
          return Hover{std::string(key.text), cursor.view.SpanOf(word.begin + begin, word.begin + begin + key_end)};
        }
      }
    }
    begin += field.size() + 1;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Hover> HoverAt(const Query& query, std::uint32_t offset) {
  if (auto hover = HoverDirective(query, offset)) {
    return hover;
  }
  const Cursor cursor = CursorAt(query.document, offset);
  const Names& names = NamesOf(query);
  if (const Name* name = names.At(offset)) {
    if (name->kind == Name::Kind::kVariable) {
      return HoverVariable(query, names, *name);
    }
    if (name->kind == Name::Kind::kStage) {
      if (auto hover = HoverStage(query, *name)) {
        return hover;
      }
    }
  }
  if (cursor.place == Cursor::Place::kKeyword) {
    return HoverKeyword(cursor);
  }
  if (cursor.place != Cursor::Place::kArguments) {
    return std::nullopt;
  }
  if (auto hover = HoverFlag(cursor)) {
    return hover;
  }
  if (const auto* from = ast::As<ast::From>(cursor.instruction)) {
    return HoverBase(query, names, *from, cursor.index, offset);
  }
  const auto* copy = ast::As<ast::Copy>(cursor.instruction);
  const auto* add = ast::As<ast::Add>(cursor.instruction);
  if (copy != nullptr || add != nullptr) {
    const ast::FileTransfer& transfer = copy != nullptr ? static_cast<const ast::FileTransfer&>(*copy) : *add;
    return HoverSource(query, names, transfer, cursor.index, offset);
  }
  return std::nullopt;
}

}  // namespace loam::lsp::dockerfile
