#include "compiler/lint/shell_words.h"

#include <algorithm>

#include "base/strings.h"

namespace loam::lint::shell {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}
bool EndsWord(char c) {
  return IsBlank(c) || c == '\n' || c == ';' || c == '&' || c == '|' || c == '(' || c == ')' || c == '<' || c == '>';
}
bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool IsNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
bool IsAssignment(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos || equals == 0 || (word[0] >= '0' && word[0] <= '9')) {
    return false;
  }
  const std::string_view name = word.substr(0, word[equals - 1] == '+' ? equals - 1 : equals);
  return !name.empty() && std::all_of(name.begin(), name.end(), IsNameChar);
}
// Words that may stand in front of a command and are none.
bool IsKeyword(std::string_view word) {
  static constexpr std::string_view kKeywords[] = {"if",   "then", "else", "elif", "fi",   "while", "until", "do",
                                                   "done", "!",    "{",    "}",    "esac", "time",  "coproc"};
  return std::find(std::begin(kKeywords), std::end(kKeywords), word) != std::end(kKeywords);
}

class Reader {
 public:
  Reader(std::string_view text, Script& script) : text_(text), script_(script) {}

  // Commands up to `closer`, which is consumed ('\0': the end of the text).
  void ReadList(char closer, bool nested, int depth) {
    List list{{}, 0, nested, depth};
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (IsBlank(c)) {
        ++position_;
      } else if (At("\\\n") || At("\\\r\n")) {
        position_ += At("\\\n") ? 2 : 3;
      } else if (c == '#') {
        position_ = std::min(text_.find('\n', position_), text_.size());
      } else if (c == '\n') {
        Finish(list);
        ++position_;
        SkipHeredocs();
      } else if (c == closer) {
        Finish(list);
        ++position_;
        return;
      } else if (c == ')' || c == ';' || (c == '&' && !At("&>")) || c == '|') {
        ReadOperator(list);
      } else if (c == '(') {
        ReadParenthesis(list);
      } else if ((c == '<' || c == '>' || c == '&') && !At("<(") && !At(">(")) {
        ReadRedirection(list);
      } else {
        ReadOneWord(list);
      }
    }
    Finish(list);
  }

 private:
  struct List {
    Command command;
    int cases = 0;  // `case`s that are open
    bool nested = false;
    int depth = 0;
  };
  struct Pending {
    std::string terminator;
    bool chomp = false;
  };

  [[nodiscard]] bool At(std::string_view what) const { return text_.substr(position_, what.size()) == what; }

  void Finish(List& list) {
    Command& command = list.command;
    if (!command.words.empty() || !command.assignments.empty()) {
      const Word& first = command.assignments.empty() ? command.words.front() : command.assignments.front();
      command.begin = first.begin;
      command.end = command.words.empty() ? command.assignments.back().end : command.words.back().end;
      command.nested = list.nested;
      script_.commands.push_back(std::move(command));
    }
    command = {};
  }

  void ReadOperator(List& list) {
    Finish(list);
    if (At(";;") || At(";&")) {
      position_ += At(";;&") ? 3 : 2;
      if (list.cases > 0) {
        SkipPattern(list);
      }
      return;
    }
    if (At("&&") || At("||")) {
      position_ += 2;
      return;
    }
    if (At("|")) {
      script_.has_pipe = true;
      position_ += At("|&") ? 2 : 1;
      return;
    }
    ++position_;
  }

  void ReadParenthesis(List& list) {
    const bool first = list.command.words.empty();
    if (At("((") && first) {
      SkipBalanced('(', ')');
    } else if (!first && list.command.words.size() == 1 && At("()")) {
      list.command = {};  // a function's head
      position_ += 2;
    } else {
      Finish(list);
      ++position_;
      if (list.depth >= kMaxNesting) {
        return;
      }
      ReadList(')', list.nested, list.depth + 1);
    }
  }

  void ReadRedirection(List& list) {
    if (At("&>")) {
      position_ += At("&>>") ? 3 : 2;
    } else if (At("<<<")) {
      position_ += 3;
    } else if (At("<<")) {
      const bool chomp = At("<<-");
      position_ += chomp ? 3 : 2;
      SkipBlanks();
      pending_.push_back({ReadWord(list).text, chomp});
      return;
    } else {
      ++position_;
      if (position_ < text_.size() && (At(">") || At("&") || At("|"))) {
        ++position_;
      }
    }
    SkipBlanks();
    if (position_ < text_.size() && (!EndsWord(text_[position_]) || At("<(") || At(">("))) {
      ReadWord(list);
    }
  }

  void ReadOneWord(List& list) {
    const bool quoted = text_[position_] == '\'' || text_[position_] == '"' || text_[position_] == '\\';
    Word word = ReadWord(list);
    if (position_ < text_.size() && (text_[position_] == '<' || text_[position_] == '>') && IsNumber(word.text)) {
      return;  // a descriptor
    }
    Command& command = list.command;
    if (command.words.empty() && !quoted) {
      if (IsAssignment(word.text)) {
        if (At("(")) {
          SkipBalanced('(', ')');
        }
        command.assignments.push_back(std::move(word));
        return;
      }
      if (command.assignments.empty() && ReadKeyword(list, word.text)) {
        return;
      }
    }
    command.words.push_back(std::move(word));
  }

  // True if the word is a keyword of the shell; what belongs to it and is no command is skipped.
  bool ReadKeyword(List& list, std::string_view word) {
    if (word == "esac") {
      list.cases = std::max(0, list.cases - 1);
      return true;
    }
    if (IsKeyword(word)) {
      return true;
    }
    if (word == "for" || word == "select") {
      while (position_ < text_.size() && text_[position_] != ';' && text_[position_] != '\n') {
        if (At("((")) {
          SkipBalanced('(', ')');
        } else if (EndsWord(text_[position_])) {
          ++position_;
        } else if (ReadWord(list).text == "do") {
          return true;
        }
      }
      return true;
    }
    if (word == "case") {
      while (position_ < text_.size() && !At(";")) {
        if (EndsWord(text_[position_])) {
          ++position_;
        } else if (ReadWord(list).text == "in") {
          ++list.cases;
          SkipPattern(list);
          return true;
        }
      }
      return true;
    }
    if (word == "function") {
      SkipBlanks();
      if (position_ < text_.size() && !EndsWord(text_[position_])) {
        ReadWord(list);
      }
      SkipBlanks();
      position_ += At("()") ? 2 : 0;
      return true;
    }
    if (word == "[[") {
      const std::size_t end = text_.find("]]", position_);
      position_ = end == std::string_view::npos ? text_.size() : end + 2;
      return true;
    }
    return false;
  }

  // The pattern of a case, with its parenthesis; or `esac`.
  void SkipPattern(List& list) {
    while (position_ < text_.size() && (IsBlank(text_[position_]) || text_[position_] == '\n')) {
      ++position_;
    }
    if (At("(")) {
      ++position_;
    }
    bool first = true;
    while (position_ < text_.size()) {
      if (At(")")) {
        ++position_;
        return;
      }
      if (EndsWord(text_[position_])) {
        ++position_;
        continue;
      }
      const std::uint32_t begin = static_cast<std::uint32_t>(position_);
      if (ReadWord(list).text == "esac" && first) {
        position_ = begin;
        return;
      }
      first = false;
    }
  }

  void SkipBlanks() {
    while (position_ < text_.size() && (IsBlank(text_[position_]) || At("\\\n"))) {
      position_ += At("\\\n") ? 2 : 1;
    }
  }

  // From an opening character to behind its counterpart. Quotes are respected.
  void SkipBalanced(char open, char close) {
    int depth = 0;
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '\\') {
        position_ = std::min(position_ + 2, text_.size());
        continue;
      }
      if (c == '\'') {
        const std::size_t end = text_.find('\'', position_ + 1);
        position_ = end == std::string_view::npos ? text_.size() : end + 1;
        continue;
      }
      ++position_;
      if (c == open) {
        ++depth;
      } else if (c == close && --depth == 0) {
        return;
      }
    }
  }

  void SkipHeredocs() {
    for (const Pending& pending : pending_) {
      while (position_ < text_.size()) {
        const std::size_t end = std::min(text_.find('\n', position_), text_.size());
        std::string_view line = text_.substr(position_, end - position_);
        position_ = std::min(end + 1, text_.size());
        while (pending.chomp && line.starts_with('\t')) {
          line.remove_prefix(1);
        }
        if (line.ends_with('\r')) {
          line.remove_suffix(1);
        }
        if (line == pending.terminator) {
          break;
        }
      }
    }
    pending_.clear();
  }

  Word ReadWord(const List& list) {
    Word word;
    word.begin = static_cast<std::uint32_t>(position_);
    if (At("<(") || At(">(")) {
      ReadSubstitution(word, 2, list);
    }
    while (position_ < text_.size() && !EndsWord(text_[position_])) {
      const char c = text_[position_];
      if (c == '\\') {
        ReadEscape(word);
      } else if (c == '\'') {
        const std::size_t end = std::min(text_.find('\'', position_ + 1), text_.size());
        word.text += text_.substr(position_ + 1, end - position_ - 1);
        position_ = std::min(end + 1, text_.size());
      } else if (c == '"') {
        ReadDoubleQuotes(word, list);
      } else if (c == '$' || c == '`') {
        ReadExpansion(word, list, false);
      } else {
        word.text.push_back(c);
        ++position_;
      }
    }
    word.end = static_cast<std::uint32_t>(position_);
    return word;
  }

  void ReadEscape(Word& word) {
    ++position_;
    if (position_ == text_.size()) {
      return;
    }
    if (!At("\n")) {
      word.text.push_back(text_[position_]);
    }
    ++position_;
  }

  void ReadDoubleQuotes(Word& word, const List& list) {
    ++position_;
    while (position_ < text_.size() && text_[position_] != '"') {
      const char c = text_[position_];
      if (c == '\\' && position_ + 1 < text_.size()) {
        const char next = text_[position_ + 1];
        if (next != '$' && next != '`' && next != '"' && next != '\\' && next != '\n') {
          word.text.push_back(c);
          ++position_;
        } else {
          ReadEscape(word);
        }
      } else if (c == '$' || c == '`') {
        ReadExpansion(word, list, true);
      } else {
        word.text.push_back(c);
        ++position_;
      }
    }
    position_ = std::min(position_ + 1, text_.size());
  }

  // Kept as written; commands inside of it are read.
  void ReadExpansion(Word& word, const List& list, bool in_quotes) {
    const std::size_t begin = position_;
    if (At("$((")) {
      ++position_;
      SkipBalanced('(', ')');
    } else if (At("$(")) {
      ReadSubstitution(word, 2, list);
      return;
    } else if (At("${")) {
      ++position_;
      SkipBalanced('{', '}');
    } else if (At("$'") && !in_quotes) {
      position_ += 2;
      while (position_ < text_.size() && text_[position_] != '\'') {
        if (At("\\")) {
          ++position_;
        }
        if (position_ < text_.size()) {
          word.text.push_back(text_[position_++]);
        }
      }
      position_ = std::min(position_ + 1, text_.size());
      return;
    } else if (At("$\"") && !in_quotes) {
      ++position_;
      return;
    } else if (At("`")) {
      ReadBackticks(list);
    } else {
      ++position_;
    }
    word.text += text_.substr(begin, position_ - begin);
  }

  void ReadSubstitution(Word& word, std::size_t opening, const List& list) {
    const std::size_t begin = position_;
    if (list.depth >= kMaxNesting) {
      position_ += opening - 1;
      SkipBalanced('(', ')');
    } else {
      position_ += opening;
      const std::vector<Pending> outer = std::exchange(pending_, {});
      ReadList(')', true, list.depth + 1);
      pending_ = outer;
    }
    word.text += text_.substr(begin, position_ - begin);
  }

  void ReadBackticks(const List& list) {
    std::size_t end = position_ + 1;
    while (end < text_.size() && text_[end] != '`') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    end = std::min(end, text_.size());
    if (list.depth < kMaxNesting) {
      // A reader of its own for the part in between, in the coordinates of this one.
      Reader inner(text_.substr(0, end), script_);
      inner.position_ = position_ + 1;
      inner.ReadList('\0', true, list.depth + 1);
    }
    position_ = std::min(end + 1, text_.size());
  }

  std::string_view text_;
  Script& script_;
  std::size_t position_ = 0;
  std::vector<Pending> pending_;
};

