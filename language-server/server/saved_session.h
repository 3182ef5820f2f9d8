// What a session needs to go on in a new process after a crash: the client's side of it, and what it has not been
// answered. Written where nothing can be trusted but the texts: no allocation, no lock, only write(2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::lsp {

enum class Saved : std::uint8_t {
  kInitialize,  // parameters of `initialize`, JSON
  kSettings,    // parameters of the last `workspace/didChangeConfiguration`, JSON
  kFolder,      // path
  kLastId,      // number of the server's last request
  kUri,         // begins a document; its others follow
  kLanguage,
  kVersion,
  kText,
  kFailed,    // the search for its diagnostics crashed
  kSignal,    // number of the signal that ended the old process
  kCrashed,   // body of the message that it happened in
  kMessage,   // body of a message that waits
  kUnparsed,  // bytes that were read from the client behind that
};

class SessionWriter {
 public:
  // `fd` is not owned.
  explicit SessionWriter(int fd) : fd_(fd) {}
  void Add(Saved kind, std::string_view text);
  void Add(Saved kind, std::int64_t number);
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  void Write(const void* bytes, std::size_t size);
  int fd_;
  bool ok_ = true;
};

struct SavedItem {
  Saved kind;
  std::string text;
  [[nodiscard]] std::int64_t number() const;
};
// All items that were written to `fd`, from its beginning.
Result<std::vector<SavedItem>> ReadSession(int fd);

}  // namespace loam::lsp
