// The lines of a source that a diagnostic shows, with the marks below them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/source/source_manager.h"

namespace loam::diag {

struct ExcerptLine {
  std::uint32_t number = 0;       // 0: lines were left out here
  std::string text;               // tabs expanded, control characters made visible, cut to the width
  std::uint32_t mark_column = 0;  // in terminal columns, counted from 0
  std::uint32_t mark_length = 0;  // at least 1
};

// The lines of `range`: all of them if they are few, else the first ones and the last. Empty lines in a long range are
// shown without marks only if they are the only line.
std::vector<ExcerptLine> MakeExcerpt(const source::Buffer& buffer, source::SourceRange range, std::uint32_t width);

// Control characters (of a hostile file: escape sequences) as `\x1b`; bytes that are not UTF-8 as the replacement rune.
std::string Printable(std::string_view text);

}  // namespace loam::diag
