// Reading one Earthfile at the command line, without a project: for listings, completion and `debug ast`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "compiler/ast/earthfile/ast.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/source/source_manager.h"

namespace loam::cli {

struct EarthFile {
  std::unique_ptr<source::SourceManager> sources;
  const source::Buffer* buffer = nullptr;
  ast::earthfile::Earthfile ast;
  std::vector<diag::Diagnostic> diagnostics;

  [[nodiscard]] bool ok() const;
};

// kNotFound if there is no such file. Mistakes are in the result.
Result<EarthFile> ReadEarthFile(const std::string& path);
// `DIRECTORY/Earthfile`, else `DIRECTORY/build.earth`.
Result<EarthFile> ReadEarthFileIn(const std::string& directory);

}  // namespace loam::cli
