#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/strings.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/completion_sources.h"
#include "language-server/features/dockerfile/context_files.h"
#include "language-server/features/dockerfile/cursor.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/language.h"
#include "language-server/features/dockerfile/names.h"
#include "language-server/features/in_use.h"

namespace loam::lsp::dockerfile {
namespace {

using Kind = ast::InstructionKind;

bool StartsWithIgnoreCase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && EqualsIgnoreCase(text.substr(0, prefix.size()), prefix);
}

// `${1:name}` -> `name`.
std::string WithoutPlaceholders(std::string_view form) {
  std::string out;
  for (std::size_t at = 0; at < form.size(); ++at) {
    if (form.substr(at, 2) != "${") {
      out += form[at];
      continue;
    }
    const std::size_t colon = form.find(':', at);
    const std::size_t close = form.find('}', at);
    out += form.substr(colon + 1, close - colon - 1);
    at = close;
  }
  return out;
}

class Completer {
 public:
  Completer(const Query& query, std::uint32_t offset)
      : query_(query),
        cursor_(CursorAt(query.document, offset)),
        file_(DockerfileAnalysis::Of(query.document).file()),
        offset_(offset) {}

  CompletionList Complete() {
    switch (cursor_.place) {
      case Cursor::Place::kComment:
        Directives();
        break;
      case Cursor::Place::kHeredoc:
        Variables();
        break;
      case Cursor::Place::kLineBegin:
        Instructions(Text(query_.document.text().Of({cursor_.view.offsets.front(), offset_})),
                     {cursor_.view.offsets.front(), offset_});
        break;
      case Cursor::Place::kKeyword: {
        const Cursor::Word word = cursor_.words.front();
        Instructions(cursor_.view.text.substr(word.begin, cursor_.at - word.begin),
                     {cursor_.view.offsets[word.begin], offset_});
        break;
      }
      case Cursor::Place::kArguments:
        if (!Variables()) {
          Arguments();
        }
        break;
    }
    return std::move(list_);
  }

 private:
  static std::string Text(std::string_view text) { return std::string(text); }

  Completion& Add(std::string label, CompletionKind kind, Span replace, std::string text) {
    Completion& item = list_.items.emplace_back();
    item.label = std::move(label);
    item.kind = kind;
    item.replace = replace;
    item.text = std::move(text);
    return item;
  }

  void Directives() {
    const lsp::Text& text = query_.document.text();
    const std::uint32_t line = text.LineAt(offset_);
    for (std::uint32_t i = 0; i < line; ++i) {
      const std::string_view before = TrimSpace(text.LineText(i));
      if (!before.starts_with("#")) {
        return;
      }
    }
    const std::string_view typed = text.Of({text.LineBegin(line), offset_});
    const std::size_t hash = typed.find('#');
    const std::size_t first = std::min(typed.find_first_not_of(" \t", hash + 1), typed.size());
    const std::string_view prefix = typed.substr(first);
    if (!std::all_of(prefix.begin(), prefix.end(), [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; })) {
      return;
    }
    const Span replace{static_cast<std::uint32_t>(text.LineBegin(line) + first), offset_};
    for (const DirectiveInfo& info : dockerfile::Directives()) {
      if (!StartsWithIgnoreCase(info.name, prefix) || file_.FindDirective(info.name) != nullptr) {
        continue;
      }
      const bool snippets = query_.client.snippets;
      Completion& item =
          Add(snippets ? fmt::format("{}={}", info.name, info.placeholder) : std::string(info.name),
              CompletionKind::kKeyword, replace,
              snippets ? fmt::format("{}=${{1:{}}}", info.name, info.placeholder) : fmt::format("{}=", info.name));
      item.snippet = snippets;
      item.data = info.name;
    }
  }

