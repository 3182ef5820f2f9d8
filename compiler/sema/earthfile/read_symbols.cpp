#include "compiler/sema/earthfile/symbols.h"

#include <algorithm>

#include "compiler/ast/earthfile/texts.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/words.h"

namespace loam::sema::earthfile {
namespace {

using ast::earthfile::Block;
using ast::earthfile::Command;
using ast::earthfile::CommandKind;
using ast::earthfile::Statement;
using ast::earthfile::StatementKind;
using source::SourceRange;

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsNamePart(char c) {
  return IsNameStart(c) || (c >= '0' && c <= '9');
}

// An unescaped plus; npos if there is none.
std::size_t FindPlus(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '+') {
      return i;
    }
  }
  return std::string_view::npos;
}

bool TakesShellText(CommandKind kind) {
  return kind == CommandKind::kRun || kind == CommandKind::kCmd || kind == CommandKind::kEntrypoint ||
         kind == CommandKind::kHealthcheck;
}

class Reader {
 public:
  Reader(const ast::earthfile::Earthfile& file, const source::Buffer& buffer, FileSymbols& symbols)
      : buffer_(buffer), symbols_(symbols), before_explicit_global_(IsOld(file)) {}

  void ReadRecipe(std::size_t scope) {
    scope_ = scope;
    EachStatement(symbols_.scopes[scope].recipe, [&](const Statement& statement) { ReadStatement(statement); });
  }

 private:
  static bool IsOld(const ast::earthfile::Earthfile& file) {
    if (file.version == nullptr || file.version->args.empty()) {
      return false;
    }
    const auto set = ReadFeatures(ToWords(file.version->args), "", file.version->range);
    return set && !set->features.Has(Feature::kExplicitGlobal);
  }

  void ReadStatement(const Statement& statement) {
    switch (statement.kind) {
      case StatementKind::kCommand:
        ReadCommand(*statement.command);
        return;
      case StatementKind::kWith:
        ReadWith(statement.with->command);
        return;
      case StatementKind::kIf:
        ReadWords(statement.if_->condition.words, true, nullptr);
        for (const ast::earthfile::ElseIf& each : statement.if_->else_ifs) {
          ReadWords(each.condition.words, true, nullptr);
        }
        return;
      case StatementKind::kFor:
        ReadFor(statement);
        return;
      case StatementKind::kWait:
        ReadWords(statement.wait->args, false, nullptr);
        return;
      case StatementKind::kTry:
        return;
    }
  }

  void ReadCommand(const Command& command) {
    switch (command.kind) {
      case CommandKind::kArg:
      case CommandKind::kLet:
      case CommandKind::kEnv:
      case CommandKind::kSet:
        ReadVariable(command);
        return;
      case CommandKind::kLabel:
        for (const ast::earthfile::KeyValue& pair : command.pairs) {
          ReadWord(pair.key, false, &command);
          ReadWord(pair.value, false, &command);
        }
        return;
      case CommandKind::kBuild:
        ReadReferenceCommand<BuildFlags>(command, ReferenceKind::kBuild);
        break;
      case CommandKind::kFrom:
        ReadReferenceCommand<FromFlags>(command, ReferenceKind::kFrom);
        break;
      case CommandKind::kDo:
        ReadReferenceCommand<DoFlags>(command, ReferenceKind::kDo);
        break;
      case CommandKind::kImport:
        ReadImport(command);
        break;
      case CommandKind::kCopy:
        ReadCopy(command);
        break;
      case CommandKind::kFromDockerfile:
        ReadFromDockerfile(command);
        break;
      case CommandKind::kSaveArtifact:
        ReadSaveArtifact(command);
        break;
      case CommandKind::kLocally:
        symbols_.scopes[scope_].is_local = true;
        break;
      default:  // NOLINT: all others name nothing but variables
        break;
    }
    ReadWords(command.args, TakesShellText(command.kind), &command);
  }

  // --- variables
  // ------------------------------------------------------------------------------------------------------

