#include "compiler/lint/hadolint/file_view.h"

#include <algorithm>

#include "base/strings.h"
#include "compiler/ast/dockerfile/heredoc.h"
#include "compiler/lint/hadolint/hadolint.h"

namespace loam::lint::hadolint {
namespace {

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

const std::vector<std::string>& DefaultShell() {
  static const std::vector<std::string> kShell = {"/bin/sh", "-c"};
  return kShell;
}

// A `#!` line that names something else than a POSIX shell.
bool IsOtherProgram(std::string_view script) {
  if (!script.starts_with("#!")) {
    return false;
  }
  const std::string_view line = TrimSpace(script.substr(0, script.find('\n')));
  return !line.ends_with("sh") && line.find("sh ") == std::string_view::npos;
}

shell::Script ScriptOf(const ast::Run& run) {
  if (run.script != nullptr) {
    const std::string_view content = run.script->content;
    return IsOtherProgram(content) ? shell::Script() : shell::ReadScript(content);
  }
  if (run.command.json) {
    std::vector<std::string> words;
    for (const ast::Text& word : run.command.args) {
      words.emplace_back(word.text);
    }
    return shell::ReadArguments(words);
  }
  return run.command.args.empty() ? shell::Script() : shell::ReadScript(run.command.args.front().text);
}

class ViewBuilder {
 public:
  ViewBuilder(FileView& view, const Pragmas& pragmas) : view_(view), pragmas_(pragmas) {}

  void Add(const ast::Instruction* instruction) {
    TakePragmas(instruction->lines.first);
    if (const auto* from = ast::As<ast::From>(instruction)) {
      BeginStage(*from);
    }
    InstructionView& added = Append(instruction, false);
    TakeVariables(added);
    if (added.stage != nullptr && instruction->kind != ast::InstructionKind::kFrom) {
      view_.stages.back().instructions.push_back(&added);
    }
    if (const auto* set = ast::As<ast::Shell>(instruction)) {
      shell_.clear();
      for (const ast::Text& word : set->command.args) {
        shell_.emplace_back(word.text);
      }
    } else if (const auto* onbuild = ast::As<ast::Onbuild>(instruction); onbuild && onbuild->trigger != nullptr) {
      InstructionView& trigger = Append(onbuild->trigger, true);
      if (trigger.stage != nullptr) {
        view_.stages.back().instructions.push_back(&trigger);
      }
    }
    if (!view_.stages.empty()) {
      stage_shells_[&view_.stages.back()] = shell_;
    }
  }

 private:
  void TakePragmas(std::uint32_t line) {
    for (; next_pragma_ < pragmas_.all().size() && pragmas_.all()[next_pragma_].line < line; ++next_pragma_) {
      const Pragma& pragma = pragmas_.all()[next_pragma_];
      if (pragma.kind == Pragma::Kind::kShell) {
        shell_ = {pragma.shell};
        if (view_.stages.empty()) {
          global_shell_ = shell_;
        }
      }
    }
  }

  void BeginStage(const ast::From& from) {
    StageView stage;
    stage.from = &from;
    stage.index = view_.stages.size();
    stage.name = from.stage_id;
    stage.image = std::string(Unquote(from.base.text));
    // A name only: FROM knows no numbers.
    if (const auto named = view_.stages_by_name.find(ToLowerAscii(stage.image)); named != view_.stages_by_name.end()) {
      stage.base = named->second.back();
    }
    shell_ = stage.base != nullptr ? stage_shells_[stage.base] : global_shell_;
    view_.stages.push_back(std::move(stage));
    if (!from.stage_id.empty()) {
      view_.stages_by_name[std::string(from.stage_id)].push_back(&view_.stages.back());
    }
  }

  void TakeVariables(const InstructionView& view) {
    if (const auto* arg = view.As<ast::Arg>()) {
      for (const ast::ArgItem& item : arg->items) {
        view_.variables[std::string(item.key.text)].push_back(
            {view.number, nullptr, std::string(Unquote(item.value.text))});
      }
    } else if (const auto* env = view.As<ast::Env>(); env != nullptr && view.stage != nullptr) {
      for (const ast::KeyValue& pair : env->pairs) {
        view_.variables[std::string(pair.key.text)].push_back(
            {view.number, view.stage, std::string(Unquote(pair.value.text))});
      }
    }
  }

