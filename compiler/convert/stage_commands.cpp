#include "compiler/convert/stage_commands.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/ast/earthfile/texts.h"
#include "compiler/convert/words.h"
#include "compiler/sema/earthfile/builtin_args.h"

namespace loam::convert {
namespace {

using ast::InstructionKind;

constexpr std::string_view kRootUsers[] = {"root", "0", "0:0", "root:root", "root:0", "0:root"};
// Builtin in both languages, with the same values.
constexpr std::string_view kTargetArgs[] = {"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT"};
// Builtin in Dockerfiles only.
constexpr std::string_view kDockerfileArgs[] = {"BUILDPLATFORM", "BUILDOS",         "BUILDARCH",        "BUILDVARIANT",
                                                "TARGETSTAGE",   "BUILDKIT_SYNTAX", "SOURCE_DATE_EPOCH"};

template <std::size_t kSize>
bool IsOneOf(const std::string_view (&names)[kSize], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// As Go writes it, in one unit.
std::string DurationText(std::int64_t nanoseconds) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kMillisecond = 1'000'000;
  if (nanoseconds % kSecond == 0) {
    return fmt::format("{}s", nanoseconds / kSecond);
  }
  return nanoseconds % kMillisecond == 0 ? fmt::format("{}ms", nanoseconds / kMillisecond)
                                         : fmt::format("{}ns", nanoseconds);
}

// `NAME=value` behind ARG or ENV, if an Earthfile reads just that.
std::optional<std::string> Assignment(std::string_view keyword, std::string_view name, std::string_view value) {
  const std::string text = fmt::format("{}={}", name, value.empty() ? "\"\"" : value);
  const auto read = ReadAsCommand(keyword, text);
  const std::vector<std::string> expected = {std::string(name), "=", std::string(value.empty() ? "\"\"" : value)};
  return read && read->words == expected ? std::optional(text) : std::nullopt;
}

}  // namespace

void StageCommands::Convert() {
  if (facts_.base != nullptr && (facts_.base->has_shell || facts_.base->has_triggers)) {
    facts_.has_shell = facts_.base->has_shell;
    Fail(facts_.stage->from->range, facts_.base->has_shell ? "it continues a stage with a SHELL of its own"
                                                           : "it continues a stage with ONBUILD triggers");
  }
  bool done = !facts_.obstacle;
  for (const ast::Instruction* instruction : facts_.stage->instructions) {
    // What later stages have to know is gathered in any case.
    facts_.has_shell = facts_.has_shell || instruction->kind == InstructionKind::kShell;
    facts_.has_triggers = facts_.has_triggers || instruction->kind == InstructionKind::kOnbuild;
    if (done) {
      done = Add(*instruction);
      continue;
    }
    if (const auto* arg = ast::As<ast::Arg>(instruction)) {
      const auto obstacle = facts_.obstacle;
      AddArg(*arg);
      facts_.obstacle = obstacle;
    } else if (const auto* env = ast::As<ast::Env>(instruction)) {
      for (const ast::KeyValue& pair : env->pairs) {
        facts_.envs.emplace(pair.key.text);
      }
    } else if (const auto* user = ast::As<ast::User>(instruction)) {
      facts_.user = IsOneOf(kRootUsers, user->user.text) ? "" : std::string(user->user.text);
    }
  }
}

bool StageCommands::Add(const ast::Instruction& instruction) {
  for (const ast::Text& comment : instruction.comments) {
    Line(comment.text.starts_with('#') ? std::string(comment.text) : fmt::format("# {}", comment.text));
  }
  if (!instruction.heredocs.empty()) {
    return Fail(instruction.range, "Earthfiles have no heredocs");
  }
  const auto not_there = [&] {
    return Fail(instruction.keyword.range,
                fmt::format("Earthfiles have no counterpart of {}", ast::KeywordOf(instruction.kind)));
  };
  switch (instruction.kind) {
    case InstructionKind::kArg:
      return AddArg(static_cast<const ast::Arg&>(instruction));
    case InstructionKind::kEnv:
      return AddEnv(static_cast<const ast::Env&>(instruction));
    case InstructionKind::kLabel:
      return AddLabel(static_cast<const ast::Label&>(instruction));
    case InstructionKind::kRun:
      return AddRun(static_cast<const ast::Run&>(instruction));
    case InstructionKind::kCopy:
      return AddCopy(static_cast<const ast::Copy&>(instruction));
    case InstructionKind::kHealthcheck:
      return AddHealthcheck(static_cast<const ast::Healthcheck&>(instruction));
    case InstructionKind::kCmd:
      return AddExec("CMD", static_cast<const ast::Cmd&>(instruction).command, instruction.range);
    case InstructionKind::kEntrypoint:
      return AddExec("ENTRYPOINT", static_cast<const ast::Entrypoint&>(instruction).command, instruction.range);
    case InstructionKind::kExpose:
      return AddWords("EXPOSE", static_cast<const ast::Expose&>(instruction).ports);
    case InstructionKind::kVolume:
      return AddWords("VOLUME", static_cast<const ast::Volume&>(instruction).paths);
    case InstructionKind::kUser: {
      const ast::Text& user = static_cast<const ast::User&>(instruction).user;
      if (!AddWords("USER", {&user, 1})) {
        return false;
      }
      facts_.user = IsOneOf(kRootUsers, user.text) ? "" : std::string(user.text);
      return true;
    }
    case InstructionKind::kWorkdir: {
      const ast::Text& path = static_cast<const ast::Workdir&>(instruction).path;
      return AddWords("WORKDIR", {&path, 1});
    }
    case InstructionKind::kAdd:
    case InstructionKind::kShell:
    case InstructionKind::kOnbuild:
    case InstructionKind::kStopSignal:
    case InstructionKind::kMaintainer:
    case InstructionKind::kFrom:
    case InstructionKind::kUnknown:
      return not_there();
  }
  return not_there();
}

// --- variables
// --------------------------------------------------------------------------------------------------------

bool StageCommands::AddArg(const ast::Arg& arg) {
  return std::all_of(arg.items.begin(), arg.items.end(), [this](const ast::ArgItem& item) { return AddArgItem(item); });
}

bool StageCommands::AddArgItem(const ast::ArgItem& item) {
  const std::string name(item.key.text);
  const source::SourceRange range = item.item.range;
  const bool known = std::any_of(facts_.args.begin(), facts_.args.end(),
                                 [&name](const StageArg& other) { return other.name == name; });
  if (IsOneOf(kTargetArgs, name)) {
    if (item.has_value || facts_.stage->from->platform.present() || known) {
      return Fail(range, fmt::format("ARG {} has another value there", name));
    }
    facts_.args.push_back({name, std::nullopt});
    Line(fmt::format("ARG {}", name));
    return true;
  }
  if (IsOneOf(kDockerfileArgs, name)) {
    return Fail(range, fmt::format("Earthfiles have no counterpart of ARG {}", name));
  }
  if (!ast::earthfile::IsVariableName(name) || sema::earthfile::IsBuiltinArg(name)) {
    return Fail(range, fmt::format("`{}` cannot be the name of an ARG there", name));
  }
  StageArg arg{name, std::nullopt};
  if (item.has_value) {
    arg.text = std::string(item.value.text);
  } else if (const ast::ArgItem* global = global_(name); global != nullptr && global->has_value) {
    arg.text = std::string(global->value.text);
    if (arg.text->find('$') != std::string::npos) {
      facts_.args.push_back({name, std::nullopt});
      return Fail(range, fmt::format("the value of the global ARG {} depends on others", name));
    }
  }
  if (known) {
    return Fail(range, fmt::format("an ARG cannot be declared twice there, and `{}` is", name));
  }
  const bool is_env = facts_.envs.contains(name);
  facts_.args.push_back(arg);
  if (is_env) {
    return Fail(range, fmt::format("`{}` is an ARG and an ENV: there the ARG has precedence", name));
  }
  if (!arg.text) {
    facts_.unset_args.emplace_back(range, name);
    Line(fmt::format("ARG {}", name));
    return true;
  }
  const auto text = IsPortableWord(*arg.text) ? Assignment("ARG", name, *arg.text) : std::nullopt;
  if (!text) {
    return Fail(range, "the value of the ARG would be read in another way");
  }
  Line("ARG " + *text);
  return true;
}

bool StageCommands::AddEnv(const ast::Env& env) {
  std::vector<std::string> here;
  for (const ast::KeyValue& pair : env.pairs) {
    const std::string name(pair.key.text);
    const std::string_view value = pair.value.text;
    const bool is_arg =
        std::any_of(facts_.args.begin(), facts_.args.end(), [&name](const StageArg& arg) { return arg.name == name; });
    const bool is_itself = value == "$" + name || value == "${" + name + "}";
    if (!ast::earthfile::IsVariableName(name)) {
      return Fail(pair.key.range, fmt::format("`{}` cannot be the name of an ENV there", name));
    }
    if (is_arg && (!is_itself || facts_.envs.contains(name))) {
      return Fail(pair.key.range, fmt::format("`{}` is an ARG and an ENV: there the ARG has precedence", name));
    }
    const auto text = IsPortableWord(value) ? Assignment("ENV", name, value) : std::nullopt;
    if (!text) {
      return Fail(pair.key.range, "the value of the ENV would be read in another way");
    }
    // All values of one ENV are those before it.
    for (const std::string& used : VariablesIn(value)) {
      if (std::find(here.begin(), here.end(), used) != here.end()) {
        return Fail(pair.key.range, fmt::format("`{}` is set and used in one ENV", used));
      }
    }
    here.push_back(name);
    facts_.envs.insert(name);
    Line("ENV " + *text);
  }
  return true;
}

bool StageCommands::AddLabel(const ast::Label& label) {
  for (const ast::KeyValue& pair : label.pairs) {
    std::string_view key = pair.key.text;
    if (key.size() > 2 && (key.front() == '"' || key.front() == '\'') && key.back() == key.front()) {
      key = key.substr(1, key.size() - 2);
    }
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    if (key.empty() || key.find_first_not_of(kPlain) != std::string_view::npos || key.starts_with("dev.earthly.")) {
      return Fail(pair.key.range, fmt::format("`{}` cannot be the key of a LABEL there", key));
    }
    const auto value = OneWord(pair.value.text);
    const std::string text = fmt::format("{}={}", key, value.value_or(""));
    const auto read = ReadAsCommand("LABEL", text);
    if (!value || !read || read->words != std::vector<std::string>{std::string(key), "=", *value}) {
      return Fail(pair.key.range, "the value of the LABEL would be read in another way");
    }
    Line("LABEL " + text);
  }
  return true;
}

// --- commands
// --------------------------------------------------------------------------------------------------------

bool StageCommands::AddMount(const ast::Mount& mount, std::string& flags) {
  std::string type = "bind";
  std::vector<std::pair<std::string, std::string>> options;
  for (const ast::CsvField& field : mount.fields) {
    const std::string value(field.has_value ? field.value.text : "");
    if (value.find_first_of("$\"'\\, \t") != std::string::npos) {
      return Fail(mount.flag->range, fmt::format("the option `{}` of the mount is expanded in another way", field.key));
    }
    if (field.key == "type") {
      type = value;
    } else {
      options.emplace_back(field.key == "dst" || field.key == "destination" ? "target" : std::string(field.key),
                           field.has_value ? value : "true");
    }
  }
  const auto option = [&](std::string_view name) -> std::optional<std::string> {
    std::optional<std::string> found;
    for (const auto& [key, value] : options) {
      found = key == name ? std::optional(value) : found;
    }
    return found;
  };
  const auto only = [&](std::initializer_list<std::string_view> names) {
    const auto other = std::find_if(options.begin(), options.end(), [&](const auto& pair) {
      return std::find(names.begin(), names.end(), pair.first) == names.end();
    });
    return other == options.end() ||
           Fail(mount.flag->range, fmt::format("mounts of type {} have no `{}` there", type, other->first));
  };
  const std::string target = option("target").value_or("");
  if (type == "cache") {
    if (!only({"target", "id", "sharing", "mode"})) {
      return false;
    }
    if (!target.starts_with('/')) {
      return Fail(mount.flag->range, "the path of the cache is relative");
    }
    const std::string mode = option("mode").value_or("0755");
    flags +=
        fmt::format("--mount=type=cache,target={},id={},sharing={},mode={}{} ", target, option("id").value_or(target),
                    option("sharing").value_or("shared"), mode.starts_with('0') ? "" : "0", mode);
    return true;
  }
  if (type == "tmpfs") {
    flags += fmt::format("--mount=type=tmpfs,target={} ", target);
    return only({"target"}) &&
           (target.starts_with('/') || Fail(mount.flag->range, "the path of the mount is relative"));
  }
  if (type == "secret") {
    if (option("required").value_or("false") != "true") {
      return Fail(mount.flag->range, "a secret may be missing, and may not there");
    }
    const auto id = option("id");
    if (!id || !only({"id", "target", "required", "mode", "env"})) {
      return id ? false : Fail(mount.flag->range, "the secret has no id");
    }
    const auto env = option("env");
    if (env && !option("target")) {
      flags += fmt::format("--secret={}={} ", *env, *id);
      return true;
    }
    if (env) {
      return Fail(mount.flag->range, "the secret is a file and a variable");
    }
    const std::string mode = option("mode").value_or("0400");
    flags += fmt::format("--mount=type=secret,id={},target={},mode={}{} ", *id,
                         target.empty() ? "/run/secrets/" + *id : target, mode.starts_with('0') ? "" : "0", mode);
    return true;
  }
  return Fail(mount.flag->range, fmt::format("there are no mounts of type {} there", type));
}

bool StageCommands::AddRun(const ast::Run& run) {
  std::string flags;
  if (!run.devices.empty()) {
    return Fail(run.devices.front().flag->range, "Earthfiles have no devices");
  }
  if (run.network == "host") {
    return Fail(run.range, "Earthfiles have no --network=host");
  }
  flags += run.network == "none" ? "--network=none " : "";
  flags += run.security == "insecure" ? "--privileged " : "";
  for (const ast::Mount& mount : run.mounts) {
    if (!AddMount(mount, flags)) {
      return false;
    }
  }
  if (run.command.args.empty()) {
    return Fail(run.range, "the RUN is empty");
  }
  if (run.command.json) {
    std::vector<std::string_view> words;
    for (const ast::Text& word : run.command.args) {
      words.push_back(word.text);
    }
    const std::string text = ExecForm(words);
    const auto read = ReadAsCommand("RUN", text);
    if (!flags.empty() || words.front().starts_with("--") || !read || !read->exec_form ||
        !std::equal(words.begin(), words.end(), read->words.begin(), read->words.end())) {
      return Fail(run.range, "the exec form would be read in another way");
    }
    Line("RUN " + text);
    return true;
  }
  const std::string expected = CollapseBlanks(flags + std::string(run.command.args[0].text));
  const source::SourceRange place = run.command.args[0].range;
  const std::string_view written = file_.substr(place.begin, place.end - place.begin);
  for (const std::string& layout : RunLayouts(written, run.command.args[0].text)) {
    const auto read = ReadAsCommand("RUN", flags + layout);
    if (read && !read->exec_form && CollapseBlanks(read->Joined()) == expected) {
      Line("RUN " + flags + layout);
      return true;
    }
  }
  return Fail(run.range, "the words of the RUN would be read in another way");
}

bool StageCommands::AddCopy(const ast::Copy& copy) {
  std::string text;
  if (copy.parents || !copy.excludes.empty()) {
    return Fail(copy.range, copy.parents ? "COPY has no --parents there" : "COPY has no --exclude there");
  }
  if (copy.link) {
    return Fail(copy.range, "COPY has no --link there");
  }
  if (copy.chown.present()) {
    const auto owner = OneWord(copy.chown.text);
    if (!owner) {
      return Fail(copy.chown.range, "the owner would be read in another way");
    }
    text += fmt::format("--chown={} ", *owner);
  } else if (!facts_.user.empty()) {
    text += "--chown=0:0 ";
  }
  if (copy.chmod.present()) {
    if (copy.chmod.text.empty() || copy.chmod.text.find_first_not_of("01234567") != std::string_view::npos) {
      return Fail(copy.chmod.range, "the mode is no octal number");
    }
    text += fmt::format("--chmod={} ", copy.chmod.text);
  }
  std::vector<std::string> sources;
  for (const ast::FileSource& source : copy.sources) {
    std::string path(source.path.text);
    if (copy.from.present()) {
      sources.push_back(std::move(path));
      continue;
    }
    path.erase(0, std::min(path.find_first_not_of('/'), path.size()));
    // A plus would make it an artifact.
    std::string escaped;
    for (const char c : path) {
      escaped += c == '+' ? "\\+" : std::string(1, c);
    }
    const auto word = OneWord(path.empty() ? "." : path);
    if (!word || path.starts_with('(') || (escaped != path && *word != path)) {
      return Fail(source.path.range, "the path would be read in another way");
    }
    sources.push_back(escaped == path ? *word : escaped);
  }
  if (copy.from.present()) {
    if (auto obstacle = save_(copy, sources)) {
      facts_.obstacle = std::move(obstacle);
      return false;
    }
  }
  const auto destination = OneWord(copy.destination.text);
  if (!destination) {
    return Fail(copy.destination.range, "the path would be read in another way");
  }
  Line(fmt::format("COPY --keep-ts {}{} {}", text, Join(sources, " "), *destination));
  return true;
}

bool StageCommands::AddHealthcheck(const ast::Healthcheck& check) {
  if (check.none) {
    Line("HEALTHCHECK NONE");
    return true;
  }
  if (check.command.json || check.command.args.size() != 1) {
    return Fail(check.range, "HEALTHCHECK has no exec form there");
  }
  const std::string command = QuoteLiteral(check.command.args[0].text);
  // All are given: they have defaults of their own there.
  const std::string text =
      fmt::format("--interval={} --timeout={} --start-period={} --start-interval={} --retries={} CMD {}",
                  DurationText(check.interval), DurationText(check.timeout), DurationText(check.start_period),
                  DurationText(check.start_interval), check.retries, command);
  const auto read = ReadAsCommand("HEALTHCHECK", text);
  if (!read || read->words.empty() || read->words.back() != command) {
    return Fail(check.range, "the command of HEALTHCHECK would be read in another way");
  }
  Line("HEALTHCHECK " + text);
  return true;
}

// In shell form the words would be expanded.
bool StageCommands::AddExec(std::string_view keyword, const ast::CommandLine& command, source::SourceRange range) {
  std::vector<std::string_view> words;
  if (!command.json) {
    words = {"/bin/sh", "-c"};
  }
  for (const ast::Text& word : command.args) {
    words.push_back(word.text);
  }
  const std::string text = ExecForm(words);
  const auto read = ReadAsCommand(keyword, text);
  if (!read || !read->exec_form || !std::equal(words.begin(), words.end(), read->words.begin(), read->words.end())) {
    return Fail(range, fmt::format("the words of {} would be read in another way", keyword));
  }
  Line(fmt::format("{} {}", keyword, text));
  return true;
}

bool StageCommands::AddWords(std::string_view keyword, ast::List<ast::Text> words) {
  std::string text;
  for (const ast::Text& item : words) {
    const auto word = OneWord(item.text);
    const auto read = word ? ReadAsCommand(keyword, *word) : std::nullopt;
    if (!read || read->exec_form || read->words != std::vector<std::string>{*word}) {
      return Fail(item.range, fmt::format("the words of {} would be read in another way", keyword));
    }
    text += ' ' + *word;
  }
  Line(fmt::format("{}{}", keyword, text));
  return true;
}

}  // namespace loam::convert