  void ReadVariable(const Command& command) {
    for (const ast::earthfile::KeyValue& pair : command.pairs) {
      if (!pair.key.present()) {
        continue;
      }
      ReadWord(pair.value, false, &command);
      if (!ast::earthfile::IsVariableName(pair.key.text)) {
        continue;
      }
      if (command.kind == CommandKind::kSet) {
        symbols_.uses.push_back({pair.key.text, pair.key.range, scope_, false, true, &command});
        continue;
      }
      VariableDefinition definition;
      definition.kind = command.kind == CommandKind::kArg   ? VariableKind::kArg
                        : command.kind == CommandKind::kLet ? VariableKind::kLet
                                                            : VariableKind::kEnv;
      definition.scope = scope_;
      definition.name = pair.key.text;
      definition.name_range = pair.key.range;
      definition.command_range = command.location.range;
      definition.command = &command;
      const bool in_base = symbols_.scopes[scope_].kind == ScopeKind::kBase;
      for (const ast::earthfile::Word& flag : command.flags) {
        definition.global = definition.global || flag.text.starts_with("--global");
        definition.required = definition.required || flag.text.starts_with("--required");
      }
      if (in_base && (definition.kind == VariableKind::kEnv ||
                      (definition.kind == VariableKind::kArg && before_explicit_global_))) {
        definition.global = true;
      }
      definition.has_value = pair.value.present();
      definition.value = pair.value.text;
      definition.docs = command.docs;
      symbols_.variables.push_back(definition);
    }
  }

  void ReadFor(const Statement& statement) {
    ReadWords(statement.for_->args, true, nullptr);
    ForFlags flags;
    const std::vector<Word> words = Rest(statement.for_->args, flags);
    if (words.size() >= 2 && words[1].text == "IN" && ast::earthfile::IsVariableName(words[0].text)) {
      VariableDefinition definition;
      definition.kind = VariableKind::kFor;
      definition.scope = scope_;
      definition.name = buffer_.TextOf(words[0].range);
      definition.name_range = words[0].range;
      definition.command_range = statement.location.range;
      symbols_.variables.push_back(definition);
    }
  }

  void ReadWords(ast::earthfile::List<ast::earthfile::Word> words, bool in_shell, const Command* command) {
    for (const ast::earthfile::Word& word : words) {
      ReadWord(word, in_shell, command);
    }
  }