  void Instructions(const std::string& prefix, Span replace) {
    const bool onbuild = cursor_.onbuild;
    std::set<Kind> plain;
    for (const SnippetInfo& info : Snippets()) {
      const std::string_view keyword = ast::KeywordOf(info.instruction);
      const bool allowed = !onbuild || (info.instruction != Kind::kOnbuild && info.instruction != Kind::kFrom &&
                                        info.instruction != Kind::kMaintainer);
      const bool early =
          file_.stages.empty() && !onbuild && info.instruction != Kind::kFrom && info.instruction != Kind::kArg;
      if (!allowed || early || !StartsWithIgnoreCase(keyword, prefix) || prefix.size() == keyword.size()) {
        continue;
      }
      if (!query_.client.snippets) {
        if (plain.insert(info.instruction).second) {
          Completion& item = Add(Text(keyword), CompletionKind::kKeyword, replace, Text(keyword));
          item.data = keyword;
          item.deprecated = info.instruction == Kind::kMaintainer;
        }
        continue;
      }
      Completion& item = Add(WithoutPlaceholders(info.form), CompletionKind::kKeyword, replace, Text(info.form));
      item.snippet = info.form.find("${") != std::string_view::npos;
      item.data = info.id;
      item.deprecated = info.instruction == Kind::kMaintainer;
    }
  }

  // After `$` or `${`: false if the cursor is not there.
  bool Variables() {
    const lsp::Text& text = query_.document.text();
    const std::string_view before = cursor_.place == Cursor::Place::kHeredoc
                                        ? text.Of({text.LineBegin(text.LineAt(offset_)), offset_})
                                        : std::string_view(cursor_.view.text).substr(0, cursor_.at);
    std::size_t at = before.size();
    while (
        at > 0 &&
        ((before[at - 1] | 0x20) >= 'a' || (before[at - 1] >= '0' && before[at - 1] <= '9') || before[at - 1] == '_') &&
        before[at - 1] != '{' && before[at - 1] != '}' && before[at - 1] != '|' && before[at - 1] != '~' &&
        before[at - 1] != '`' && static_cast<unsigned char>(before[at - 1]) < 0x80) {
      --at;
    }
    const std::string_view prefix = before.substr(at);
    const bool braces = at > 0 && before[at - 1] == '{';
    const std::size_t dollar = at - (braces ? 1 : 0);
    if (dollar == 0 || before[dollar - 1] != '$' ||
        (dollar > 1 && before[dollar - 2] == file_.escape && cursor_.place != Cursor::Place::kHeredoc)) {
      return false;
    }
    const auto begin = cursor_.place == Cursor::Place::kHeredoc
                           ? static_cast<std::uint32_t>(text.LineBegin(text.LineAt(offset_)) + dollar - 1)
                           : cursor_.view.offsets[dollar - 1];
    const Span replace{begin, offset_};
    const Names& names = NamesOf(query_);
    const auto visible = names.VisibleAt(cursor_.index);
    std::set<std::string> seen;
    const auto add = [&](std::string_view name, std::string detail) {
      if (!StartsWithIgnoreCase(name, prefix) || !seen.insert(Text(name)).second) {
        return;
      }
      std::string written = braces ? fmt::format("${{{}}}", name) : fmt::format("${}", name);
      Completion& item = Add(written, CompletionKind::kVariable, replace, written);
      item.detail = std::move(detail);
    };
    for (const auto& [name, definition] : visible) {
      add(name, names.ValueAt(name, cursor_.index).value_or(""));
    }
    for (const VariableInfo& info : PredefinedArguments()) {
      add(info.name, {});
    }
    if (cursor_.kind == Kind::kFrom) {
      for (const VariableInfo& info : PlatformArguments()) {
        add(info.name, {});
      }
    }
    return true;
  }

  // Where the touched word is replaced up to the cursor.
  [[nodiscard]] Span TypedSpan(std::size_t skip = 0) const {
    const std::size_t begin = cursor_.in_word() ? cursor_.words[cursor_.word].begin + skip : cursor_.at;
    return {cursor_.in_word() ? cursor_.view.offsets[begin] : offset_, offset_};
  }

