// loam completion bash|zsh|fish: completions made from the tables of verbs and flags.
#include <fmt/format.h>

#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/verbs.h"

namespace loam::cli {

namespace {

std::string ChoicesOf(const Flag& flag) {
  if (flag.completion.find('|') == std::string_view::npos) {
    return {};
  }
  std::string words(flag.completion);
  std::replace(words.begin(), words.end(), '|', ' ');
  return words;
}

bool TakesWord(const Flag& flag) {
  return flag.kind == FlagKind::kString || flag.kind == FlagKind::kList;
}

std::string Bash() {
  std::string text =
      "# bash completion for loam: source <(loam completion bash)\n"
      "_loam() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n";
  std::string verbs;
  for (const Command* const command : AllCommands()) {
    verbs += fmt::format("{}{}", verbs.empty() ? "" : " ", command->name);
  }
  text += fmt::format(
      "    COMPREPLY=($(compgen -W \"{} help\" -- \"$cur\")); return\n  fi\n  case \"$verb:$prev\" in\n", verbs);
  for (const Command* const command : AllCommands()) {
    for (const Flag& flag : command->flags) {
      if (!TakesWord(flag)) {
        continue;
      }
      std::string pattern = fmt::format("{}:--{}", command->name, flag.name);
      if (flag.short_name != 0) {
        pattern += fmt::format("|{}:-{}", command->name, flag.short_name);
      }
      const std::string choices = ChoicesOf(flag);
      const std::string action = flag.completion == "dir"    ? "COMPREPLY=($(compgen -d -- \"$cur\"))"
                                 : flag.completion == "file" ? "COMPREPLY=($(compgen -f -- \"$cur\"))"
                                 : !choices.empty()
                                     ? fmt::format("COMPREPLY=($(compgen -W \"{}\" -- \"$cur\"))", choices)
                                     : std::string("COMPREPLY=()");
      text += fmt::format("    {}) {}; return ;;\n", pattern, action);
    }
  }
  text += "  esac\n  case \"$verb\" in\n";
  for (const Command* const command : AllCommands()) {
    std::string flags = "--help";
    for (const Flag& flag : command->flags) {
      flags += fmt::format(" --{}", flag.name);
    }
    text += fmt::format(
        "    {}) [[ $cur == -* ]] && COMPREPLY=($(compgen -W \"{}\" -- \"$cur\")) || COMPREPLY=($(compgen -f -- "
        "\"$cur\")) ;;\n",
        command->name, flags);
  }
  text += "  esac\n}\ncomplete -o filenames -F _loam loam\n";
  return text;
}

// Single-quoted for zsh's _arguments and fish.
std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '[' || c == ']' || c == ':') {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string Zsh() {
  std::string text =
      "#compdef loam\n# zsh completion for loam: loam completion zsh > \"${fpath[1]}/_loam\"\n_loam() {\n  local -a "
      "verbs\n  verbs=(\n";
  for (const Command* const command : AllCommands()) {
    text += fmt::format("    '{}:{}'\n", command->name, Escape(command->summary));
  }
  text +=
      "  )\n  if (( CURRENT == 2 )); then _describe command verbs; return; fi\n  local verb=$words[2]\n  shift words; "
      "(( CURRENT-- ))\n  case $verb in\n";
  for (const Command* const command : AllCommands()) {
    text += fmt::format("    {}) _arguments -s", command->name);
    for (const Flag& flag : command->flags) {
      const std::string choices = ChoicesOf(flag);
      const std::string action = !TakesWord(flag)            ? ""
                                 : flag.completion == "dir"  ? ":directory:_files -/"
                                 : !choices.empty()          ? fmt::format(":value:({})", choices)
                                 : flag.completion == "file" ? ":file:_files"
                                                             : fmt::format(":{}: ", ToLowerAscii(flag.value_name));
      const std::string repeat = flag.kind == FlagKind::kList ? "*" : "";
      text += fmt::format(" \\\n      '{}--{}{}[{}]{}'", repeat, flag.name, TakesWord(flag) ? "=" : "",
                          Escape(flag.help), action);
    }
    text += " \\\n      '*:file:_files' ;;\n";
  }
  text += "  esac\n}\n_loam \"$@\"\n";
  return text;
}

std::string FishQuote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + "'";
}

std::string Fish() {
  std::string text = "# fish completion for loam: loam completion fish > ~/.config/fish/completions/loam.fish\n";
  for (const Command* const command : AllCommands()) {
    text += fmt::format("complete -c loam -n __fish_use_subcommand -f -a {} -d {}\n", command->name,
                        FishQuote(command->summary));
    for (const Flag& flag : command->flags) {
      text += fmt::format("complete -c loam -n '__fish_seen_subcommand_from {}' -l {}", command->name, flag.name);
      if (flag.short_name != 0) {
        text += fmt::format(" -s {}", flag.short_name);
      }
      if (TakesWord(flag)) {
        const std::string choices = ChoicesOf(flag);
        text += choices.empty() ? " -r" : fmt::format(" -x -a {}", FishQuote(choices));
      }
      text += fmt::format(" -d {}\n", FishQuote(flag.help));
    }
  }
  return text;
}

Exit Run(Context& context, const Flags& flags) {
  const std::string shell = flags.positional().size() == 1 ? flags.positional()[0] : std::string();
  if (shell == "bash") {
    PrintTo(context.out, "{}", Bash());
  } else if (shell == "zsh") {
    PrintTo(context.out, "{}", Zsh());
  } else if (shell == "fish") {
    PrintTo(context.out, "{}", Fish());
  } else {
    return UsageError(context, kCompletionCommand,
                      Error(ErrorCode::kInvalidArgument, "name one shell: bash, zsh or fish"));
  }
  return Exit::kOk;
}

}  // namespace

const Command kCompletionCommand = {.name = "completion",
                                    .summary = "print shell completions",
                                    .usage = "loam completion bash|zsh|fish",
                                    .flags = {},
                                    .run = Run};

}  // namespace loam::cli
