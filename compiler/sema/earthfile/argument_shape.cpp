#include "compiler/sema/earthfile/argument_shape.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/check.h"

namespace loam::sema::earthfile {
namespace {

using ast::earthfile::Command;
using ast::earthfile::CommandKind;
using ast::earthfile::Statement;
using ast::earthfile::StatementKind;
using diag::Kind;
using source::SourceRange;

std::string All(std::span<const Word> words) {
  std::string out;
  for (const Word& word : words) {
    out.append(" ").append(word.text);
  }
  return out;
}

Failure WrongNumber(const Command& command, std::string_view takes) {
  return BadArguments(command, fmt::format("invalid number of arguments for {}: it takes {}",
                                           ast::earthfile::KeywordOf(command.kind), takes));
}

Failure NoArguments(const Command& command) {
  return BadArguments(command,
                      fmt::format("no arguments provided to the {} command", ast::earthfile::KeywordOf(command.kind)));
}

Checked<> CheckFrom(const Command& command, std::span<const Word> words) {
  if (words.empty()) {
    return WrongNumber(command, "an image or a target");
  }
  if (words.size() == 3 && words[1].text == "AS") {
    return Fail<Kind::kEarthBadArguments>(words[1].range, "FROM", "AS not supported, use earthly targets instead")
        .Hint(fmt::format("make it a target `{0}:` of its own, and refer to it as `+{0}`", words[2].text));
  }
  return {};
}

Checked<> CheckSaveArtifact(const Command& command, std::span<const Word> words) {
  // src | src dest | src AS LOCAL l | src dest AS LOCAL l
  const bool fits =
      words.size() == 1 || words.size() == 2 || ((words.size() == 4 || words.size() == 5) && SavesLocally(words));
  if (fits) {
    return {};
  }
  Failure failure =
      words.empty()
          ? NoArguments(command)
          : BadArguments(command, words.size() > 5 ? "too many arguments provided to the SAVE ARTIFACT command"
                                                   : "invalid arguments for SAVE ARTIFACT command");
  return std::move(failure).Hint("write `SAVE ARTIFACT <src> [<dest>] [AS LOCAL <path>]`");
}

Checked<> CheckHealthcheck(const Command& command, std::span<const Word> words) {
  if (words.empty()) {
    return WrongNumber(command, "NONE or CMD");
  }
  if (words[0].text == "NONE") {
    return words.size() == 1 ? Checked<>()
                             : BadArguments(command, "invalid arguments for HEALTHCHECK: nothing can follow NONE");
  }
  if (words[0].text != "CMD") {
    return BadArguments(command, "invalid arguments for HEALTHCHECK: it begins with NONE or CMD");
  }
  if (words.size() == 1) {
    return BadArguments(command, "invalid number of arguments for HEALTHCHECK CMD: the command is missing");
  }
  if (words[1].text.starts_with('[')) {
    return BadArguments(command, "exec form not yet supported for HEALTHCHECK CMD");
  }
  return {};
}

Checked<> CheckFinally(const Statement& save, const Features& features) {
  const auto fail = [](SourceRange where, std::string_view message) { return Fail<Kind::kEarthTry>(where, message); };
  if (save.kind != StatementKind::kCommand || save.command->kind != CommandKind::kSaveArtifact) {
    return fail(save.keyword, "CATCH/FINALLY body only (currently) supports SAVE ARTIFACT ... AS LOCAL commands");
  }
  SaveArtifactFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(ToWords(save.command->args), {.features = &features}, flags));
  LOAM_TRY(CheckArguments(*save.command, words));
  if (flags.keep_ts || flags.keep_own || flags.symlink_no_follow || flags.force) {
    return fail(save.keyword, "only the SAVE ARTIFACT --if-exists option is allowed in a TRY/FINALLY block");
  }
  if (!SavesLocally(words)) {
    return fail(save.keyword, "missing local name for SAVE ARTIFACT within TRY/CATCH/FINALLY");
  }
  if (words[0].text.find('*') != std::string::npos) {
    return fail(words[0].range, "TRY/CATCH/FINALLY does not (currently) support wildcard SAVE ARTIFACT paths");
  }
  if (words.back().text.find('$') != std::string::npos) {
    return fail(words.back().range,
                "TRY/CATCH/FINALLY does not (currently) support expanding args for SAVE ARTIFACT paths");
  }
  return {};
}

// Every value of an arg goes with every value of the others: a line of text can ask for millions of targets.
Checked<> CheckBuild(const Command& command, std::span<const Word> words) {
  constexpr std::size_t kMaxCombinations = 10'000;
  if (words.empty()) {
    return WrongNumber(command, "a target");
  }
  std::map<std::string_view, std::size_t> values;
  for (const Word& word : words.subspan(1)) {
    if (word.text.starts_with("--")) {
      ++values[std::string_view(word.text).substr(0, word.text.find('='))];
    }
  }
  std::size_t combinations = 1;
  for (const auto& [name, count] : values) {
    combinations *= count;
    if (combinations > kMaxCombinations) {
      return BadArguments(command, fmt::format("its args make more than {} combinations", kMaxCombinations))
          .Hint("every value of an arg goes with every value of the others; write several BUILD");
    }
  }
  return {};
}

}  // namespace

