// loam convert: a Dockerfile as an Earthfile, a target of an Earthfile as a Dockerfile.
#include "cli/commands/convert.h"

#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/print.h"
#include "cli/commands/earthfile/earth_verbs.h"
#include "cli/commands/verbs.h"
#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/convert/to_dockerfile.h"
#include "compiler/convert/to_earthfile.h"
#include "compiler/diagnostics/render.h"
#include "compiler/parse/parse.h"

namespace loam::cli {
namespace {

constexpr Flag kFlags[] = {
    {.name = "output",
     .short_name = 'o',
     .kind = FlagKind::kString,
     .value_name = "FILE",
     .help = "write the file (default: standard output)"},
    {.name = "tag",
     .short_name = 't',
     .kind = FlagKind::kString,
     .value_name = "NAME",
     .help = "the image that SAVE IMAGE of the last stage names"},
};

bool IsEarthReference(std::string_view input) {
  return LooksLikeEarthReference(input) && ::access(std::string(input).c_str(), F_OK) != 0;
}

// The Dockerfile as the Earthfile's FROM DOCKERFILE has to name it.
std::string NameFromOutput(const ConvertRequest& request) {
  if (request.input == "-") {
    return "Dockerfile";
  }
  std::error_code failed;
  const std::filesystem::path output = request.output == "-" ? "Earthfile" : request.output;
  const std::filesystem::path relative = std::filesystem::proximate(
      std::filesystem::absolute(request.input), std::filesystem::absolute(output).parent_path(), failed);
  return failed ? request.input : relative.string();
}

struct Converted {
  std::optional<std::string> text;
  std::string summary;
};

Result<Converted> FromDockerfile(const Context& context, const ConvertRequest& request, source::SourceManager& sources,
                                 diag::Emitter& emitter) {
  std::string text =
      request.input == "-" ? LOAM_TRY(ReadAll(context.in_fd, "standard input")) : LOAM_TRY(ReadFile(request.input));
  const std::string name = request.input == "-" ? "Dockerfile" : request.input;
  const source::Buffer* buffer = LOAM_TRY(sources.AddText(name, std::move(text)));
  const ast::Dockerfile file = ast::BuildDockerfile(parse::ParseDockerfile(*buffer, emitter).tree, *buffer, emitter);
  Converted out;
  if (emitter.has_errors()) {
    return out;
  }
  const convert::ToEarthfileResult result =
      convert::ToEarthfile(file, *buffer, {.dockerfile = NameFromOutput(request), .image = request.image}, emitter);
  out.text = result.text;
  out.summary = fmt::format("{} of {} stages converted, {} built by FROM DOCKERFILE\n", result.stages - result.kept,
                            result.stages, result.kept);
  const std::string folder = std::filesystem::path(request.output == "-" ? "." : request.output).parent_path().string();
  const std::string ignored = folder.empty() ? ".dockerignore" : folder + "/.dockerignore";
  if (::access(ignored.c_str(), F_OK) == 0) {
    out.summary += "note: COPY in Earthfiles does not look at .dockerignore: copy it to .earthlyignore\n";
  }
  return out;
}

Result<Converted> FromTarget(const ConvertRequest& request, source::SourceManager& sources, diag::Emitter& emitter) {
  const std::size_t plus = request.input.rfind('+');
  const std::string folder = plus == 0 ? "." : request.input.substr(0, plus);
  std::string path;
  for (const std::string_view name : {"Earthfile", "build.earth"}) {
    path = folder == "." ? std::string(name) : fmt::format("{}/{}", folder, name);
    if (::access(path.c_str(), F_OK) == 0) {
      break;
    }
  }
  const source::Buffer* buffer = LOAM_TRY(sources.AddText(path, LOAM_TRY(ReadFile(path))));
  const auto file = sema::earthfile::ParseProjectFile(*buffer, "");
  Converted out;
  if (!file) {
    Report(emitter, file.error());
    return out;
  }
  out.text = convert::ToDockerfile(*file, std::string_view(request.input).substr(plus + 1), emitter);
  return out;
}

Exit RunConvert(Context& context, const Flags& flags) {
  ConvertRequest request;
  const std::vector<std::string>& words = flags.positional();
  if (words.size() > 1) {
    return UsageError(context, kConvertCommand, Error(ErrorCode::kInvalidArgument, "one file or target at a time"));
  }
  request.input = words.empty() ? "Dockerfile" : words[0];
  request.output = flags.Has("output") ? flags.String("output") : "-";
  request.image = flags.String("tag");
  return Convert(context, request);
}

}  // namespace

Exit Convert(Context& context, const ConvertRequest& request) {
  source::SourceManager sources;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  if (request.output != "-" && ::access(request.output.c_str(), F_OK) == 0) {
    PrintError(context, Error(ErrorCode::kAlreadyExists, fmt::format("`{}` is there already", request.output))
                            .WithHint("remove it, or write to another file"));
    return Exit::kFailed;
  }
  const Result<Converted> converted = IsEarthReference(request.input)
                                          ? FromTarget(request, sources, emitter)
                                          : FromDockerfile(context, request, sources, emitter);
  std::vector<diag::Diagnostic> told = consumer.Take();
  diag::SortByPosition(told);
  PrintTo(context.err, "{}", diag::RenderTerminal(told, sources, {.color = context.Colors()}));
  if (!converted) {
    PrintError(context, converted.error());
    return Exit::kFailed;
  }
  if (!converted->text) {
    return Exit::kFailed;
  }
  if (request.output == "-") {
    std::fwrite(converted->text->data(), 1, converted->text->size(), context.out);
  } else if (const Result<> written = WriteFileAtomic(request.output, *converted->text); !written) {
    PrintError(context, written.error());
    return Exit::kFailed;
  }
  PrintTo(context.err, "{}", converted->summary);
  return Exit::kOk;
}

const Command kConvertCommand = {.name = "convert",
                                 .summary = "a Dockerfile as an Earthfile, or a target of an Earthfile as a Dockerfile",
                                 .usage = "loam convert [FLAGS] [DOCKERFILE | - | [DIRECTORY]+TARGET]",
                                 .flags = kFlags,
                                 .run = RunConvert};

}  // namespace loam::cli
