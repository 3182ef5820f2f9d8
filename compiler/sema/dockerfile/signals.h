// Signal names of STOPSIGNAL.
#pragma once

#include <string_view>

namespace loam::sema {

// A number other than 0, or a Linux signal with or without "SIG", in any case: "TERM", "SIGKILL", "RTMIN+3".
bool IsSignal(std::string_view text);

}  // namespace loam::sema