  void Arguments() {
    const std::string_view typed = cursor_.Typed();
    const bool among_flags = cursor_.AmongFlags();
    if (among_flags && typed.starts_with("--") && typed.find('=') != std::string_view::npos) {
      FlagValue(typed);
      return;
    }
    if (among_flags && (typed.empty() || typed.starts_with("-") || cursor_.at == WordBegin())) {
      FlagNames(typed);
    }
    if (typed.starts_with("-")) {
      return;
    }
    switch (cursor_.kind) {
      case Kind::kFrom:
        From(typed);
        break;
      case Kind::kCopy:
      case Kind::kAdd:
        Transfer(typed);
        break;
      case Kind::kHealthcheck:
        Healthcheck(typed);
        break;
      case Kind::kArg:
        if (!typed.empty()) {
          PlatformNames(typed);
        }
        break;
      case Kind::kCmd:
      case Kind::kEntrypoint:
      case Kind::kEnv:
      case Kind::kExpose:
      case Kind::kLabel:
      case Kind::kMaintainer:
      case Kind::kOnbuild:
      case Kind::kRun:
      case Kind::kShell:
      case Kind::kStopSignal:
      case Kind::kUser:
      case Kind::kVolume:
      case Kind::kWorkdir:
      case Kind::kUnknown:
        break;
    }
  }

  [[nodiscard]] std::size_t WordBegin() const {
    return cursor_.in_word() ? cursor_.words[cursor_.word].begin : cursor_.at;
  }

  [[nodiscard]] bool HasFlag(std::string_view name) const {
    for (std::size_t i = 0; i < cursor_.words.size(); ++i) {
      const std::string_view word = cursor_.TextOf(cursor_.words[i]);
      if (i != cursor_.word && word.starts_with("--") && word.substr(2, word.find('=') - 2) == name) {
        return true;
      }
    }
    return false;
  }

  void FlagNames(std::string_view typed) {
    const std::string_view prefix = typed.starts_with("--") ? typed.substr(2) : std::string_view();
    if (!std::string_view("--").starts_with(typed.substr(0, std::min<std::size_t>(typed.size(), 2)))) {
      return;
    }
    for (const FlagInfo& flag : Flags()) {
      const bool repeated = flag.name == "mount" || flag.name == "exclude" || flag.name == "device";
      if (flag.instruction != cursor_.kind || !flag.name.starts_with(prefix) || (!repeated && HasFlag(flag.name))) {
        continue;
      }
      const bool value = !flag.placeholder.empty();
      const bool snippet = value && query_.client.snippets;
      const std::string label = !value    ? fmt::format("--{}", flag.name)
                                : snippet ? fmt::format("--{}={}", flag.name, flag.placeholder)
                                          : fmt::format("--{}=", flag.name);
      Completion& item = Add(label, CompletionKind::kField, TypedSpan(),
                             snippet ? fmt::format("--{}=${{1:{}}}", flag.name, flag.placeholder) : label);
      item.snippet = snippet;
      item.data = FlagData(flag);
      if (cursor_.kind == Kind::kHealthcheck) {
        item.sort = "0";
      }
    }
  }

  static std::string FlagData(const FlagInfo& flag) {
    // HEALTHCHECK_FlagStartPeriod
    std::string data = fmt::format("{}_Flag", ast::KeywordOf(flag.instruction));
    bool upper = true;
    for (const char c : flag.name) {
      if (c == '-') {
        upper = true;
      } else {
        data += upper ? static_cast<char>(c & ~0x20) : c;
        upper = false;
      }
    }
    return data;
  }

  void FlagValue(std::string_view typed) {
    const std::size_t equals = typed.find('=');
    const std::string_view name = typed.substr(2, equals - 2);
    const std::string_view value = typed.substr(equals + 1);
    const FlagInfo* flag = FindFlagInfo(cursor_.kind, name);
    if (flag == nullptr) {
      return;
    }
    if (name == "from") {
      Stages(value, TypedSpan(equals + 1), true);
    } else if (name == "mount") {
      Mount(value, equals + 1);
    } else if (!flag->values.empty()) {
      Values(flag->values, value, TypedSpan(equals + 1));
    }
  }

  void Values(std::string_view values, std::string_view prefix, Span replace) {
    for (const std::string_view value : Split(values, '|')) {
      if (value.starts_with(prefix)) {
        Add(Text(value), CompletionKind::kValue, replace, Text(value));
      }
    }
  }

