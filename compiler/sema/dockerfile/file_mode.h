// Modes of --chmod.
#pragma once

#include <cstdint>
#include <string_view>

namespace loam::sema {

// "u+rwx,go=r", "a+X", …: the grammar of chmod(1) without numbers.
bool IsSymbolicMode(std::string_view text);

}  // namespace loam::sema