std::string_view WithoutDashes(std::string_view argument) {
  return argument.substr(std::min(argument.find_first_not_of('-'), argument.size()));
}

bool IsCluster(std::string_view argument) {
  return argument.size() > 1 && argument[0] == '-' && argument[1] != '-';
}

}  // namespace

std::vector<std::string_view> Command::Arguments() const {
  std::vector<std::string_view> arguments;
  for (std::size_t i = 1; i < words.size(); ++i) {
    arguments.emplace_back(words[i].text);
  }
  return arguments;
}

std::vector<std::string_view> Command::Operands() const {
  return Operands({});
}

std::vector<std::string_view> Command::Operands(const std::vector<std::string_view>& options_with_value) const {
  std::vector<std::string_view> operands;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view argument = words[i].text;
    if (!argument.starts_with('-')) {
      operands.push_back(argument);
    } else if (std::find(options_with_value.begin(), options_with_value.end(), WithoutDashes(argument)) !=
               options_with_value.end()) {
      ++i;
    }
  }
  return operands;
}

bool Command::HasOption(std::string_view name) const {
  return CountOption(name) > 0;
}

int Command::CountOption(std::string_view name) const {
  int count = 0;
  for (const std::string_view argument : Arguments()) {
    if (name.size() == 1 && IsCluster(argument)) {
      const std::string_view letters = argument.substr(0, argument.find('='));
      count += static_cast<int>(std::count(letters.begin() + 1, letters.end(), name[0]));
    } else if (name.size() > 1 && argument.starts_with("--") && WithoutDashes(argument).starts_with(name)) {
      const std::string_view rest = WithoutDashes(argument).substr(name.size());
      count += rest.empty() || rest[0] == '=' ? 1 : 0;
    }
  }
  return count;
}