  // Stages that stand in front of this one.
  void Stages(std::string_view prefix, Span replace, bool copy) {
    const Names& names = NamesOf(query_);
    const std::uint32_t region = cursor_.index < file_.instructions.size()
                                     ? names.RegionOf(cursor_.index)
                                     : static_cast<std::uint32_t>(file_.stages.size());
    const std::uint32_t before = region == 0 ? 0 : region - 1;
    for (std::uint32_t i = 0; i < before; ++i) {
      const ast::From* from = file_.stages[i].from;
      if (from == nullptr || !from->stage_name.present() || !StartsWithIgnoreCase(from->stage_name.text, prefix)) {
        continue;
      }
      Completion& item =
          Add(Text(from->stage_name.text), CompletionKind::kReference, replace, Text(from->stage_name.text));
      item.detail = from->doc_comment.empty() ? Text(from->base.text) : Text(from->doc_comment);
      item.sort = copy ? std::to_string(i) : "0";
    }
  }

  void Mount(std::string_view value, std::size_t skip) {
    const std::size_t comma = value.rfind(',');
    const std::string_view field = comma == std::string_view::npos ? value : value.substr(comma + 1);
    const std::size_t field_at = skip + (comma == std::string_view::npos ? 0 : comma + 1);
    const std::size_t equals = field.find('=');
    std::string_view type = "bind";
    for (const std::string_view other : Split(value, ',')) {
      if (other.starts_with("type=")) {
        type = other.substr(5);
      }
    }
    if (equals == std::string_view::npos) {
      for (const MountKeyInfo& key : MountKeys()) {
        const auto types = Split(key.types, '|');
        const bool fits = key.key == "type" || std::find(types.begin(), types.end(), type) != types.end();
        const bool given = value.find(fmt::format("{}=", key.key)) != std::string_view::npos;
        if (fits && !given && key.key.starts_with(field)) {
          const bool flag = key.key == "rw" || key.key == "ro";
          Completion& item = Add(Text(key.key), CompletionKind::kProperty, TypedSpan(field_at),
                                 flag ? Text(key.key) : fmt::format("{}=", key.key));
          item.documentation = key.text;
        }
      }
      return;
    }
    const std::string_view name = field.substr(0, equals);
    const std::string_view prefix = field.substr(equals + 1);
    const Span replace = TypedSpan(field_at + equals + 1);
    if (name == "from") {
      Stages(prefix, replace, true);
    } else if (name == "id") {
      for (const std::string& id : MountIdsInUse(query_, type, offset_)) {
        if (id.starts_with(prefix)) {
          Add(id, CompletionKind::kValue, replace, id);
        }
      }
    } else if (name == "target" && type == "cache") {
      for (const std::string& target : CacheTargets(query_)) {
        if (target.starts_with(prefix)) {
          Add(target, CompletionKind::kValue, replace, target);
        }
      }
    } else {
      for (const MountKeyInfo& key : MountKeys()) {
        if (key.key == name && !key.values.empty()) {
          Values(key.values, prefix, replace);
        }
      }
    }
  }

  void From(std::string_view typed) {
    const std::size_t first = cursor_.FirstArgument();
    const std::size_t index =
        (cursor_.in_word() ? cursor_.word : cursor_.words_before) - std::min(first, cursor_.words_before);
    if (index == 1 && !typed.empty() && StartsWithIgnoreCase("AS", typed) && typed.size() < 2) {
      Add("AS", CompletionKind::kKeyword, TypedSpan(), "AS ");
      return;
    }
    if (index != 0) {
      return;
    }
    Stages(typed, TypedSpan(), false);
    for (const std::string& image : KnownImages(query_, offset_)) {
      if (image.starts_with(typed) && image != typed) {
        Add(image, CompletionKind::kModule, TypedSpan(), image).sort = "1";
      }
    }
  }

