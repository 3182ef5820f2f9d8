#include "compiler/convert/to_earthfile.h"

#include <algorithm>
#include <deque>
#include <map>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "compiler/ast/earthfile/texts.h"
#include "compiler/convert/stage_commands.h"
#include "compiler/convert/stage_facts.h"
#include "compiler/convert/words.h"
#include "compiler/sema/earthfile/builtin_args.h"

namespace loam::convert {
namespace {

using diag::Kind;

constexpr std::string_view kBase = "base";  // a name that targets cannot have

// `[a-z][a-zA-Z0-9.-]*` out of any text.
std::string TargetName(std::string_view text) {
  std::string out;
  for (const char c : ToLowerAscii(text)) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    out += fits ? c : '-';
  }
  if (out.empty() || out.front() < 'a' || out.front() > 'z') {
    out = "stage-" + out;
  }
  return out == kBase ? "base-stage" : out;
}

// The last component of an image's name, without tag and digest.
std::string_view ShortName(std::string_view image) {
  image = image.substr(0, image.find('@'));
  image = image.substr(image.rfind('/') + 1);
  return image.substr(0, image.find(':'));
}

class Conversion {
 public:
  Conversion(const ast::Dockerfile& file, const source::Buffer& buffer, const ToEarthfileOptions& options,
             diag::Emitter& emitter)
      : file_(file), buffer_(buffer), options_(options), emitter_(emitter) {}

  ToEarthfileResult Run();

 private:
  std::string UniqueName(std::string name);
  // A stage before `before` by its name or number; null if it is none.
  StageFacts* FindStage(std::string_view name, const StageFacts& before);
  const ast::ArgItem* FindGlobal(std::string_view name) const;

  void ReadFrom(StageFacts& facts);
  // ARGs that the FROM line needs, in order, as lines; or what is in the way.
  std::optional<Obstacle> ArgsOf(const ast::Text& text, std::vector<std::string>& names);
  void InheritArgs(StageFacts& facts);
  std::optional<Obstacle> Save(const StageFacts& consumer, const ast::Copy& copy, std::vector<std::string>& sources);
  void Keep(StageFacts& facts);

  static void Print(std::string& out, const std::string& target, const std::vector<std::string>& lines);

  const ast::Dockerfile& file_;
  const source::Buffer& buffer_;
  const ToEarthfileOptions& options_;
  diag::Emitter& emitter_;
  std::deque<StageFacts> stages_;
  std::deque<StageFacts> images_;  // that files are copied from
  std::vector<std::string> names_;
};

std::string Conversion::UniqueName(std::string name) {
  const std::string first = name;
  for (std::size_t i = 2; std::find(names_.begin(), names_.end(), name) != names_.end(); ++i) {
    name = fmt::format("{}-{}", first, i);
  }
  names_.push_back(name);
  return name;
}

StageFacts* Conversion::FindStage(std::string_view name, const StageFacts& before) {
  const std::string id = ToLowerAscii(name);
  StageFacts* found = nullptr;
  for (StageFacts& stage : stages_) {
    if (&stage == &before) {
      break;
    }
    if (stage.stage->from->stage_id == id || fmt::format("{}", stage.index) == id) {
      found = &stage;
    }
  }
  return found;
}

const ast::ArgItem* Conversion::FindGlobal(std::string_view name) const {
  const ast::ArgItem* found = nullptr;
  for (const ast::Arg* arg : file_.global_args) {
    for (const ast::ArgItem& item : arg->items) {
      found = item.key.text == name ? &item : found;
    }
  }
  return found;
}

std::optional<Obstacle> Conversion::ArgsOf(const ast::Text& text, std::vector<std::string>& names) {
  if (!IsPortableWord(text.text)) {
    return Obstacle{text.range, "the name of the image would be expanded in another way"};
  }
  for (const std::string& name : VariablesIn(text.text)) {
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      continue;
    }
    const ast::ArgItem* global = FindGlobal(name);
    if (global == nullptr) {
      if (name == "TARGETPLATFORM" || name == "TARGETOS" || name == "TARGETARCH" || name == "TARGETVARIANT") {
        names.push_back(name);
        continue;
      }
      return Obstacle{text.range, fmt::format("there is no global ARG `{}`", name)};
    }
    if (!ast::earthfile::IsVariableName(name) || sema::earthfile::IsBuiltinArg(name)) {
      return Obstacle{global->item.range, fmt::format("`{}` cannot be the name of an ARG there", name)};
    }
    if (global->has_value) {
      // What its value needs comes first; a global ARG knows only those before it.
      if (global->value.text.find("${" + name) != std::string_view::npos ||
          global->value.text.find("$" + name) != std::string_view::npos) {
        return Obstacle{global->item.range, fmt::format("the ARG `{}` is made of itself", name)};
      }
      if (auto obstacle = ArgsOf(global->value, names)) {
        return obstacle;
      }
    }
    names.push_back(name);
  }
  return std::nullopt;
}

