// Truth values as Go's strconv.ParseBool reads them.
#pragma once

#include <optional>
#include <string_view>

namespace loam {

// 1, t, T, TRUE, true, True and their opposites; nullopt for anything else.
std::optional<bool> ParseGoBool(std::string_view text);

}  // namespace loam