  void Transfer(std::string_view typed) {
    const std::size_t first = cursor_.FirstArgument();
    const std::size_t arguments_before = cursor_.words_before > first ? cursor_.words_before - first : 0;
    const bool last =
        !cursor_.in_word() ? cursor_.words_before == cursor_.words.size() : cursor_.word + 1 == cursor_.words.size();
    if (!HasFlag("from") && !typed.starts_with("/")) {
      ContextPaths(typed);
    }
    const std::string workdir = arguments_before >= 1 && last ? WorkdirAt(query_, cursor_.index) : std::string();
    if (!workdir.empty() && workdir.starts_with(typed)) {
      Add(workdir, CompletionKind::kFolder, TypedSpan(), workdir);
    }
  }

  void ContextPaths(std::string_view typed) {
    const ContextFiles files(query_);
    std::string_view shown = typed.starts_with("./") ? typed.substr(2) : typed;
    const std::size_t slash = shown.rfind('/');
    const std::string directory = slash == std::string_view::npos ? std::string() : Text(shown.substr(0, slash));
    const std::string_view prefix = slash == std::string_view::npos ? shown : shown.substr(slash + 1);
    if (directory.find("..") != std::string::npos) {
      return;
    }
    for (const ContextEntry& entry : files.List(directory)) {
      const std::string name = entry.path.substr(entry.path.rfind('/') + 1);
      if (!name.starts_with(prefix)) {
        continue;
      }
      const Span replace{offset_ - static_cast<std::uint32_t>(prefix.size()), offset_};
      Completion& item =
          Add(entry.directory ? name + "/" : name, entry.directory ? CompletionKind::kFolder : CompletionKind::kFile,
              replace, entry.directory ? name + "/" : name);
      item.sort = entry.directory ? "1" + name : "2" + name;
    }
  }

  void Healthcheck(std::string_view typed) {
    const std::size_t first = cursor_.FirstArgument();
    if ((cursor_.in_word() ? cursor_.word : cursor_.words_before) > first) {
      return;
    }
    const bool snippets = query_.client.snippets;
    const auto add = [&](std::string_view keyword, std::string label, std::string text, std::string_view data,
                         std::string_view sort) {
      if (StartsWithIgnoreCase(keyword, typed) && typed.size() < keyword.size()) {
        Completion& item = Add(std::move(label), CompletionKind::kKeyword, TypedSpan(), std::move(text));
        item.snippet = item.text.find("${") != std::string::npos;
        item.data = data;
        item.sort = sort;
      }
    };
    add("CMD", snippets ? "CMD [ \"executable\" ]" : "CMD", snippets ? "CMD [ \"${1:executable}\" ]" : "CMD",
        "HEALTHCHECK_CMD", "0");
    if (cursor_.words_before == 0) {
      add("NONE", "NONE", "NONE", "HEALTHCHECK_NONE", "1");
    }
  }

  void PlatformNames(std::string_view typed) {
    for (const auto infos : {PlatformArguments(), PredefinedArguments()}) {
      for (const VariableInfo& info : infos) {
        if (StartsWithIgnoreCase(info.name, typed)) {
          Add(Text(info.name), CompletionKind::kVariable, TypedSpan(), Text(info.name)).documentation = info.text;
        }
      }
    }
  }

  const Query& query_;
  Cursor cursor_;
  const ast::Dockerfile& file_;
  std::uint32_t offset_;
  CompletionList list_;
};

}  // namespace

CompletionList Complete(const Query& query, std::uint32_t offset) {
  return Completer(query, offset).Complete();
}

std::string CompletionDocumentation(std::string_view data) {
  const std::size_t flag = data.find("_Flag");
  if (flag != std::string_view::npos) {
    std::string name;
    for (const char c : data.substr(flag + 5)) {
      const bool upper = c >= 'A' && c <= 'Z';
      if (upper && !name.empty()) {
        name += '-';
      }
      name += upper ? static_cast<char>(c | 0x20) : c;
    }
    return DocumentationOf(fmt::format("{} --{}", data.substr(0, flag), name));
  }
  return DocumentationOf(data.substr(0, data.find('_')));
}

}  // namespace loam::lsp::dockerfile