// The lines up to FROM.
void Conversion::ReadFrom(StageFacts& facts) {
  const ast::From& from = *facts.stage->from;
  for (const ast::Text& comment : from.comments) {
    facts.head.push_back(fmt::format("# {}", comment.text));
  }
  std::string platform;
  if (from.platform.present()) {
    const std::string_view text = from.platform.text;
    if (text == "$BUILDPLATFORM" || text == "${BUILDPLATFORM}") {
      platform = "--platform=native ";
    } else if (text.find('$') == std::string_view::npos) {
      platform = fmt::format("--platform={} ", text);
    } else if (text != "$TARGETPLATFORM" && text != "${TARGETPLATFORM}") {
      facts.obstacle = Obstacle{from.platform.range, "the platform has variables"};
      return;
    }
  }
  if (StageFacts* base = FindStage(from.base.text, facts)) {
    facts.base = base;
    facts.user = base->user;
    facts.envs = base->envs;
    facts.head.push_back(fmt::format("FROM +{}", base->target));
    if (!platform.empty()) {
      facts.obstacle = Obstacle{from.platform.range, "it continues a stage on a platform of its own"};
    }
    InheritArgs(facts);
    return;
  }
  std::vector<std::string> names;
  if (auto obstacle = ArgsOf(from.base, names)) {
    facts.obstacle = std::move(obstacle);
    return;
  }
  const std::string line = fmt::format("FROM {}{}", platform, from.base.text);
  if (names.empty()) {
    facts.head.push_back(line);
    return;
  }
  std::vector<std::string> args;
  for (const std::string& name : names) {
    const ast::ArgItem* global = FindGlobal(name);
    const std::string text = global == nullptr || !global->has_value
                                 ? name
                                 : fmt::format("{}={}", name, global->value.empty() ? "\"\"" : global->value.text);
    const auto read = ReadAsCommand("ARG", text);
    if (!read || read->words.size() > 3) {
      facts.obstacle = Obstacle{global->item.range, "the value of the ARG would be read in another way"};
      return;
    }
    args.push_back("ARG " + text);
  }
  // The ARGs of the FROM line are not those of the stage: no command may see them.
  const bool seen = std::any_of(
      facts.stage->instructions.begin(), facts.stage->instructions.end(), [&](const ast::Instruction* instruction) {
        return instruction->kind == ast::InstructionKind::kRun || instruction->kind == ast::InstructionKind::kArg ||
               std::any_of(names.begin(), names.end(), [&](const std::string& name) {
                 return instruction->original.find(name) != std::string_view::npos;
               });
      });
  args.push_back(line);
  if (seen) {
    const std::string helper = UniqueName(facts.target + "-from");
    facts.head.push_back(fmt::format("FROM +{}", helper));
    facts.helper = {helper};
    facts.helper.insert(facts.helper.end(), args.begin(), args.end());
  } else {
    facts.head.insert(facts.head.end(), args.begin(), args.end());
  }
}

// The ARGs of the stage that it continues are its own.
void Conversion::InheritArgs(StageFacts& facts) {
  for (const StageArg& arg : facts.base->args) {
    facts.args.push_back(arg);
    if (facts.obstacle) {
      continue;
    }
    if (arg.text && arg.text->find('$') != std::string::npos) {
      facts.obstacle = Obstacle{facts.stage->from->range,
                                fmt::format("the ARG `{}` of the stage that it continues depends on others", arg.name)};
      continue;
    }
    facts.head.push_back(arg.text ? fmt::format("ARG {}={}", arg.name, arg.text->empty() ? "\"\"" : *arg.text)
                                  : fmt::format("ARG {}", arg.name));
  }
}

