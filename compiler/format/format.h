// Both formatters behind one door, whole files and parts of them, for the command line and for editors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/source/source_manager.h"

namespace loam::format {

enum class Language : std::uint8_t { kDockerfile, kEarthfile };

// FormatDockerfile or FormatEarthfile.
Result<std::string> Format(Language language, const source::Buffer& buffer, diag::Emitter& emitter);

// The changes from `buffer` to `formatted` as edits of whole lines, in the order of the text; none overlap.
std::vector<diag::Edit> EditsOf(const source::Buffer& buffer, std::string_view formatted);

// Formats bytes [begin, end) alone: those of the file's edits that touch the lines of the range. Errors as of Format;
// also kFailedPrecondition if these edits, without the others, would change what the file means.
Result<std::vector<diag::Edit>> FormatRange(Language language, const source::Buffer& buffer, std::uint32_t begin,
                                            std::uint32_t end, diag::Emitter& emitter);

}  // namespace loam::format
