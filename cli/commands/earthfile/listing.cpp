// `loam ls` and `loam doc`: the targets of an Earthfile, and what their comments say.
#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/commands/earthfile/earth_file.h"
#include "cli/commands/earthfile/earth_verbs.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/earthfile/listing.h"

namespace loam::cli {
namespace {

using ast::earthfile::Command;
using ast::earthfile::CommandKind;
using ast::earthfile::Target;

struct Question {
  std::string reference;  // "" or "./dir" or "./dir+target"
  bool args = false;
  bool long_names = false;
};

// The words of `ls` and `doc`: at most one reference, and flags.
Result<Question> ReadQuestion(const std::vector<std::string>& words) {
  Question question;
  for (const std::string& word : words) {
    if (word == "--args" || word == "-a") {
      question.args = true;
    } else if (word == "--long" || word == "-l") {
      question.long_names = true;
    } else if (word.starts_with('-')) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("unknown flag `{}`", word))
                            .WithHint("the flags are --args and --long"));
    } else if (question.reference.empty()) {
      question.reference = word;
    } else {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("one Earthfile or target at a time, not also `{}`", word));
    }
  }
  return question;
}

std::pair<std::string, std::string> SplitReference(const std::string& reference) {
  const std::size_t plus = reference.find('+');
  return plus == std::string::npos ? std::pair(reference, std::string())
                                   : std::pair(reference.substr(0, plus), reference.substr(plus + 1));
}

Result<EarthFile> Read(const Context& context, const std::string& directory) {
  if (directory.find("://") != std::string::npos || (!directory.empty() && !directory.starts_with('.') &&
                                                     !directory.starts_with('/') && !directory.starts_with('~'))) {
    return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is no local directory", directory))
                          .WithHint("remote projects are not listed; directories start with `.` or `/`"));
  }
  std::string path = directory;
  while (path.size() > 1 && path.ends_with('/')) {
    path.pop_back();
  }
  EarthFile file = LOAM_TRY(ReadEarthFileIn(path));
  if (!file.ok()) {
    diag::SortByPosition(file.diagnostics);
    fmt::print(context.err, "{}", diag::RenderTerminal(file.diagnostics, *file.sources, {.color = context.Colors()}));
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} has mistakes", file.buffer->name()));
  }
  return file;
}

// The commands of a recipe of one kind, those in blocks left out.
std::vector<const Command*> CommandsOf(ast::earthfile::Block recipe, CommandKind kind) {
  std::vector<const Command*> commands;
  for (const ast::earthfile::Statement& statement : recipe) {
    if (statement.command != nullptr && statement.command->kind == kind) {
      commands.push_back(statement.command);
    }
  }
  return commands;
}

bool StartsWithWord(std::string_view docs, std::string_view word) {
  const std::string_view text = TrimSpace(docs);
  return text.starts_with(word) &&
         (text.size() == word.size() || text[word.size()] == ' ' || text[word.size()] == '\n');
}

