// `loam ls` and `loam doc`: the targets of an Earthfile, and what their comments say.
#include <fmt/format.h>

#include "base/print.h"
#include "cli/commands/earthfile/earth_file.h"
#include "cli/commands/earthfile/earth_verbs.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/earthfile/listing.h"
#include "compiler/sema/earthfile/features.h"
#include "compiler/sema/earthfile/flags.h"

namespace loam::cli {
namespace {

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
    PrintTo(context.err, "{}", diag::RenderTerminal(file.diagnostics, *file.sources, {.color = context.Colors()}));
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} has mistakes", file.buffer->name()));
  }
  return file;
}

// What VERSION says, for reading flags of commands.
Result<sema::earthfile::Features> FeaturesOf(const EarthFile& file) {
  if (file.ast.version == nullptr) {
    return sema::earthfile::Features::OfVersion(0, 8);
  }
  const auto read =
      sema::earthfile::ReadFeatures(sema::earthfile::ToWords(file.ast.version->args), "", file.ast.version->range);
  if (!read) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{}: {}", file.buffer->name(), read.error().message()));
  }
  return read->features;
}

// `./...`: every Earthfile below the directory.
Exit ListAll(const Context& context, const std::string& directory, const driver::earthfile::ListOptions& options) {
  const auto listing = driver::earthfile::ListTree(directory.empty() ? "." : directory, options);
  if (!listing) {
    PrintError(context, listing.error());
    return Exit::kFailed;
  }
  PrintTo(context.out, "{}", listing->text);
  PrintTo(context.err, "{}", listing->mistakes);
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
  PrintTo(context.out, "{}", driver::earthfile::ListTargets(file->ast, options));
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
  const auto features = FeaturesOf(*file);
  if (!features) {
    PrintError(context, features.error());
    return Exit::kFailed;
  }
  const Result<std::string> text = name.empty()
                                       ? driver::earthfile::DocumentTargets(file->ast, *features, question->long_names)
                                       : driver::earthfile::DocumentTarget(file->ast, *features, name, true);
  if (!text) {
    PrintEarthError(context, text.error(), dialect);
    return Exit::kFailed;
  }
  PrintTo(context.out, "{}", *text);
  return Exit::kOk;
}

}  // namespace loam::cli
