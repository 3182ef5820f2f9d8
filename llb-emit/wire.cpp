#include "llb-emit/wire.h"

#include <cstring>

namespace loam::llb {

void WireWriter::End(std::size_t start) {
  std::uint64_t length = out_.size() - start;
  if (length < 0x80) {
    out_[start - 1] = static_cast<char>(length);
    return;
  }
  char bytes[10];
  std::size_t count = 0;
  while (length >= 0x80) {
    bytes[count++] = static_cast<char>(length | 0x80);
    length >>= 7;
  }
  bytes[count++] = static_cast<char>(length);
  out_.insert(start, count - 1, '\0');
  std::memcpy(&out_[start - 1], bytes, count);
}

}  // namespace loam::llb