  void ReadWord(const ast::earthfile::Word& word, bool in_shell, const Command* command) {
    if (!word.present()) {
      return;
    }
    const std::string_view text = buffer_.TextOf(word.range);
    char quote = '\0';
    int parentheses = 0;  // of $(…)
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '\\') {
        ++i;
      } else if (c == '\'' && quote != '"') {
        quote = quote == '\'' ? '\0' : '\'';
      } else if (c == '"' && quote != '\'') {
        quote = quote == '"' ? '\0' : '"';
      } else if (c == ')' && parentheses > 0) {
        --parentheses;
      } else if (c == '$' && i + 1 < text.size()) {
        const bool shell = in_shell || parentheses > 0;
        if (text[i + 1] == '(') {
          ++parentheses;
          ++i;
          continue;
        }
        // In single quotes a shell that is started may still see it; a word of a command does not.
        if (quote == '\'' && !shell) {
          continue;
        }
        const std::size_t begin = i + (text[i + 1] == '{' ? 2 : 1);
        std::size_t end = begin;
        while (end < text.size() && (end == begin ? IsNameStart(text[end]) : IsNamePart(text[end]))) {
          ++end;
        }
        if (end > begin) {
          const SourceRange range = buffer_.Range(word.range.begin + begin, word.range.begin + end);
          symbols_.uses.push_back({buffer_.TextOf(range), range, scope_, shell, false, command});
          i = end - 1;
        }
      }
    }
  }

  // --- references
  // -----------------------------------------------------------------------------------------------------

  // The words behind the flags; if the flags are not right (yet), behind all words that look like one.
  template <class Flags>
  std::vector<Word> Rest(ast::earthfile::List<ast::earthfile::Word> words, Flags& flags) {
    if (auto rest = ParseFlags(ToWords(words), {}, flags)) {
      return *std::move(rest);
    }
    std::vector<Word> all = RejoinWords(ToWords(words));
    const auto first =
        std::find_if(all.begin(), all.end(), [](const Word& word) { return !word.text.starts_with("-"); });
    all.erase(all.begin(), first);
    return all;
  }

  ReferenceUse& Add(ReferenceKind kind, const Command& command, SourceRange range) {
    ReferenceUse use;
    use.kind = kind;
    use.scope = scope_;
    use.command = &command;
    use.range = range;
    use.text = buffer_.TextOf(range);
    use.artifact = use.name = use.project = buffer_.Range(range.end, range.end);
    const std::size_t plus = FindPlus(use.text);
    if (plus != std::string_view::npos) {
      use.project = buffer_.Range(range.begin, range.begin + plus);
      const std::size_t slash = use.text.find('/', plus);
      const std::size_t name_end = slash == std::string_view::npos ? use.text.size() : slash;
      use.name = buffer_.Range(range.begin + plus + 1, range.begin + name_end);
      use.artifact = buffer_.Range(range.begin + name_end, range.end);
      use.artifact_path = buffer_.TextOf(use.artifact);
      if (use.text.find('$') == std::string_view::npos) {
        if (auto reference = ParseReference(use.text.substr(0, name_end))) {
          use.reference = *std::move(reference);
        }
      }
    }
    return symbols_.references.emplace_back(std::move(use));
  }

  // The place of `part` in the word; the whole word if a continuation cuts through it.
  SourceRange PlaceOf(const Word& word, std::string_view part, std::size_t from = 0) const {
    const std::size_t at = buffer_.TextOf(word.range).find(part, from);
    return at == std::string_view::npos ? word.range
                                        : buffer_.Range(word.range.begin + at, word.range.begin + at + part.size());
  }

  void AddArguments(ReferenceUse& use, std::span<const Word> words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const Word& word = words[i];
      const std::size_t dashes = word.text.starts_with("--") ? 2 : word.text.starts_with("-") ? 1 : 0;
      if (dashes == 0) {
        continue;
      }
      PassedArgument argument;
      argument.range = word.range;
      std::string text = word.text.substr(dashes);
      std::size_t offset = dashes;
      if (text.starts_with("build-arg")) {
        argument.build_arg = true;
        if (text.starts_with("build-arg=")) {
          offset += 10;
          text.erase(0, 10);
        } else if (i + 1 < words.size()) {
          ++i;
          argument.range = source::Cover(argument.range, words[i].range);
          text = words[i].text;
          offset = words[i].range.begin - word.range.begin;
        }
      }
      const std::size_t equals = text.find('=');
      argument.name = text.substr(0, equals);
      const std::uint32_t begin = word.range.begin + static_cast<std::uint32_t>(offset);
      argument.name_range = buffer_.Range(begin, begin + argument.name.size());
      if (equals != std::string::npos) {
        argument.value = text.substr(equals + 1);
      } else if (i + 1 < words.size() && !words[i + 1].text.starts_with("-")) {
        ++i;
        argument.value = words[i].text;
        argument.range = source::Cover(argument.range, words[i].range);
      }
      use.arguments.push_back(std::move(argument));
    }
  }

  // --build-arg in front of the reference.
  template <class Flags>
  void AddBuildArguments(ReferenceUse& use, const Command& command, const Flags& flags) {
    if (flags.build_args.empty()) {
      return;
    }
    std::vector<Word> front;
    for (const ast::earthfile::Word& word : command.args) {
      if (word.range.begin >= use.range.begin) {
        break;
      }
      front.push_back({std::string(word.text), word.range});
    }
    for (std::size_t i = 0; i < front.size(); ++i) {
      if (front[i].text.starts_with("--build-arg")) {
        const std::size_t count = front[i].text == "--build-arg" && i + 1 < front.size() ? 2 : 1;
        AddArguments(use, std::span(front).subspan(i, count));
        i += count - 1;
      }
    }
  }

  template <class Flags>
  void ReadReferenceCommand(const Command& command, ReferenceKind kind) {
    Flags flags;
    const std::vector<Word> words = Rest(command.args, flags);
    if (words.empty() || (kind == ReferenceKind::kFrom && !LooksLikeReference(words[0].text))) {
      return;
    }
    ReferenceUse& use = Add(kind, command, Unquoted(words[0]));
    use.pass_args = flags.pass_args;
    AddArguments(use, std::span(words).subspan(1));
    if constexpr (requires { flags.build_args; }) {
      AddBuildArguments(use, command, flags);
    }
  }

  [[nodiscard]] SourceRange Unquoted(const Word& word) const {
    SourceRange range = word.range;
    const std::string_view text = buffer_.TextOf(range);
    if (text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'')) {
      ++range.begin;
      --range.end;
    }
    return range;
  }

  void ReadImport(const Command& command) {
    ImportFlags flags;
    const std::vector<Word> words = Rest(command.args, flags);
    if (words.empty()) {
      return;
    }
    const SourceRange range = Unquoted(words[0]);
    ReferenceUse& use = Add(ReferenceKind::kImport, command, range);
    use.project = range;
    use.name = {};
    use.reference.reset();
    if (use.text.find('$') == std::string_view::npos) {
      if (auto reference = ParseReference(std::string(use.text) + "+base")) {
        use.reference = reference->Project();
      }
    }
    ImportDefinition import;
    import.scope = scope_;
    import.command = &command;
    import.reference = symbols_.references.size() - 1;
    if (words.size() >= 3 && words[1].text == "AS") {
      import.alias = words[2].text;
      import.alias_range = words[2].range;
      import.has_as = true;
    } else if (use.reference) {
      import.alias = DefaultAlias(*use.reference);
      const std::size_t at = use.text.rfind(import.alias);
      import.alias_range = at == std::string_view::npos
                               ? range
                               : buffer_.Range(range.begin + at, range.begin + at + import.alias.size());
    }
    if (!import.alias.empty()) {
      symbols_.imports.push_back(std::move(import));
    }
  }

  // `(+t/path --k=v)`, quoted or not, or the reference alone.
  void ReadArtifactWord(const Command& command, ReferenceKind kind, const Word& word, bool pass_args) {
    if (!IsInParentheses(word.text)) {
      // Half-typed ones are read as well: `+`, `+t`.
      if (FindPlus(word.text) == std::string_view::npos) {
        return;
      }
      const SourceRange range = Unquoted(word);
      const std::string_view text = buffer_.TextOf(range);
      if (!IsArtifact(text) && !text.starts_with('+') && text.find("/+") == std::string_view::npos) {
        const std::size_t plus = FindPlus(text);
        const std::string_view front = text.substr(0, plus);
        // `a+b.txt` is a file; what `a+$b/c` is, only the build knows.
        const bool unknown =
            text.find('$', plus) != std::string_view::npos && text.find('/', plus) != std::string_view::npos;
        if (!unknown && !front.starts_with('.') && !front.starts_with('/')) {
          return;
        }
      }
      Add(kind, command, range).pass_args = pass_args;
      return;
    }
    const auto parts = SplitParentheses(word.text);
    if (!parts) {
      return;
    }
    std::vector<Word> places;
    std::size_t from = 0;
    const std::string_view raw = buffer_.TextOf(word.range);
    for (const std::string& part : *parts) {
      const std::size_t at = raw.find(part, from);
      if (at == std::string_view::npos) {
        places.push_back({part, word.range});
        continue;
      }
      from = at + part.size();
      places.push_back({part, buffer_.Range(word.range.begin + at, word.range.begin + from)});
    }
    ReferenceUse& use = Add(kind, command, places[0].range);
    use.pass_args = pass_args;
    AddArguments(use, std::span(places).subspan(1));
  }

  void ReadCopy(const Command& command) {
    CopyFlags flags;
    const std::vector<Word> words = Rest(command.args, flags);
    for (std::size_t i = 0; i < words.size(); ++i) {
      // The last word is where it goes, if it is not the only one.
      if (i + 1 == words.size() && i > 0) {
        break;
      }
      const std::size_t before = symbols_.references.size();
      ReadArtifactWord(command, ReferenceKind::kCopy, words[i], flags.pass_args);
      if (symbols_.references.size() > before) {
        AddBuildArguments(symbols_.references.back(), command, flags);
      }
    }
  }

  void ReadFromDockerfile(const Command& command) {
    FromDockerfileFlags flags;
    const std::vector<Word> words = Rest(command.args, flags);
    if (!words.empty()) {
      ReadArtifactWord(command, ReferenceKind::kDockerfile, words[0], false);
    }
    if (FindPlus(flags.file) != std::string_view::npos) {
      for (const Word& word : RejoinWords(ToWords(command.args))) {
        if (word.text == flags.file || word.text.ends_with("=" + flags.file)) {
          const SourceRange place = PlaceOf(word, flags.file);
          ReadArtifactWord(command, ReferenceKind::kDockerfile, {flags.file, place}, false);
          break;
        }
      }
    }
  }

  void ReadWith(const Command& command) {
    WithDockerFlags flags;
    Rest(command.args, flags);
    std::vector<Word> words = RejoinWords(ToWords(command.args));
    for (std::size_t i = 0; i < words.size(); ++i) {
      Word word = words[i];
      if (word.text == "--load" && i + 1 < words.size()) {
        word = words[++i];
      } else if (word.text.starts_with("--load=")) {
        const std::string_view raw = buffer_.TextOf(word.range);
        const std::size_t at = raw.find('=');
        word = {word.text.substr(7), buffer_.Range(word.range.begin + at + 1, word.range.end)};
      } else {
        continue;
      }
      ReadLoad(command, word, flags.pass_args);
    }
    ReadWords(command.args, false, &command);
  }

  void ReadLoad(const Command& command, const Word& word, bool pass_args) {
    const auto load = ParseLoadWord(word.text);
    if (!load) {
      return;
    }
    ReferenceUse& use = Add(ReferenceKind::kLoad, command, PlaceOf(word, load->target));
    use.pass_args = pass_args;
    std::vector<Word> places;
    std::size_t from = use.range.end - word.range.begin;
    for (const std::string& argument : load->args) {
      const SourceRange place = PlaceOf(word, argument, from);
      from = place.end - word.range.begin;
      places.push_back({argument, place});
    }
    AddArguments(use, places);
  }

  void ReadSaveArtifact(const Command& command) {
    SaveArtifactFlags flags;
    const std::vector<Word> words = Rest(command.args, flags);
    if (words.empty()) {
      return;
    }
    ArtifactSave save;
    save.scope = scope_;
    save.command = &command;
    save.source_range = words[0].range;
    save.source = buffer_.TextOf(words[0].range);
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (words[i].text == "AS") {
        save.as_local = true;
        break;
      }
      save.destination = buffer_.TextOf(words[i].range);
    }
    if (save.source.find('$') == std::string_view::npos && save.destination.find('$') == std::string_view::npos) {
      const std::string_view base = save.source.substr(save.source.rfind('/') + 1);
      std::string path = save.destination.empty() ? "./" : std::string(save.destination);
      if (path.ends_with('/') || path == ".") {
        path += "/" + std::string(base);
      }
      save.path = CleanPath("/" + path);
    }
    symbols_.artifacts.push_back(std::move(save));
  }

  const source::Buffer& buffer_;
  FileSymbols& symbols_;
  bool before_explicit_global_;
  std::size_t scope_ = 0;
};

}  // namespace

