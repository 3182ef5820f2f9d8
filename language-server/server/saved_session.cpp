#include "language-server/server/saved_session.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/file_system.h"

namespace loam::lsp {
namespace {

struct Head {
  std::uint64_t size = 0;
  std::uint64_t kind = 0;
};

}  // namespace

void SessionWriter::Write(const void* bytes, std::size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (ok_ && size > 0) {
    const ssize_t written = ::write(fd_, at, size);
    if (written > 0) {
      at += written;
      size -= static_cast<std::size_t>(written);
    } else {
      ok_ = written < 0 && errno == EINTR;
    }
  }
}

void SessionWriter::Add(Saved kind, std::string_view text) {
  const Head head{text.size(), static_cast<std::uint64_t>(kind)};
  Write(&head, sizeof(head));
  Write(text.data(), text.size());
}

void SessionWriter::Add(Saved kind, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  Add(kind, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

std::int64_t SavedItem::number() const {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Result<std::vector<SavedItem>> ReadSession(int fd) {
  if (::lseek(fd, 0, SEEK_SET) != 0) {
    return UnexpectedErrno("read the saved session");
  }
  const std::string all = LOAM_TRY(ReadAll(fd, "the saved session"));
  std::vector<SavedItem> items;
  std::string_view rest = all;
  while (!rest.empty()) {
    Head head;
    if (rest.size() < sizeof(head)) {
      return Unexpected(ErrorCode::kDataLoss, "the saved session is cut off");
    }
    rest.copy(reinterpret_cast<char*>(&head), sizeof(head));
    rest.remove_prefix(sizeof(head));
    if (head.size > rest.size()) {
      return Unexpected(ErrorCode::kDataLoss, "the saved session is cut off");
    }
    items.push_back({static_cast<Saved>(head.kind), std::string(rest.substr(0, head.size))});
    rest.remove_prefix(head.size);
  }
  return items;
}

}  // namespace loam::lsp
