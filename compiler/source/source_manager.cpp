#include "compiler/source/source_manager.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file_system.h"

namespace loam::source {

Buffer::Buffer(FileId id, std::string name, std::string text)
    : id_(id), name_(std::move(name)), text_(std::move(text)), lines_(text_) {}

LineSpan Buffer::LinesOf(SourceRange range) const {
  return {lines_.Line(range.begin), lines_.Line(range.end > range.begin ? range.end - 1 : range.end)};
}

SourceManager::SourceManager() = default;
SourceManager::~SourceManager() = default;

Result<const Buffer*> SourceManager::AddText(std::string name, std::string text) {
  if (text.size() > kMaxBufferBytes) {
    return Unexpected(
        ErrorCode::kResourceExhausted,
        fmt::format("{}: {} bytes is more than the {} a source file may have", name, text.size(), kMaxBufferBytes));
  }
  const std::lock_guard lock(buffers_mutex_);
  const FileId id{static_cast<std::uint32_t>(buffers_.size() + 1)};
  return buffers_.emplace_back(std::make_unique<Buffer>(id, std::move(name), std::move(text))).get();
}

Result<const Buffer*> SourceManager::LoadFile(const std::string& path) {
  if (path == "-") {
    return AddText("<stdin>", LOAM_TRY(ReadAll(STDIN_FILENO, "<stdin>")));
  }
  return AddText(path, LOAM_TRY(ReadFile(path)));
}

const Buffer* SourceManager::Find(FileId id) const {
  const std::lock_guard lock(buffers_mutex_);
  return id == kNoFile || id.value() > buffers_.size() ? nullptr : buffers_[id.value() - 1].get();
}

const Buffer& SourceManager::buffer(FileId id) const {
  const Buffer* found = Find(id);
  LOAM_CHECK(found != nullptr, "the file id is of this source manager");
  return *found;
}

}  // namespace loam::source