  InstructionView& Append(const ast::Instruction* instruction, bool trigger) {
    InstructionView& added = view_.instructions.emplace_back();
    added.instruction = instruction;
    added.trigger = trigger;
    added.stage = view_.stages.empty() ? nullptr : &view_.stages.back();
    added.number = view_.instructions.size() - 1;
    added.shell = shell_;
    if (const auto* run = ast::As<ast::Run>(instruction); run != nullptr && IsPosixShell(shell_)) {
      added.script = ScriptOf(*run);
    }
    return added;
  }

  FileView& view_;
  const Pragmas& pragmas_;
  std::size_t next_pragma_ = 0;
  std::vector<std::string> global_shell_ = DefaultShell();
  std::vector<std::string> shell_ = DefaultShell();
  std::map<const StageView*, std::vector<std::string>> stage_shells_;
};

}  // namespace

FileView MakeFileView(const ast::Dockerfile& file, const source::Buffer& buffer, const HadolintOptions& options,
                      const Pragmas& pragmas) {
  FileView view;
  view.file = &file;
  view.buffer = &buffer;
  view.options = &options;
  view.pragmas = &pragmas;
  ViewBuilder builder(view, pragmas);
  for (const ast::Instruction* each : file.instructions) {
    builder.Add(each);
  }
  return view;
}

const StageView* FileView::FindStage(std::string_view reference, std::size_t before) const {
  const auto named = stages_by_name.find(ToLowerAscii(reference));
  if (named != stages_by_name.end() && named->second.front()->index < before) {
    return named->second.front();
  }
  constexpr std::size_t kMaxDigits = 9;
  if (reference.empty() || reference.size() > kMaxDigits ||
      reference.find_first_not_of("0123456789") != std::string_view::npos) {
    return nullptr;
  }
  const auto index = static_cast<std::size_t>(std::stoul(std::string(reference)));
  return index < std::min(before, stages.size()) ? &stages[index] : nullptr;
}

std::string_view Unquote(std::string_view word) {
  if (word.size() >= 2 && (word.front() == '"' || word.front() == '\'') && word.back() == word.front()) {
    return word.substr(1, word.size() - 2);
  }
  return word;
}

bool HasVariable(std::string_view word) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\\') {
      ++i;
    } else if (word[i] == '$') {
      return true;
    }
  }
  return false;
}

std::vector<std::string> Paths(const ast::FileTransfer& transfer) {
  std::vector<std::string> written;
  for (const ast::FileSource& source : transfer.sources) {
    written.emplace_back(source.path.text);
  }
  written.emplace_back(transfer.destination.text);
  if (transfer.json) {
    return written;
  }
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < written.size(); ++i) {
    std::string path = written[i];
    const char quote = path.empty() ? '\0' : path[0];
    if (quote == '"' || quote == '\'') {
      while ((path.size() < 2 || path.back() != quote) && i + 1 < written.size()) {
        path += " " + written[++i];
      }
    }
    paths.emplace_back(Unquote(path));
  }
  return paths;
}

std::string_view MountOption(const ast::Mount& mount, std::string_view key) {
  std::string_view value;
  for (const ast::CsvField& field : mount.fields) {
    const bool same = field.key == key || (key == "target" && (field.key == "dst" || field.key == "destination"));
    if (field.has_value && same) {
      value = field.value.text;
    }
  }
  return value;
}

bool HasVolatileMount(const ast::Run& run, const std::vector<std::string_view>& directories) {
  return std::any_of(run.mounts.begin(), run.mounts.end(), [&](const ast::Mount& mount) {
    const std::string_view type = MountOption(mount, "type");
    std::string_view target = MountOption(mount, "target");
    while (target.size() > 1 && target.ends_with('/')) {
      target.remove_suffix(1);
    }
    return (type == "cache" || type == "tmpfs") &&
           std::find(directories.begin(), directories.end(), target) != directories.end();
  });
}

