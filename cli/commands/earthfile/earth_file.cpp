#include "cli/commands/earthfile/earth_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/parse/earthfile.h"
#include "compiler/sema/earthfile/local_project.h"

namespace loam::cli {

bool EarthFile::ok() const {
  return std::none_of(diagnostics.begin(), diagnostics.end(), [](const auto& item) { return item.is_error(); });
}

Result<EarthFile> ReadEarthFile(const std::string& path) {
  auto text = sema::earthfile::ReadProjectFile(path);
  if (!text && text.error().Is(ErrorCode::kNotFound)) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("{}: there is no such file", path));
  }
  if (!text) {
    return Unexpected(std::move(text).error());
  }
  EarthFile file;
  file.sources = std::make_unique<source::SourceManager>();
  file.buffer = LOAM_TRY(file.sources->AddText(path, std::move(*text)));
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  file.ast = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(*file.buffer, emitter), emitter);
  file.diagnostics = consumer.Take();
  return file;
}

Result<EarthFile> ReadEarthFileIn(const std::string& directory) {
  const std::string base = directory.empty() || directory == "." ? "" : directory + "/";
  Result<EarthFile> file = ReadEarthFile(base + "Earthfile");
  if (!file && file.error().Is(ErrorCode::kNotFound)) {
    Result<EarthFile> other = ReadEarthFile(base + "build.earth");
    if (other || !other.error().Is(ErrorCode::kNotFound)) {
      return other;
    }
    return Unexpected(Error(ErrorCode::kNotFound, fmt::format("No Earthfile nor build.earth file found in {}",
                                                              base.empty() ? "." : directory))
                          .WithHint("`loam init` writes one"));
  }
  return file;
}

}  // namespace loam::cli
