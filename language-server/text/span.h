// Bytes of one document, and the places of the protocol.
#pragma once

#include <cstdint>

namespace loam::lsp {

// Bytes [begin, end) of a document's text.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  [[nodiscard]] std::uint32_t size() const { return end - begin; }
  // A cursor between two bytes touches the span also at its end.
  [[nodiscard]] bool Touches(std::uint32_t offset) const { return begin <= offset && offset <= end; }
  [[nodiscard]] bool Contains(Span other) const { return begin <= other.begin && other.end <= end; }
  friend auto operator<=>(const Span&, const Span&) = default;
};

// Line and character as the protocol counts them, both from 0; the unit of `character` is that of the connection.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t character = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

enum class PositionEncoding : std::uint8_t { kUtf8, kUtf16, kUtf32 };

}  // namespace loam::lsp
