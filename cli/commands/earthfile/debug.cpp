// `earthly debug ast [--source-map] FILE`.
#include <fmt/format.h>

#include "base/print.h"
#include "cli/commands/earthfile/earth_file.h"
#include "cli/commands/earthfile/earth_verbs.h"
#include "compiler/ast/earthfile/print.h"
#include "compiler/diagnostics/render.h"

namespace loam::cli {

Exit RunEarthDebug(Context& context, const EarthSettings&, const std::vector<std::string>& words,
                   EarthDialect dialect) {
  bool source_map = false;
  std::string path = "Earthfile";
  if (words.empty() || (words[0] != "ast" && words[0] != "a")) {
    PrintError(context, Error(ErrorCode::kInvalidArgument,
                              fmt::format("usage: {} debug ast [--source-map] [FILE]", ProgramOf(dialect))));
    return Exit::kFailed;
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "--source-map") {
      source_map = true;
    } else {
      path = words[i];
    }
  }
  const Result<EarthFile> file = ReadEarthFile(path);
  if (!file) {
    PrintError(context, file.error());
    return Exit::kFailed;
  }
  if (!file->ok()) {
    std::vector<diag::Diagnostic> sorted = file->diagnostics;
    diag::SortByPosition(sorted);
    PrintTo(context.err, "{}", diag::RenderTerminal(sorted, *file->sources, {.color = context.Colors()}));
    return Exit::kFailed;
  }
  PrintTo(context.out, "{}\n", ast::earthfile::PrintJson(file->ast, *file->buffer, {.source_map = source_map}));
  return Exit::kOk;
}

}  // namespace loam::cli