bool NeedsNoEnvironment(CommandKind kind) {
  switch (kind) {
    case CommandKind::kFrom:
    case CommandKind::kFromDockerfile:
    case CommandKind::kLocally:
    case CommandKind::kBuild:
    case CommandKind::kArg:
    case CommandKind::kLet:
    case CommandKind::kSet:
    case CommandKind::kImport:
    case CommandKind::kProject:
    // What they are in is wrong with them, whatever stands in front.
    case CommandKind::kAdd:
    case CommandKind::kStopSignal:
    case CommandKind::kOnbuild:
    case CommandKind::kShell:
    case CommandKind::kCommand:
    case CommandKind::kFunction:
    // Its commands are asked.
    case CommandKind::kDo:
    case CommandKind::kDocker:
      return true;
    case CommandKind::kRun:
    case CommandKind::kCopy:
    case CommandKind::kSaveArtifact:
    case CommandKind::kSaveImage:
    case CommandKind::kWorkdir:
    case CommandKind::kUser:
    case CommandKind::kCmd:
    case CommandKind::kEntrypoint:
    case CommandKind::kExpose:
    case CommandKind::kVolume:
    case CommandKind::kEnv:
    case CommandKind::kLabel:
    case CommandKind::kGitClone:
    case CommandKind::kHealthcheck:
    case CommandKind::kCache:
    case CommandKind::kHost:
      return false;
  }
  LOAM_UNREACHABLE("a kind of command that does not exist");
}

Failure BadArguments(const Command& command, std::string_view message) {
  return Fail<Kind::kEarthBadArguments>(command.location.range, ast::earthfile::KeywordOf(command.kind), message);
}

bool SavesLocally(std::span<const Word> words) {
  return words.size() >= 4 && words[words.size() - 3].text == "AS" && words[words.size() - 2].text == "LOCAL";
}

Checked<> CheckArguments(const Command& command, std::span<const Word> words) {
  switch (command.kind) {
    case CommandKind::kFrom:
      return CheckFrom(command, words);
    case CommandKind::kFromDockerfile:
      if (words.empty()) {
        return WrongNumber(command, "a build context");
      }
      if (words.size() > 1 && !words[1].text.starts_with("-")) {
        return BadArguments(command, "invalid arguments" + All(words));
      }
      return {};
    case CommandKind::kLocally:
      return words.empty() ? Checked<>() : WrongNumber(command, "none");
    case CommandKind::kRun:
      return command.args.empty() ? BadArguments(command, "not enough arguments for RUN") : Checked<>();
    case CommandKind::kCopy:
      if (words.size() < 2) {
        return BadArguments(command, "not enough COPY arguments: it takes sources and a destination");
      }
      return {};
    case CommandKind::kSaveArtifact:
      return CheckSaveArtifact(command, words);
    case CommandKind::kBuild:
      return CheckBuild(command, words);
    case CommandKind::kDo:
      return words.empty() ? WrongNumber(command, "a function") : Checked<>();
    case CommandKind::kImport:
      if (words.size() == 1 || (words.size() == 3 && words[1].text == "AS")) {
        return {};
      }
      return BadArguments(command,
                          words.size() == 3 ? "invalid arguments for IMPORT" : "invalid number of arguments for IMPORT")
          .Hint("write `IMPORT [--allow-privileged] <project> [AS <alias>]`");
    case CommandKind::kGitClone:
      return words.size() == 2 ? Checked<>() : WrongNumber(command, "a URL and a directory");
    case CommandKind::kCache:
      return words.size() == 1 ? Checked<>() : WrongNumber(command, "one directory");
    case CommandKind::kHost:
      return words.size() == 2 ? Checked<>() : WrongNumber(command, "a name and an address");
    case CommandKind::kWorkdir:
      return words.size() == 1 ? Checked<>() : WrongNumber(command, "one directory");
    case CommandKind::kUser:
      return words.size() == 1 ? Checked<>() : WrongNumber(command, "one name");
    case CommandKind::kProject:
      if (words.size() != 1 || std::count(words[0].text.begin(), words[0].text.end(), '/') != 1) {
        return BadArguments(command, "unexpected format for PROJECT statement, should be: <organization>/<project>");
      }
      return {};
    case CommandKind::kExpose:
    case CommandKind::kVolume:
      return words.empty() ? NoArguments(command) : Checked<>();
    case CommandKind::kLabel:
      return command.pairs.empty() ? BadArguments(command, "no labels provided in LABEL command") : Checked<>();
    case CommandKind::kEnv:
      return command.pairs.size() == 1 ? Checked<>() : WrongNumber(command, "one key=value");
    case CommandKind::kHealthcheck:
      return CheckHealthcheck(command, words);
    case CommandKind::kSaveImage:
    case CommandKind::kArg:
    case CommandKind::kLet:
    case CommandKind::kSet:
    case CommandKind::kCmd:
    case CommandKind::kEntrypoint:
    case CommandKind::kCommand:
    case CommandKind::kFunction:
    case CommandKind::kAdd:
    case CommandKind::kStopSignal:
    case CommandKind::kOnbuild:
    case CommandKind::kShell:
    case CommandKind::kDocker:
      return {};
  }
  return {};
}