std::optional<Obstacle> Conversion::Save(const StageFacts& consumer, const ast::Copy& copy,
                                         std::vector<std::string>& sources) {
  std::vector<std::string> paths;
  for (const std::string& source : sources) {
    const std::string path = CleanRootedPath(source);
    if (path == "/") {
      return Obstacle{copy.range, "SAVE ARTIFACT does not take the root directory"};
    }
    if (source.find_first_of("$\"'\\+ \t(") != std::string::npos) {
      return Obstacle{copy.range, fmt::format("the path `{}` would be read in another way", source)};
    }
    const std::size_t slash = path.rfind('/');
    if (HasWildcard(std::string_view(path).substr(0, slash))) {
      return Obstacle{copy.range, fmt::format("the path `{}` has a wildcard in a directory", source)};
    }
    paths.push_back(path);
  }
  StageFacts* from = FindStage(copy.from.text, consumer);
  if (from == nullptr) {
    for (const StageFacts& stage : stages_) {
      if (stage.stage->from->stage_id == ToLowerAscii(copy.from.text)) {
        return Obstacle{copy.from.range, "it copies from a stage that follows it"};
      }
    }
    if (copy.from.text.find('$') != std::string_view::npos) {
      return Obstacle{copy.from.range, "the image that it copies from has variables"};
    }
    for (StageFacts& image : images_) {
      from = image.image == copy.from.text ? &image : from;
    }
  }
  if (from == nullptr) {
    from = &images_.emplace_back();
    from->image = std::string(copy.from.text);
    from->target = UniqueName("files-of-" + TargetName(ShortName(copy.from.text)));
    from->head.push_back(fmt::format("FROM {}", copy.from.text));
  }
  sources.clear();
  for (const std::string& path : paths) {
    const auto known = std::find_if(from->saved.begin(), from->saved.end(),
                                    [&path](const SavedPath& saved) { return saved.source == path; });
    if (known != from->saved.end()) {
      sources.push_back(fmt::format("+{}/{}", from->target, known->artifact));
      continue;
    }
    SavedPath& saved = from->saved.emplace_back();
    saved.source = path;
    // Each in a directory of its own: one may lie in another.
    saved.artifact = fmt::format("{}/{}", from->saved.size(), path.substr(path.rfind('/') + 1));
    sources.push_back(fmt::format("+{}/{}", from->target, saved.artifact));
  }
  return std::nullopt;
}

// FROM DOCKERFILE instead of the stage's own commands.
void Conversion::Keep(StageFacts& facts) {
  emitter_.Emit<Kind::kConvertKept>(facts.obstacle->range, facts.target, facts.obstacle->reason);
  // ARGs that have one meaning in all of the file.
  std::map<std::string, std::optional<std::optional<std::string>>, std::less<>> args;
  const auto add = [&](const std::string& name, const std::optional<std::string>& text) {
    const auto [known, is_new] = args.try_emplace(name, text);
    if (!is_new && (!known->second || *known->second != text)) {
      known->second = std::nullopt;
    }
  };
  for (const ast::Arg* arg : file_.global_args) {
    for (const ast::ArgItem& item : arg->items) {
      add(std::string(item.key.text),
          item.has_value ? std::optional(std::string(item.value.text)) : std::optional<std::string>());
    }
  }
  for (const StageFacts& stage : stages_) {
    for (const StageArg& arg : stage.args) {
      add(arg.name, arg.text);
    }
  }
  std::vector<std::string> head;
  for (const ast::Text& comment : facts.stage->from->comments) {
    head.push_back(fmt::format("# {}", comment.text));
  }
  std::string flags;
  for (const auto& [name, text] : args) {
    if (sema::earthfile::IsBuiltinArg(name) || !ast::earthfile::IsVariableName(name)) {
      continue;
    }
    if (!text) {
      emitter_.Emit<Kind::kConvertFixedArg>(facts.stage->from->range, name, "it has several values in the file");
      continue;
    }
    std::string line = name;
    if (*text) {
      line += fmt::format("={}", (*text)->empty() ? "\"\"" : **text);
      const auto read = ReadAsCommand("ARG", line);
      if (!IsPortableWord(**text) || (*text)->find('$') != std::string::npos || !read || read->words.size() != 3) {
        emitter_.Emit<Kind::kConvertFixedArg>(facts.stage->from->range, name, "its value depends on others");
        continue;
      }
    } else {
      emitter_.Emit<Kind::kConvertUnsetArg>(facts.stage->from->range, name);
    }
    head.push_back("ARG " + line);
    flags += fmt::format("--build-arg {} ", name);
  }
  if (options_.dockerfile != "Dockerfile") {
    flags += fmt::format("-f {} ", QuoteLiteral(options_.dockerfile));
  }
  if (&facts != &stages_.back()) {
    const ast::From& from = *facts.stage->from;
    flags += fmt::format("--target {} ", from.stage_id.empty() ? fmt::format("{}", facts.index) : from.stage_id);
  }
  head.push_back(fmt::format("FROM DOCKERFILE {}.", flags));
  facts.head = std::move(head);
  facts.body.clear();
  facts.helper.clear();
}