bool IsPosixShell(const std::vector<std::string>& shell) {
  if (shell.empty()) {
    return true;
  }
  std::string name = ToLowerAscii(FileName(shell.front()));
  if (name.ends_with(".exe")) {
    name.resize(name.size() - 4);
  }
  return name != "pwsh" && name != "powershell" && name != "cmd";
}

std::string_view FileName(std::string_view path) {
  const std::size_t separator = path.find_last_of("/\\");
  return separator == std::string_view::npos ? path : path.substr(separator + 1);
}

std::optional<std::string> VariableAt(const FileView& file, const InstructionView& at, std::string_view name) {
  const auto settings = file.variables.find(name);
  if (settings == file.variables.end()) {
    return std::nullopt;
  }
  const std::vector<FileView::Setting>& all = settings->second;
  for (auto each = all.rbegin(); each != all.rend(); ++each) {
    if (each->number < at.number &&
        (each->stage == nullptr || (at.stage != nullptr && IsBuiltFrom(*at.stage, *each->stage)))) {
      return each->value;
    }
  }
  return std::nullopt;
}

bool IsBuiltFrom(const StageView& stage, const StageView& base) {
  for (const StageView* each = &stage; each != nullptr; each = each->base) {
    if (each == &base) {
      return true;
    }
  }
  return false;
}

std::string ExpandKnown(const FileView& file, const InstructionView& at, std::string_view word) {
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] != '$' || i + 1 == word.size()) {
      out.push_back(word[i]);
      continue;
    }
    std::size_t begin = i + 1;
    const bool braces = word[begin] == '{';
    begin += braces ? 1 : 0;
    std::size_t end = begin;
    while (end < word.size() && IsNameChar(word[end])) {
      ++end;
    }
    const std::string_view name = word.substr(begin, end - begin);
    if (braces) {
      end = std::min(word.find('}', end), word.size() - 1) + 1;
    }
    if (const auto value = VariableAt(file, at, name)) {
      out += value->empty() || HasVariable(*value) ? "1" : *value;
    } else {
      out += word.substr(i, end - i);
    }
    i = end - 1;
  }
  return out;
}

std::vector<std::uint32_t> SourceOffsets(const ast::Text& text, const source::Buffer& buffer, char escape) {
  std::vector<std::uint32_t> offsets;
  if (!text.range.valid() || text.range.file != buffer.id()) {
    return offsets;
  }
  const std::string_view all = buffer.text();
  std::size_t begin = text.range.begin;
  bool first = true;
  while (begin < text.range.end) {
    const std::size_t line_end = std::min(all.find('\n', begin), all.size());
    const std::size_t end = std::min<std::size_t>(line_end, text.range.end);
    const std::string_view line = all.substr(begin, end - begin);
    const std::string_view trimmed = TrimSpace(line);
    if (first || (!trimmed.empty() && trimmed[0] != '#')) {
      std::size_t keep = line.size();
      if (end < text.range.end) {
        const std::size_t last = line.find_last_not_of(" \t\r");
        if (last != std::string_view::npos && line[last] == escape) {
          keep = last;
        }
      }
      for (std::size_t i = 0; i < keep; ++i) {
        offsets.push_back(static_cast<std::uint32_t>(begin + i));
      }
    }
    first = false;
    begin = line_end + 1;
  }
  if (offsets.size() != text.text.size()) {
    return {};
  }
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (all[offsets[i]] != text.text[i]) {
      return {};
    }
  }
  return offsets;
}

std::optional<std::uint32_t> SourceOffset(const FileView& file, const InstructionView& view, std::uint32_t offset) {
  const auto* run = view.As<ast::Run>();
  if (run == nullptr || run->command.json) {
    return std::nullopt;
  }
  if (run->script != nullptr) {
    return run->script->chomp ? std::nullopt : std::optional(run->script->content_range.begin + offset);
  }
  if (run->command.args.empty()) {
    return std::nullopt;
  }
  const auto offsets = SourceOffsets(run->command.args.front(), *file.buffer, file.file->escape);
  return offset < offsets.size() ? std::optional(offsets[offset]) : std::nullopt;
}

}  // namespace loam::lint::hadolint
