// Text for people and scripts, to a stream that may be gone: a closed pipe (`loam … | head`) or a full disk.
#pragma once

#include <cstdio>

#include <fmt/format.h>

namespace loam {

void VPrintTo(std::FILE* stream, fmt::string_view format, fmt::format_args arguments);

// Writes formatted text. A failure is kept by the stream (std::ferror), and nothing is thrown: what is being done goes
// on without its words, and the program's end tells of it.
template <typename... Arguments>
void PrintTo(std::FILE* stream, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  VPrintTo(stream, format, fmt::make_format_args(arguments...));
}

}  // namespace loam
