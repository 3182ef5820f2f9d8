// The commands of a target as instructions of a stage.
#include <algorithm>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/convert/target_stages.h"
#include "compiler/convert/words.h"
#include "compiler/parse/parse.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/reference.h"

namespace loam::convert {

using ast::earthfile::CommandKind;
using diag::Kind;
using sema::earthfile::ParseFlags;
using sema::earthfile::ToWords;
using source::SourceRange;

namespace {

constexpr std::string_view kRootUsers[] = {"root", "0", "0:0", "root:root", "root:0", "0:root"};
constexpr std::string_view kTargetArgs[] = {"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT"};

template <std::size_t kSize>
bool IsOneOf(const std::string_view (&names)[kSize], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// `\+`, which only Earthfiles know, undone.
std::string WithoutPlusEscapes(std::string_view text) {
  return sema::earthfile::UnescapePlus(text);
}

// What the shell is given for `RUN <text>`; nullopt if that is read as anything but one RUN in shell form.
std::optional<std::string> ReadAsRun(std::string_view text) {
  source::SourceManager sources;
  const auto buffer = sources.AddText("Dockerfile", fmt::format("FROM scratch\nRUN {}\n", text));
  if (!buffer) {
    return std::nullopt;
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const ast::Dockerfile file = ast::BuildDockerfile(parse::ParseDockerfile(**buffer, emitter).tree, **buffer, emitter);
  if (emitter.has_errors() || file.instructions.size() != 2) {
    return std::nullopt;
  }
  const auto* run = ast::As<ast::Run>(file.instructions[1]);
  if (run == nullptr || run->command.json || !run->heredocs.empty() || run->command.args.size() != 1) {
    return std::nullopt;
  }
  return std::string(run->command.args[0].text);
}

// The text of words that are neither expanded nor quoted; nullopt for others.
std::optional<std::string> PlainText(std::span<const sema::earthfile::Word> words) {
  std::string out;
  for (const sema::earthfile::Word& word : words) {
    std::string_view text = word.text;
    const bool single = text.size() >= 2 && text.front() == '\'' && text.back() == '\'';
    if (single) {
      text = text.substr(1, text.size() - 2);
    }
    if (text.find('\'') != std::string_view::npos ||
        (!single && text.find_first_of("$\"\\") != std::string_view::npos)) {
      return std::nullopt;
    }
    out.append(out.empty() ? "" : " ").append(text);
  }
  return out;
}

}  // namespace

std::optional<std::string> TargetStages::Portable(const Word& word, bool one_word) {
  const std::string text = WithoutPlusEscapes(word.text);
  const auto out = one_word ? OneWord(text) : IsPortableWord(text) ? std::optional(text) : std::nullopt;
  if (!out) {
    Fail(word.range, word.text,
         text.find("$(") != std::string::npos ? "the output of a command is known only when it is built"
                                              : "a Dockerfile would expand it in another way");
  }
  return out;
}

std::optional<std::string> TargetStages::AbsolutePath(const TargetStage& target, std::string_view path,
                                                      SourceRange range) {
  if (path.find_first_of("$\"'\\") != std::string_view::npos) {
    Fail(range, path, "the path is not known before it is built");
    return std::nullopt;
  }
  if (path.starts_with('/')) {
    return CleanRootedPath(path);
  }
  if (!target.workdir) {
    Fail(range, path, "the path is relative, and the image alone knows to which WORKDIR");
    return std::nullopt;
  }
  return CleanRootedPath(*target.workdir + "/" + std::string(path));
}

// --- RUN
// --------------------------------------------------------------------------------------------------------------------

bool TargetStages::Mounts(const sema::earthfile::RunFlags& flags, SourceRange range, std::string& out) {
  for (const std::string& text : flags.mounts) {
    std::string type;
    std::string target;
    std::string id;
    std::string mode;
    std::string sharing = "locked";
    bool known = text.find_first_of("$\"'\\ ") == std::string::npos;
    for (const std::string_view part : Split(text, ',')) {
      const auto pair = SplitOnce(part, '=');
      const std::string_view key = pair ? pair->first : part;
      const std::string value(pair ? pair->second : std::string_view());
      if (key == "type") {
        type = value;
      } else if (key == "target") {
        target = value;
      } else if (key == "id") {
        id = value;
      } else if (key == "mode" || key == "chmod") {
        mode = value;
      } else if (key == "sharing") {
        sharing = value;
      } else {
        known = false;
      }
    }
    if (!known || !target.starts_with('/')) {
      Fail(range, text, "Dockerfiles have no such mount");
      return false;
    }
    if (type == "cache") {
      out += fmt::format("--mount=type=cache,target={},id={},sharing={},mode={} ", target, id.empty() ? target : id,
                         sharing, mode.empty() ? "0644" : mode);
    } else if (type == "secret" && !id.empty()) {
      out += fmt::format("--mount=type=secret,id={},target={},mode={},required=true ", id, target,
                         mode.empty() ? "0444" : mode);
    } else if (type == "tmpfs" && mode.empty() && id.empty()) {
      out += fmt::format("--mount=type=tmpfs,target={} ", target);
    } else {
      Fail(range, text, "Dockerfiles have no such mount");
      return false;
    }
  }
  for (const std::string& text : flags.secrets) {
    const auto pair = SplitOnce(text, '=');
    std::string_view id = pair ? pair->second : std::string_view(text);
    id.remove_prefix(id.starts_with("+secrets/") ? 9 : 0);
    const std::string_view env = pair ? pair->first : id;
    if (id.empty() || env.empty()) {
      continue;  // no secret
    }
    if (text.find_first_of("$\"'\\ ,") != std::string::npos) {
      Fail(range, text, "the secret is not known before it is built");
      return false;
    }
    out += fmt::format("--mount=type=secret,id={},env={},required=true ", id, env);
  }
  return true;
}

void TargetStages::Run(TargetStage& target, const Command& command) {
  const SourceRange range = command.location.range;
  sema::earthfile::RunFlags flags;
  const auto words = ParseFlags(
      ToWords(command.args), {.features = &file_.features, .expand = {}, .already_joined = command.exec_mode}, flags);
  if (!words) {
    return Report(emitter_, words.error());
  }
  for (const std::string_view name : {"push", "entrypoint", "no-cache", "interactive", "interactive-keep", "aws",
                                      "oidc", "raw-output", "with-docker"}) {
    if (flags.IsGiven(name)) {
      return Fail(flags.RangeOf(name, range), fmt::format("RUN --{}", name), "Dockerfiles have no counterpart");
    }
  }
  std::string options;
  for (const std::string& cache : target.caches) {
    options += cache + " ";
  }
  if (!Mounts(flags, range, options)) {
    return;
  }
  options += flags.network == "none" ? "--network=none " : "";
  options += flags.privileged ? "--security=insecure " : "";
  options += flags.ssh ? "--mount=type=ssh,required=true " : "";
  if (words->empty()) {
    return Fail(range, "RUN", "the command is missing");
  }
  ChangesFiles(target);
  std::vector<std::string_view> texts;
  for (const Word& word : *words) {
    texts.push_back(word.text);
  }
  if (command.exec_mode) {
    return Line(fmt::format("RUN {}{}", options, ExecForm(texts)));
  }
  std::string text;
  for (const std::string_view word : texts) {
    text.append(text.empty() ? "" : " ").append(word);
  }
  const std::string_view file = file_.buffer->text();
  const std::string_view written =
      file.substr(words->front().range.begin, words->back().range.end - words->front().range.begin);
  for (const std::string& layout : RunLayouts(written, text)) {
    if (const auto read = ReadAsRun(layout); read && CollapseBlanks(*read) == CollapseBlanks(text)) {
      return Line(fmt::format("RUN {}{}", options, layout));
    }
  }
  const std::string_view shell[] = {"/bin/sh", "-c", text};
  Line(fmt::format("RUN {}{}", options, ExecForm(shell)));
}

void TargetStages::Cache(TargetStage& target, const Command& command) {
  const SourceRange range = command.location.range;
  sema::earthfile::CacheFlags flags;
  const auto words = ParseFlags(ToWords(command.args), {.features = &file_.features}, flags);
  if (!words) {
    return Report(emitter_, words.error());
  }
  if (words->size() != 1 || flags.persist || (flags.id + flags.sharing + flags.chmod).find('$') != std::string::npos) {
    return Fail(range, "CACHE",
                flags.persist ? "Dockerfiles have no --persist" : "what it says is known only when it is built");
  }
  const auto path = AbsolutePath(target, (*words)[0].text, range);
  if (!path) {
    return;
  }
  target.caches.push_back(fmt::format("--mount=type=cache,target={},id={},sharing={},mode={}", *path,
                                      flags.id.empty() ? fmt::format("{}{}", target.name, *path) : flags.id,
                                      flags.sharing.empty() ? "locked" : flags.sharing, flags.chmod));
}

// --- files
// ------------------------------------------------------------------------------------------------------------------

std::optional<std::pair<std::string, std::string>> TargetStages::FindArtifact(const TargetStage& from,
                                                                              std::string_view path,
                                                                              SourceRange range) {
  while (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  for (auto saved = from.artifacts.rbegin(); saved != from.artifacts.rend(); ++saved) {
    const std::string_view artifact = saved->artifact;
    if (path == artifact) {
      return std::pair(saved->stage, saved->source);
    }
    if (path.starts_with(artifact) && path[artifact.size()] == '/' && !HasWildcard(artifact)) {
      return std::pair(saved->stage, saved->source + std::string(path.substr(artifact.size())));
    }
    // `dist/*` saved, one of its files wanted.
    if ((artifact == "*" || artifact.ends_with("/*")) && path.starts_with(artifact.substr(0, artifact.size() - 1))) {
      const std::string_view rest = path.substr(artifact.size() - 1);
      return std::pair(saved->stage, saved->source.substr(0, saved->source.rfind('/') + 1) + std::string(rest));
    }
  }
  Fail(range, fmt::format("+{}/{}", from.name, path), "it is not known which SAVE ARTIFACT makes it");
  return std::nullopt;
}

void TargetStages::Copy(TargetStage& target, const Command& command) {
  const SourceRange range = command.location.range;
  sema::earthfile::CopyFlags flags;
  const auto words = ParseFlags(ToWords(command.args), {.features = &file_.features}, flags);
  if (!words) {
    return Report(emitter_, words.error());
  }
  if (words->size() < 2) {
    return Fail(range, "COPY", "it takes sources and a destination");
  }
  for (const std::string_view name :
       {"keep-own", "if-exists", "symlink-no-follow", "platform", "pass-args", "build-arg", "from"}) {
    if (flags.IsGiven(name)) {
      return Fail(flags.RangeOf(name, range), fmt::format("COPY --{}", name), "Dockerfiles have no counterpart");
    }
  }
  if (!flags.keep_ts && !std::exchange(told_times_, true)) {
    emitter_.Emit<Kind::kConvertFileTimes>(range).Hint("write `COPY --keep-ts` where the times matter");
  }
  std::string options;
  const std::string& owner = flags.chown.empty() ? target.user : flags.chown;
  if (!owner.empty()) {
    const auto text = Portable({owner, range});
    options += text ? fmt::format("--chown={} ", *text) : "";
  }
  if (!flags.chmod.empty()) {
    options += fmt::format("--chmod={} ", flags.chmod);
  }
  auto destination = Portable(words->back());
  if (!destination) {
    return;
  }
  const bool several = words->size() > 2;
  if (several && !destination->ends_with('/')) {
    *destination += '/';
  }
  std::string stage;
  std::vector<std::string> sources;
  for (const Word& word : std::span(*words).first(words->size() - 1)) {
    if (word.text.starts_with('(') || word.text.starts_with("\"(")) {
      return Fail(word.range, word.text, "stages take no args");
    }
    const auto artifact = sema::earthfile::ParseArtifactReference(word.text);
    if (!artifact) {
      const auto path = Portable(word);
      if (!path) {
        return;
      }
      sources.push_back(*path);
      continue;
    }
    const auto name = LocalName(artifact->target.ToString(), word.range);
    const TargetStage* const from = name ? Write(*name, word.range) : nullptr;
    const auto found = from != nullptr ? FindArtifact(*from, artifact->path, word.range) : std::nullopt;
    if (!found) {
      return;
    }
    if (!stage.empty() && stage != found->first) {
      return Fail(range, "COPY", "it copies from several stages: write one COPY for each");
    }
    stage = found->first;
    sources.push_back(found->second);
  }
  if (!stage.empty()) {
    options = fmt::format("--from={} ", stage) + options;
  }
  // Another target may have been written in between: its stages stand before this one's.
  ChangesFiles(target);
  if (!flags.dir) {
    return Line(fmt::format("COPY {}{} {}", options, Join(sources, " "), *destination));
  }
  if (!destination->ends_with('/') && *destination != ".") {
    return Fail(range, "COPY --dir", "whether it makes the destination depends on what is there: end it with `/`");
  }
  for (const std::string& source : sources) {
    const std::string_view base = std::string_view(source).substr(source.rfind('/') + 1);
    if (HasWildcard(source) || source.find_first_of("$\"'\\") != std::string::npos || base.empty() || base == "." ||
        base == "..") {
      return Fail(range, "COPY --dir", "the name of the directory is not known before it is built");
    }
    Line(fmt::format("COPY {}{} {}{}", options, source, *destination == "." ? "./" : *destination, base));
  }
}

void TargetStages::SaveArtifact(TargetStage& target, const Command& command) {
  const SourceRange range = command.location.range;
  sema::earthfile::SaveArtifactFlags flags;
  auto words = ParseFlags(ToWords(command.args), {.features = &file_.features}, flags);
  if (!words) {
    return Report(emitter_, words.error());
  }
  if (flags.if_exists || flags.symlink_no_follow) {
    return Fail(range, flags.if_exists ? "SAVE ARTIFACT --if-exists" : "SAVE ARTIFACT --symlink-no-follow",
                "Dockerfiles have no counterpart");
  }
  const std::size_t count = words->size();
  if (count >= 4 && (*words)[count - 3].text == "AS" && (*words)[count - 2].text == "LOCAL") {
    emitter_.Emit<Kind::kConvertLeftOut>(range, "AS LOCAL");
    words->resize(count - 3);
  }
  if (words->empty() || words->size() > 2) {
    return Fail(range, "SAVE ARTIFACT", "invalid arguments");
  }
  const auto source = AbsolutePath(target, (*words)[0].text, range);
  if (!source) {
    return;
  }
  std::string to = words->size() == 2 ? (*words)[1].text : "./";
  if (to.find_first_of("$\"'\\") != std::string::npos) {
    return Fail(range, to, "the path is not known before it is built");
  }
  if (to == "." || to.ends_with('/')) {
    to += to == "." ? "/" : "";
    to += source->substr(source->rfind('/') + 1);
  }
  target.artifacts.push_back({CleanRootedPath(to).substr(1), *source, target.stage});
  target.saved = true;
}

// --- variables, and the image config
// ----------------------------------------------------------------------------------------

void TargetStages::Arg(TargetStage& target, const Command& command, const Given* given) {
  const SourceRange range = command.location.range;
  const auto arg = sema::earthfile::ParseArg(ToWords(command.args), file_.features, target.is_base, range);
  if (!arg) {
    return Report(emitter_, arg.error());
  }
  const std::string& name = arg->name;
  std::optional<std::string> value;
  if (arg->value) {
    value = Portable(*arg->value);
  }
  if (given != nullptr) {
    if (const auto found = given->find(name); found != given->end()) {
      value = found->second;
    }
    if (target.args.contains(name) || target.envs.contains(name)) {
      emitter_.Emit<Kind::kConvertFunctionArg>(range, name);
    }
  }
  if (sema::earthfile::IsBuiltinArg(name) && !IsOneOf(kTargetArgs, name)) {
    return Fail(range, fmt::format("ARG {}", name), "Dockerfiles do not have this builtin arg");
  }
  if (arg->required) {
    emitter_.Emit<Kind::kConvertRequiredArg>(range, name);
  } else if (!value && !IsOneOf(kTargetArgs, name)) {
    emitter_.Emit<Kind::kConvertUnsetArg>(range, name);
  }
  if (target.is_base && !arg->global) {
    target.local_args.insert(name);
  }
  if (!target.has_stage) {
    target.pending.emplace_back(name, value);
    return;
  }
  if (target.envs.contains(name)) {
    return Fail(range, fmt::format("ARG {}", name),
                "there is an ENV of this name, which has precedence in Dockerfiles");
  }
  if (target.is_base && !arg->global) {
    emitter_.Emit<Kind::kConvertBaseArg>(range, name);
  }
  target.args.insert(name);
  Line(value ? fmt::format("ARG {}={}", name, *value) : fmt::format("ARG {}", name));
}

void TargetStages::Env(TargetStage& target, const Command& command) {
  for (const ast::earthfile::KeyValue& pair : command.pairs) {
    const std::string name(pair.key.text);
    if (target.args.contains(name)) {
      return Fail(pair.key.range, fmt::format("ENV {}", name),
                  "there is an ARG of this name, and an ENV has precedence in Dockerfiles");
    }
    const auto value = Portable({std::string(pair.value.text), pair.value.range});
    if (value) {
      target.envs.insert(name);
      Line(fmt::format("ENV {}={}", name, *value));
    }
  }
}

void TargetStages::Labels(TargetStage& target, const Command& command) {
  static_cast<void>(target);
  for (const ast::earthfile::KeyValue& pair : command.pairs) {
    const auto key = Portable({std::string(pair.key.text), pair.key.range});
    if (key && key->find('=') != std::string::npos) {
      return Fail(pair.key.range, *key, "a Dockerfile would end the key at its `=`");
    }
    const auto value = Portable({std::string(pair.value.text), pair.value.range});
    if (key && value) {
      Line(fmt::format("LABEL {}={}", *key, *value));
    }
  }
}

void TargetStages::CmdOrEntrypoint(TargetStage& target, const Command& command) {
  static_cast<void>(target);
  const std::string_view keyword = ast::earthfile::KeywordOf(command.kind);
  std::vector<std::string_view> words;
  std::optional<std::string> text;
  if (command.exec_mode) {
    for (const ast::earthfile::Word& word : command.args) {
      words.push_back(word.text);
    }
  } else {
    text = PlainText(ToWords(command.args));
    if (!text) {
      return Fail(command.location.range, keyword, "its words are expanded when it is built; use the exec form");
    }
    words = {"/bin/sh", "-c", *text};
  }
  Line(fmt::format("{} {}", keyword, ExecForm(words)));
}

void TargetStages::Words(TargetStage& target, const Command& command) {
  const std::string_view keyword = ast::earthfile::KeywordOf(command.kind);
  std::string text;
  for (const Word& word : ToWords(command.args)) {
    const auto portable = Portable(word);
    if (!portable) {
      return;
    }
    text += " " + *portable;
  }
  if (text.empty()) {
    return Fail(command.location.range, keyword, "it has no arguments, which Earthfiles reject too");
  }
  if (command.kind == CommandKind::kUser) {
    target.user = IsOneOf(kRootUsers, text.substr(1)) ? "" : text.substr(1);
  } else if (command.kind == CommandKind::kWorkdir) {
    const std::string path = text.substr(1);
    const bool known = path.find_first_of("$\"'\\") == std::string::npos;
    if (known && (path.starts_with('/') || target.workdir)) {
      target.workdir = CleanRootedPath(path.starts_with('/') ? path : *target.workdir + "/" + path);
    } else {
      target.workdir.reset();
    }
    ChangesFiles(target);
  }
  Line(fmt::format("{}{}", keyword, text));
}

void TargetStages::Healthcheck(TargetStage& target, const Command& command) {
  static_cast<void>(target);
  sema::earthfile::HealthcheckFlags flags;
  const auto words = ParseFlags(ToWords(command.args), {.features = &file_.features}, flags);
  if (!words) {
    return Report(emitter_, words.error());
  }
  if (words->size() == 1 && words->front().text == "NONE") {
    return Line("HEALTHCHECK NONE");
  }
  const auto text =
      words->size() > 1 && words->front().text == "CMD" ? PlainText(std::span(*words).subspan(1)) : std::nullopt;
  if (!text || text->starts_with('[')) {
    return Fail(command.location.range, "HEALTHCHECK", "its words are expanded when it is built");
  }
  const auto duration = [](std::string_view name, std::chrono::nanoseconds value) {
    return value.count() == 0 ? std::string() : fmt::format("--{}={}ns ", name, value.count());
  };
  const auto seconds = [&](std::string_view name, std::chrono::nanoseconds value) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    return value.count() != 0 && value.count() % kSecond == 0 ? fmt::format("--{}={}s ", name, value.count() / kSecond)
                                                              : duration(name, value);
  };
  Line(fmt::format("HEALTHCHECK {}{}{}{}--retries={} CMD {}", seconds("interval", flags.interval),
                   seconds("timeout", flags.timeout), seconds("start-period", flags.start_period),
                   seconds("start-interval", flags.start_interval), flags.retries, *text));
}

}  // namespace loam::convert