std::string_view Command::OptionValue(std::string_view name) const {
  const std::vector<std::string_view> arguments = Arguments();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const bool matches = name.size() == 1 ? IsCluster(argument) && argument[1] == name[0]
                                          : argument.starts_with("--") && WithoutDashes(argument).starts_with(name);
    if (!matches) {
      continue;
    }
    const std::string_view rest = argument.substr(name.size() == 1 ? 2 : 2 + name.size());
    if (rest.empty()) {
      return i + 1 < arguments.size() ? arguments[i + 1] : std::string_view();
    }
    if (rest[0] == '=') {
      return rest.substr(1);
    }
    if (name.size() == 1) {
      return rest;
    }
  }
  return {};
}

bool Command::HasArgument(std::string_view word) const {
  const auto arguments = Arguments();
  return std::find(arguments.begin(), arguments.end(), word) != arguments.end();
}

Script ReadScript(std::string_view text) {
  Script script;
  Reader reader(text, script);
  reader.ReadList('\0', false, 0);
  std::stable_sort(script.commands.begin(), script.commands.end(),
                   [](const Command& a, const Command& b) { return a.begin < b.begin; });
  return script;
}

Script ReadArguments(const std::vector<std::string>& words) {
  if (words.empty()) {
    return {};
  }
  const std::string_view program = std::string_view(words[0]).substr(words[0].rfind('/') + 1);
  const bool shell = program == "sh" || program == "bash" || program == "ash" || program == "dash" ||
                     program == "ksh" || program == "zsh";
  if (shell && words.size() > 2 && words[words.size() - 2].starts_with('-') && words[words.size() - 2].ends_with('c')) {
    Script script = ReadScript(words.back());
    for (Command& command : script.commands) {
      command.begin = command.end = 0;
      for (std::vector<Word>* list : {&command.assignments, &command.words}) {
        for (Word& word : *list) {
          word.begin = word.end = 0;
        }
      }
    }
    return script;
  }
  Script script;
  Command command;
  for (const std::string& word : words) {
    command.words.push_back({word, 0, 0});
  }
  script.commands.push_back(std::move(command));
  return script;
}

}  // namespace loam::lint::shell
