// Where an exporter's single file goes: a path, which gets its contents complete or not at all, or a stream.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "runtime-executor/content/byte_stream.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::exporter {

class Output {
 public:
  // `dest` "-" is services.output_fd, which must not be a terminal. A path that exists and is no regular file (a pipe,
  // a device) is written to as it is; a directory is kInvalidArgument.
  static Result<Output> Open(const std::string& dest, const ExporterServices& services);

  [[nodiscard]] content::ByteSink& sink() { return *sink_; }
  // Makes the file appear. A stream stays open.
  Result<> Commit();

 private:
  std::optional<AtomicFile> file_;
  UniqueFd stream_;
  std::unique_ptr<content::ByteSink> sink_;
};

}  // namespace loam::exporter
