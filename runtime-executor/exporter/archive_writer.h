// A small tar writer for image archives: directories and files of a few members, reproducible (owner 0:0, time 0).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime-executor/content/byte_stream.h"
#include "runtime-executor/content/content_store.h"

namespace loam::exporter {

class ArchiveWriter {
 public:
  // Keeps `sink`.
  explicit ArchiveWriter(content::ByteSink& sink) : sink_(sink) {}

  // Names have at most 100 bytes; a directory's ends with '/'.
  Result<> AddDirectory(std::string_view name);
  Result<> AddFile(std::string_view name, std::string_view data, std::uint32_t mode = 0644);
  Result<> AddBlob(std::string_view name, const content::Blob& blob);
  // The two empty blocks at the end.
  Result<> Finish();

 private:
  Result<> AddHeader(std::string_view name, char type, std::uint32_t mode, std::uint64_t size);
  Result<> Pad(std::uint64_t size);
  content::ByteSink& sink_;
};

}  // namespace loam::exporter