FileSymbols ReadSymbols(const ast::earthfile::Earthfile& file, const source::Buffer& buffer) {
  FileSymbols symbols;
  RecipeScope base;
  base.name = kBaseTarget;
  base.recipe = file.base_recipe;
  if (!file.base_recipe.empty()) {
    base.range = source::Cover(file.base_recipe.front().location.range, file.base_recipe.back().location.range);
  }
  symbols.scopes.push_back(base);
  for (const ast::earthfile::Target& target : file.targets) {
    symbols.scopes.push_back(
        {ScopeKind::kTarget, target.name, target.docs, target.recipe, target.name_range, target.location.range, false});
  }
  for (const ast::earthfile::Function& function : file.functions) {
    symbols.scopes.push_back({ScopeKind::kFunction, function.name, function.docs, function.recipe, function.name_range,
                              function.location.range, false});
  }
  std::sort(symbols.scopes.begin() + 1, symbols.scopes.end(),
            [](const RecipeScope& a, const RecipeScope& b) { return a.name_range.begin < b.name_range.begin; });
  Reader reader(file, buffer, symbols);
  for (std::size_t i = 0; i < symbols.scopes.size(); ++i) {
    reader.ReadRecipe(i);
  }
  return symbols;
}

}  // namespace loam::sema::earthfile
