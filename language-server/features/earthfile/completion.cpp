#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/flags.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/cursor.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/earthfile/language.h"
#include "language-server/features/earthfile/project.h"
#include "language-server/features/in_use.h"

namespace loam::lsp::earthfile {
namespace {

using sema::earthfile::FileSymbols;
using sema::earthfile::ReferenceKind;
using sema::earthfile::ReferenceUse;
using sema::earthfile::ScopeKind;
using sema::earthfile::VariableKind;

bool IsNamePart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Completer {
 public:
  Completer(const Query& query, std::uint32_t offset)
      : query_(query),
        analysis_(EarthfileAnalysis::Of(query.document)),
        symbols_(analysis_.symbols()),
        cursor_(CursorAt(query.document, offset)),
        offset_(offset),
        scope_(symbols_.ScopeAt(offset)) {}

  CompletionList Complete() {
    if (cursor_.in_comment) {
      return {};
    }
    if (cursor_.keyword.empty()) {
      Commands();
    } else if (!Variables()) {
      Arguments();
    }
    return std::move(list_);
  }

 private:
  Completion& Add(std::string label, CompletionKind kind, Span replace, std::string text) {
    Completion& item = list_.items.emplace_back();
    item.label = std::move(label);
    item.kind = kind;
    item.replace = replace;
    item.text = std::move(text);
    return item;
  }

  static bool Fits(std::string_view candidate, std::string_view typed) {
    return candidate.size() >= typed.size() && EqualsIgnoreCase(candidate.substr(0, typed.size()), typed);
  }

  // --- the begin of a line
  // --------------------------------------------------------------------------------------------

  void Commands() {
    const std::string_view typed = cursor_.typed_line;
    const Span replace{offset_ - static_cast<std::uint32_t>(typed.size()), offset_};
    const bool in_base = scope_ == 0;
    const bool function = symbols_.scopes[scope_].kind == ScopeKind::kFunction;
    for (const CommandInfo& info : lsp::earthfile::Commands()) {
      if (!Fits(info.keyword, typed) || info.keyword == "COMMAND" || info.keyword == "CATCH" ||
          (info.keyword == "VERSION" && (analysis_.file().version != nullptr || !in_base)) ||
          (info.keyword == "PROJECT" && !in_base) || (info.keyword == "FUNCTION" && !function)) {
        continue;
      }
      Completion& item = Add(std::string(info.keyword), CompletionKind::kKeyword, replace,
                             info.snippet.empty() ? std::string(info.keyword) : Snippet(info.snippet));
      item.snippet = query_.client.snippets && info.snippet.find('$') != std::string_view::npos;
      if (!query_.client.snippets) {
        item.text = info.keyword;
      }
      item.detail = info.form.substr(0, info.form.find('\n'));
      item.data = fmt::format("command {}", info.keyword);
    }
    // At the margin a target or function may begin.
    if (cursor_.line_indent == 0 && query_.client.snippets) {
      const std::string mark =
          analysis_.features().Has(sema::earthfile::Feature::kUseFunctionKeyword) ? "FUNCTION" : "COMMAND";
      for (const auto& [label, text] : {std::pair<std::string, std::string>{"target", "${1:name}:\n    $0"},
                                        {"function", "${1:NAME}:\n    " + mark + "\n    $0"}}) {
        if (Fits(label, typed)) {
          Completion& item = Add(label, CompletionKind::kSnippet, replace, text);
          item.snippet = true;
          item.detail = label == "target" ? "a new target" : "a new function";
        }
      }
    }
  }

  // Further lines of a snippet are indented as the line is.
  [[nodiscard]] std::string Snippet(std::string_view form) const {
    std::string out;
    for (const char c : form) {
      out += c;
      if (c == '\n') {
        out.append(cursor_.line_indent, ' ');
      }
    }
    return out;
  }

  // --- variables
  // ------------------------------------------------------------------------------------------------------

  bool Variables() {
    const std::string_view word = cursor_.typed;
    std::size_t begin = word.size();
    while (begin > 0 && IsNamePart(word[begin - 1])) {
      --begin;
    }
    const bool braces = begin > 1 && word.substr(begin - 2, 2) == "${";
    if (!braces && (begin == 0 || word[begin - 1] != '$')) {
      return false;
    }
    const std::string_view typed = word.substr(begin);
    const Span replace{offset_ - static_cast<std::uint32_t>(typed.size()), offset_};
    AddVariables(typed, replace, braces && !cursor_.followed_by_brace ? "}" : "");
    return true;
  }

  void AddVariables(std::string_view typed, Span replace, std::string_view behind) {
    std::set<std::string_view> seen;
    for (const auto& variable : symbols_.variables) {
      const bool seen_here = variable.scope == scope_ ? variable.name_range.begin <= offset_ : variable.global;
      if (seen_here && Fits(variable.name, typed) && seen.insert(variable.name).second) {
        Completion& item = Add(std::string(variable.name), CompletionKind::kVariable, replace,
                               fmt::format("{}{}", variable.name, behind));
        item.detail = fmt::format("{}{}", KeywordOf(variable.kind),
                                  variable.has_value ? fmt::format(" = {}", variable.value.substr(0, 60)) : "");
        item.documentation = variable.docs;
      }
    }
  }

  // --- arguments
  // ------------------------------------------------------------------------------------------------------

  void Arguments() {
    const std::string_view command = cursor_.keyword;
    const std::string_view typed = cursor_.typed;
    const Span word{offset_ - static_cast<std::uint32_t>(typed.size()), offset_};
    if (command == "VERSION") {
      Version(typed, word);
      return;
    }
    if (typed.starts_with("-")) {
      if (cursor_.among_flags) {
        const std::size_t equals = typed.find('=');
        if (equals == std::string_view::npos) {
          Flags(command, typed, word);
        } else {
          FlagValue(command, typed.substr(2, equals - 2), typed.substr(equals + 1));
        }
      }
      ReferenceArguments(typed, word);
      return;
    }
    if (cursor_.among_flags && cursor_.words_before > 0) {
      const std::string_view last = cursor_.last_word;
      if (last.starts_with("--") && last.find('=') == std::string_view::npos && TakesValue(command, last.substr(2))) {
        FlagValue(command, last.substr(2), typed);
        return;
      }
    }
    if (command == "SET") {
      AddNames(typed, word, VariableKind::kLet);
    } else if (command == "ARG") {
      for (const std::string& name : sema::earthfile::BuiltinArgNames()) {
        if (name.starts_with("EARTHLY_") || !name.starts_with("EARTH_")) {
          if (Fits(name, typed)) {
            Completion& item = Add(name, CompletionKind::kConstant, word, name);
            item.detail = "builtin";
            item.data = fmt::format("builtin {}", name);
          }
        }
      }
    } else if (command == "FROM") {
      References(typed, word, ReferenceKind::kFrom);
      Images(typed, word);
    } else if (command == "BUILD") {
      References(typed, word, ReferenceKind::kBuild);
    } else if (command == "DO") {
      References(typed, word, ReferenceKind::kDo);
    } else if (command == "IMPORT") {
      Projects(typed, word, false);
    } else if (command == "COPY") {
      // `(+t/path`: the parenthesis is not part of what is typed.
      const std::uint32_t skip = typed.starts_with("(") ? 1 : 0;
      References(typed.substr(skip), {word.begin + skip, word.end}, ReferenceKind::kCopy);
      ContextFiles(typed, word, false);
    } else if (command == "FROM DOCKERFILE") {
      References(typed, word, ReferenceKind::kDockerfile);
      ContextFiles(typed, word, true);
    } else if (command == "SAVE ARTIFACT" && cursor_.words_before > 0 && Fits("AS LOCAL", typed)) {
      Add("AS LOCAL", CompletionKind::kKeyword, word, "AS LOCAL ");
    } else if (command == "FOR" && cursor_.words_before == 1 && Fits("IN", typed)) {
      Add("IN", CompletionKind::kKeyword, word, "IN ");
    } else if (command == "WITH" && Fits("DOCKER", typed)) {
      Add("DOCKER", CompletionKind::kKeyword, word, "DOCKER");
    } else if (command == "SAVE") {
      for (const char* each : {"ARTIFACT", "IMAGE"}) {
        if (Fits(each, typed)) {
          Add(each, CompletionKind::kKeyword, word, std::string(each) + " ");
        }
      }
    }
  }

  void Version(std::string_view typed, Span word) {
    if (typed.starts_with("-") || typed.empty()) {
      for (const auto& feature : sema::earthfile::kFeatures) {
        const std::string flag = fmt::format("--{}", feature.flag);
        if (feature.since.empty() && Fits(flag, typed)) {
          Completion& item = Add(flag, CompletionKind::kProperty, word, flag + " ");
          item.detail = feature.meaning;
          item.data = fmt::format("feature {}", feature.flag);
        }
      }
    }
    for (const char* version : {"0.8", "0.7", "0.6"}) {
      if (Fits(version, typed)) {
        Add(version, CompletionKind::kValue, word, version).sort = fmt::format("0{}", list_.items.size());
      }
    }
  }

  static bool TakesValue(std::string_view command, std::string_view flag) {
    for (const auto& info : sema::earthfile::FlagsOf(command)) {
      if (info.name == flag) {
        return info.type != sema::earthfile::FlagType::kBool;
      }
    }
    return false;
  }

  void Flags(std::string_view command, std::string_view typed, Span word) {
    for (const auto& info : sema::earthfile::FlagsOf(command)) {
      const std::string flag = info.name.empty() ? fmt::format("-{}", info.letter) : fmt::format("--{}", info.name);
      if (!Fits(flag, typed)) {
        continue;
      }
      const bool value = info.type != sema::earthfile::FlagType::kBool;
      Completion& item =
          Add(flag, CompletionKind::kProperty, word, value && !info.name.empty() ? flag + "=" : flag + " ");
      item.detail = FlagText(command, info.name);
      item.data = fmt::format("flag {} --{}", command, info.name);
      item.deprecated = info.name == "build-arg" || info.name == "with-docker";
    }
  }

  void FlagValue(std::string_view command, std::string_view flag, std::string_view typed) {
    const Span replace{offset_ - static_cast<std::uint32_t>(typed.size()), offset_};
    if (flag == "load") {
      const std::size_t equals = typed.find('=');
      const std::string_view reference = equals == std::string_view::npos ? typed : typed.substr(equals + 1);
      References(reference, {offset_ - static_cast<std::uint32_t>(reference.size()), offset_}, ReferenceKind::kLoad);
      return;
    }
    if (flag == "mount") {
      MountId(typed);
    }
    if (flag == "secret" || flag == "id") {
      for (const std::string& id : KnownIds(flag == "secret" ? "--secret" : "--id")) {
        if (Fits(id, typed)) {
          Add(id, CompletionKind::kValue, replace, id).detail = "in use in this workspace";
        }
      }
      return;
    }
    for (const std::string_view value : Split(FlagValues(command, flag), '|')) {
      if (!value.empty() && Fits(value, typed)) {
        Add(std::string(value), CompletionKind::kValue, replace, std::string(value));
      }
    }
    if (flag == "compose" || flag == "f") {
      ContextFiles(typed, replace, false);
    }
  }

  // Words behind a flag in all Earthfiles: `--secret X`, `--secret=X`.
  [[nodiscard]] std::set<std::string> KnownIds(std::string_view flag) const {
    std::set<std::string> ids;
    for (const Document* document : AllEarthfiles(query_)) {
      for (const auto& scope : EarthfileAnalysis::Of(*document).symbols().scopes) {
        sema::earthfile::EachStatement(scope.recipe, [&](const ast::earthfile::Statement& statement) {
          if (statement.kind != ast::earthfile::StatementKind::kCommand) {
            return;
          }
          const auto& words = statement.command->args;
          for (std::size_t i = 0; i < words.size(); ++i) {
            const std::string_view text = words[i].text;
            if (text == flag && i + 1 < words.size() && words[i + 1].range.begin > offset_ + 1) {
              ids.emplace(words[i + 1].text);
            } else if (text == flag && i + 1 < words.size() && words[i + 1].range.end < offset_) {
              ids.emplace(words[i + 1].text);
            } else if (text.starts_with(flag) && text.substr(flag.size()).starts_with('=') &&
                       !(words[i].range.begin <= offset_ && offset_ <= words[i].range.end)) {
              ids.emplace(text.substr(flag.size() + 1));
            }
          }
        });
      }
    }
    ids.erase("");
    return ids;
  }

  void AddNames(std::string_view typed, Span word, VariableKind kind) {
    std::set<std::string_view> seen;
    for (const auto& variable : symbols_.variables) {
      if (variable.kind == kind && variable.scope == scope_ && Fits(variable.name, typed) &&
          seen.insert(variable.name).second) {
        Add(std::string(variable.name), CompletionKind::kVariable, word, std::string(variable.name)).detail =
            fmt::format("{} = {}", KeywordOf(kind), variable.value.substr(0, 60));
      }
    }
  }

  // --- references
  // -----------------------------------------------------------------------------------------------------

  void References(std::string_view typed, Span word, ReferenceKind kind) {
    const std::size_t plus = typed.find('+');
    if (plus == std::string_view::npos) {
      if (typed.empty() || typed == "+") {
        Names(query_.document, "", "+", word, kind);
      }
      Projects(typed, word, true);
      return;
    }
    const std::string project(typed.substr(0, plus));
    const std::string_view behind = typed.substr(plus + 1);
    const Document* document = Project(project);
    if (document == nullptr) {
      return;
    }
    const std::size_t slash = behind.find('/');
    if (slash == std::string_view::npos) {
      Names(*document, behind, "", {word.begin + static_cast<std::uint32_t>(plus) + 1, word.end}, kind);
    } else if (kind == ReferenceKind::kCopy || kind == ReferenceKind::kDockerfile) {
      Artifacts(*document, behind.substr(0, slash), behind.substr(slash),
                {word.begin + static_cast<std::uint32_t>(plus + 1 + slash), word.end});
    }
  }

  // The document of what stands in front of `+`.
  [[nodiscard]] const Document* Project(const std::string& project) const {
    if (project.empty()) {
      return &query_.document;
    }
    if (query_.document.path().empty()) {
      return nullptr;
    }
    ReferenceUse use;
    use.scope = scope_;
    if (auto reference = sema::earthfile::ParseReference(project + "+base")) {
      use.reference = *std::move(reference);
    }
    return DocumentOf(query_, query_.document, use);
  }

  void Names(const Document& document, std::string_view typed, std::string_view front, Span replace,
             ReferenceKind kind) {
    for (const auto& scope : EarthfileAnalysis::Of(document).symbols().scopes) {
      const bool wanted =
          kind == ReferenceKind::kDo ? scope.kind == ScopeKind::kFunction : scope.kind == ScopeKind::kTarget;
      const bool self = &document == &query_.document && scope.name == symbols_.scopes[scope_].name;
      if (!wanted || self || !Fits(scope.name, typed)) {
        continue;
      }
      Completion& item = Add(fmt::format("{}{}", front, scope.name), CompletionKind::kFunction, replace,
                             fmt::format("{}{}", front, scope.name));
      item.documentation = scope.docs;
      item.detail = &document == &query_.document ? "" : document.path();
    }
  }

  void Artifacts(const Document& document, std::string_view target, std::string_view typed, Span replace) {
    const FileSymbols& there = EarthfileAnalysis::Of(document).symbols();
    std::set<std::string> seen;
    for (const auto& save : there.artifacts) {
      if (there.scopes[save.scope].name == target && Fits(save.path, typed) && seen.insert(save.path).second) {
        Add(save.path, CompletionKind::kFile, replace, save.path).detail = fmt::format("SAVE ARTIFACT {}", save.source);
      }
    }
  }

  // Aliases, and directories with an Earthfile.
  void Projects(std::string_view typed, Span word, bool with_plus) {
    if (with_plus) {
      for (const auto& import : symbols_.imports) {
        if ((import.scope == 0 || import.scope == scope_) && Fits(import.alias, typed)) {
          Completion& item = Add(import.alias + "+", CompletionKind::kModule, word, import.alias + "+");
          item.detail = symbols_.references[import.reference].text;
        }
      }
    }
    if (query_.document.path().empty()) {
      return;
    }
    const std::string folder = query_.document.Folder() + "/";
    for (const Document* document : AllEarthfiles(query_)) {
      if (document == &query_.document || document->path().empty()) {
        continue;
      }
      std::string path = document->Folder();
      if (path.starts_with(folder)) {
        path = "./" + path.substr(folder.size());
      } else if (folder.starts_with(path + "/")) {
        std::string up;
        for (const char c : folder.substr(path.size() + 1)) {
          up += c == '/' ? "../" : "";
        }
        path = up.substr(0, up.empty() ? 0 : up.size() - 1);
      } else {
        continue;
      }
      if (!path.empty() && Fits(path, typed)) {
        Add(path, CompletionKind::kModule, word, path + (with_plus ? "+" : "")).detail = document->path();
      }
    }
  }

  // `--name=` of the reference that the command has.
  void ReferenceArguments(std::string_view typed, Span word) {
    if (typed.find('=') != std::string_view::npos) {
      return;
    }
    const ReferenceUse* use = nullptr;
    for (const ReferenceUse& each : symbols_.references) {
      if (each.range.end < offset_ && each.range.begin >= cursor_.begin) {
        use = &each;
      }
    }
    if (use == nullptr || !use->reference) {
      return;
    }
    const Document* document = DocumentOf(query_, query_.document, *use);
    if (document == nullptr) {
      return;
    }
    const FileSymbols& there = EarthfileAnalysis::Of(*document).symbols();
    std::set<std::string_view> seen;
    for (const auto& variable : there.variables) {
      const bool own = there.scopes[variable.scope].name == use->reference->name;
      if (variable.kind != VariableKind::kArg || (!own && variable.scope != 0) ||
          sema::earthfile::IsBuiltinArg(variable.name) || !seen.insert(variable.name).second) {
        continue;
      }
      const std::string flag = fmt::format("--{}", variable.name);
      if (Fits(flag, typed)) {
        Completion& item = Add(flag, CompletionKind::kProperty, word, flag + "=");
        item.detail = variable.required    ? "ARG --required"
                      : variable.has_value ? fmt::format("ARG = {}", variable.value.substr(0, 60))
                                           : "ARG";
        item.documentation = variable.docs;
      }
    }
  }

  // --- files and images
  // -----------------------------------------------------------------------------------------------

  void ContextFiles(std::string_view typed, Span word, bool only_directories) {
    if (typed.find_first_of("+$(\"'") != std::string_view::npos || typed.starts_with('/') || typed.starts_with('~')) {
      return;
    }
    const std::size_t slash = typed.rfind('/');
    const std::string directory(slash == std::string_view::npos ? std::string_view() : typed.substr(0, slash));
    const std::string_view name = slash == std::string_view::npos ? typed : typed.substr(slash + 1);
    const Span replace{word.end - static_cast<std::uint32_t>(name.size()), word.end};
    for (const std::string& entry : ListContext(query_, directory)) {
      const bool is_directory = entry.ends_with('/');
      if ((!only_directories || is_directory) && Fits(entry, name) &&
          (!entry.starts_with('.') || name.starts_with('.'))) {
        Add(entry, is_directory ? CompletionKind::kFolder : CompletionKind::kFile, replace, entry);
      }
    }
  }

  void Images(std::string_view typed, Span word) {
    std::set<std::string> names = ImagesInUse(query_, offset_);
    for (std::string& name : query_.store.ImageNames()) {
      names.insert(std::move(name));
    }
    for (const std::string& name : names) {
      if (Fits(name, typed) && !name.empty()) {
        Add(name, CompletionKind::kReference, word, name);
      }
    }
  }

  // The id in what is typed of a mount: "type=cache,id=".
  void MountId(std::string_view typed) {
    constexpr std::string_view kId = "id=";
    std::string_view type;
    const std::vector<std::string_view> options = Split(typed, ',');
    for (const std::string_view option : options) {
      type = option.starts_with("type=") ? option.substr(5) : type;
    }
    if (!options.back().starts_with(kId)) {
      return;
    }
    const std::string_view id = options.back().substr(kId.size());
    const Span replace{offset_ - static_cast<std::uint32_t>(id.size()), offset_};
    for (const std::string& known : MountIdsInUse(query_, type, offset_)) {
      if (Fits(known, id)) {
        Add(known, CompletionKind::kValue, replace, known).detail = "in use in this workspace";
      }
    }
  }

  const Query& query_;
  const EarthfileAnalysis& analysis_;
  const FileSymbols& symbols_;
  Cursor cursor_;
  std::uint32_t offset_;
  std::size_t scope_;
  CompletionList list_;
};

}  // namespace

CompletionList Complete(const Query& query, std::uint32_t offset) {
  return Completer(query, offset).Complete();
}

std::string CompletionDocumentation(std::string_view data) {
  return DocumentationOf(data);
}

}  // namespace loam::lsp::earthfile
