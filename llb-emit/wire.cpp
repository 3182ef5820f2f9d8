#include "llb-emit/wire.h"

#include <cstring>

namespace loam::llb {

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
std::size_t Utf8SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return continues(1) ? 2 : 0;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2) || (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) {
      return 0;
    }
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3) || (lead == 0xF0 && byte(1) < 0x90) ||
        (lead == 0xF4 && byte(1) > 0x8F)) {
      return 0;
    }
    return 4;
  }
  return 0;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    // Eight ASCII bytes at a time.
    std::uint64_t word = 0;
    while (text.size() >= sizeof(word)) {
      std::memcpy(&word, text.data(), sizeof(word));
      if ((word & 0x8080808080808080U) != 0) {
        break;
      }
      text.remove_prefix(sizeof(word));
    }
    if (text.empty()) {
      break;
    }
    const std::size_t length = Utf8SequenceLength(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

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