void Conversion::Print(std::string& out, const std::string& target, const std::vector<std::string>& lines) {
  // Comments in front of the first command are the target's.
  std::size_t i = 0;
  out += '\n';
  for (; i < lines.size() && lines[i].starts_with('#'); ++i) {
    out += lines[i] + "\n";
  }
  out += target + ":\n";
  for (; i < lines.size(); ++i) {
    out += "    " + lines[i] + "\n";
  }
}

ToEarthfileResult Conversion::Run() {
  for (std::size_t i = 0; i < file_.stages.size(); ++i) {
    StageFacts& facts = stages_.emplace_back();
    facts.stage = &file_.stages[i];
    facts.index = i;
    const std::string_view id = facts.stage->from->stage_id;
    const bool last = i + 1 == file_.stages.size();
    facts.target = UniqueName(!id.empty() ? TargetName(id) : last ? "image" : fmt::format("stage-{}", i));
  }
  for (StageFacts& facts : stages_) {
    ReadFrom(facts);
    StageCommands(
        facts, buffer_.text(), [this](std::string_view name) { return FindGlobal(name); },
        [this, &facts](const ast::Copy& copy, std::vector<std::string>& sources) { return Save(facts, copy, sources); })
        .Convert();
  }
  ToEarthfileResult result;
  result.stages = stages_.size();
  result.text = "VERSION 0.8\n";
  for (const StageFacts& image : images_) {
    std::vector<std::string> lines = image.head;
    for (const SavedPath& saved : image.saved) {
      lines.push_back(fmt::format("SAVE ARTIFACT --keep-ts {} {}", saved.source, saved.artifact));
    }
    Print(result.text, image.target, lines);
  }
  for (StageFacts& facts : stages_) {
    if (facts.obstacle) {
      ++result.kept;
      Keep(facts);
    }
    for (const auto& [range, name] :
         facts.obstacle ? std::vector<std::pair<source::SourceRange, std::string>>() : facts.unset_args) {
      emitter_.Emit<Kind::kConvertUnsetArg>(range, name);
    }
    if (!facts.helper.empty()) {
      Print(result.text, facts.helper.front(), {facts.helper.begin() + 1, facts.helper.end()});
    }
    std::vector<std::string> lines = facts.head;
    lines.insert(lines.end(), facts.body.begin(), facts.body.end());
    for (const SavedPath& saved : facts.saved) {
      const std::string_view folder = std::string_view(saved.artifact).substr(0, saved.artifact.find('/') + 1);
      lines.push_back(fmt::format("SAVE ARTIFACT --keep-ts {} {}", saved.source,
                                  HasWildcard(saved.source) ? folder : std::string_view(saved.artifact)));
    }
    if (&facts == &stages_.back() && !options_.image.empty()) {
      lines.push_back(fmt::format("SAVE IMAGE {}", options_.image));
    }
    Print(result.text, facts.target, lines);
  }
  return result;
}

}  // namespace

ToEarthfileResult ToEarthfile(const ast::Dockerfile& file, const source::Buffer& buffer,
                              const ToEarthfileOptions& options, diag::Emitter& emitter) {
  return Conversion(file, buffer, options, emitter).Run();
}

}  // namespace loam::convert