Checked<> CheckSaveImage(const Command& command, const SaveImageFlags& flags, std::span<const Word> words) {
  if (flags.push && words.empty()) {
    return BadArguments(command, "invalid number of arguments for SAVE IMAGE --push: a name is missing");
  }
  return {};
}

Checked<> CheckCondition(std::span<const Word> words, SourceRange keyword) {
  if (words.empty()) {
    return Fail<Kind::kEarthBadArguments>(keyword, "IF", "not enough arguments for IF: a condition is missing");
  }
  return {};
}

Checked<> CheckFor(std::span<const Word> words, SourceRange keyword) {
  constexpr const char* kForm = "write `FOR [--sep <separators>] <variable> IN <words>`";
  if (words.size() < 3) {
    return Fail<Kind::kEarthBadArguments>(keyword, "FOR", "not enough arguments for FOR").Hint(kForm);
  }
  if (words[1].text != "IN") {
    return Fail<Kind::kEarthBadArguments>(words[1].range, "FOR", fmt::format("expected IN, got {}", words[1].text))
        .Hint(kForm);
  }
  return {};
}

Checked<> CheckWait(const ast::earthfile::Wait& wait, SourceRange keyword) {
  if (wait.has_args && !wait.args.empty()) {
    return Fail<Kind::kEarthBadArguments>(keyword, "WAIT", "WAIT does not accept any options");
  }
  return {};
}

Checked<> CheckTry(const ast::earthfile::Try& attempt, SourceRange keyword, const Features& features) {
  const auto fail = [](SourceRange where, std::string_view message) { return Fail<Kind::kEarthTry>(where, message); };
  if (attempt.body.empty()) {
    return fail(keyword, "TRY body is empty");
  }
  const Statement& body = attempt.body[0];
  const bool two_in_docker = body.kind == StatementKind::kWith && body.with->body.size() != 1;
  if (attempt.body.size() != 1 || two_in_docker) {
    return fail(keyword, "TRY body can (currently) only contain a single command");
  }
  if (attempt.has_catch) {
    return fail(attempt.catch_keyword, "TRY/FINALLY doesn't (currently) support CATCH statements");
  }
  const bool is_run = body.kind == StatementKind::kCommand && body.command->kind == CommandKind::kRun;
  if (!is_run && body.kind != StatementKind::kWith) {
    return fail(keyword, "TRY body must (currently) be a RUN command (or a RUN inside a WITH DOCKER)");
  }
  for (const Statement& save : attempt.finally_body) {
    LOAM_TRY(CheckFinally(save, features));
  }
  return {};
}

Checked<> CheckWithDocker(const ast::earthfile::With& with, std::span<const Word> words, SourceRange keyword) {
  if (!words.empty()) {
    return Fail<Kind::kEarthBadArguments>(words[0].range, "WITH DOCKER", fmt::format("`{}` is no flag", words[0].text));
  }
  if (with.body.size() > 1) {
    return Fail<Kind::kEarthWithDocker>(with.body[1].keyword,
                                        "only one command is allowed in WITH DOCKER and it has to be RUN");
  }
  if (with.body.empty()) {
    return Fail<Kind::kEarthWithDocker>(keyword, "no RUN command found in WITH DOCKER");
  }
  return {};
}

}  // namespace loam::sema::earthfile