std::string Indented(std::string_view text, std::string_view space) {
  std::string result;
  while (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  for (const std::string_view line : Split(text, '\n')) {
    result += fmt::format("{}{}\n", line.empty() ? std::string_view() : space, line);
  }
  return result;
}

void PrintTargetDoc(const Context& context, const Target& target, std::string_view space) {
  fmt::print(context.out, "{}+{}", space, target.name);
  for (const Command* const arg : CommandsOf(target.recipe, CommandKind::kArg)) {
    if (arg->pairs.empty()) {
      continue;
    }
    const bool required =
        std::any_of(arg->flags.begin(), arg->flags.end(), [](const auto& flag) { return flag.text == "--required"; });
    const std::string text = arg->pairs[0].value.present()
                                 ? fmt::format("--{}={}", arg->pairs[0].key.text, arg->pairs[0].value.text)
                                 : fmt::format("--{}", arg->pairs[0].key.text);
    fmt::print(context.out, " {}{}{}", required ? "" : "[", text, required ? "" : "]");
  }
  fmt::print(context.out, "\n{}", Indented(target.docs, fmt::format("{}  ", space)));
}

void PrintDetails(const Context& context, const Target& target) {
  const auto print = [&](std::string_view heading, CommandKind kind) {
    bool first = true;
    for (const Command* const command : CommandsOf(target.recipe, kind)) {
      if (command->docs.empty()) {
        continue;
      }
      if (first) {
        fmt::print(context.out, "{}:\n", heading);
        first = false;
      }
      fmt::print(context.out, "{}", Indented(command->docs, "  "));
    }
  };
  print("ARGS", CommandKind::kArg);
  print("ARTIFACTS", CommandKind::kSaveArtifact);
  print("IMAGES", CommandKind::kSaveImage);
}

// `./...`: every Earthfile below the directory.
Exit ListAll(const Context& context, const std::string& directory, const driver::earthfile::ListOptions& options) {
  const auto listing = driver::earthfile::ListTree(directory.empty() ? "." : directory, options);
  if (!listing) {
    PrintError(context, listing.error());
    return Exit::kFailed;
  }
  fmt::print(context.out, "{}", listing->text);
  fmt::print(context.err, "{}", listing->mistakes);
  return listing->mistakes.empty() ? Exit::kOk : Exit::kFailed;
}

}  // namespace

Exit RunEarthLs(Context& context, const EarthSettings&, const std::vector<std::string>& words, EarthDialect) {
  const Result<Question> question = ReadQuestion(words);
  if (!question) {
    PrintError(context, question.error());
    return Exit::kFailed;
  }
  const std::string directory = SplitReference(question->reference).first;
  driver::earthfile::ListOptions options{.args = question->args, .long_names = question->long_names, .path = directory};
  if (directory == "..." || directory.ends_with("/...")) {
    return ListAll(context, directory.substr(0, directory.size() - 3), options);
  }
  const Result<EarthFile> file = Read(context, directory);
  if (!file) {
    PrintError(context, file.error());
    return Exit::kFailed;
  }
  fmt::print(context.out, "{}", driver::earthfile::ListTargets(file->ast, options));
  return Exit::kOk;
}

Exit RunEarthDoc(Context& context, const EarthSettings&, const std::vector<std::string>& words, EarthDialect dialect) {
  const Result<Question> question = ReadQuestion(words);
  if (!question) {
    PrintError(context, question.error());
    return Exit::kFailed;
  }
  const auto [directory, name] = SplitReference(question->reference);
  const Result<EarthFile> file = Read(context, directory);
  if (!file) {
    PrintError(context, file.error());
    return Exit::kFailed;
  }
  if (name.empty()) {
    fmt::print(context.out, "TARGETS:\n");
    for (const Target& target : file->ast.targets) {
      if (StartsWithWord(target.docs, target.name)) {
        PrintTargetDoc(context, target, "  ");
        if (question->long_names) {
          PrintDetails(context, target);
        }
      }
    }
    return Exit::kOk;
  }
  const Target* const target = file->ast.FindTarget(name);
  if (target == nullptr) {
    PrintError(context, Error(ErrorCode::kNotFound, fmt::format("{} has no target `{}`", file->buffer->name(), name))
                            .WithHint(fmt::format("`{} ls` lists the targets", ProgramOf(dialect))));
    return Exit::kFailed;
  }
  if (!StartsWithWord(target->docs, target->name)) {
    PrintError(context, Error(ErrorCode::kNotFound, fmt::format("no doc comment found for target `{}`", name))
                            .WithHint(fmt::format(
                                "a comment directly above it is one if it starts with its name: `# {} …`", name)));
    return Exit::kFailed;
  }
  PrintTargetDoc(context, *target, "");
  PrintDetails(context, *target);
  return Exit::kOk;
}

}  // namespace loam::cli
