// What systemd hands to a service and wants to hear from it: sd_listen_fds(3) and sd_notify(3).
#pragma once

#include <string_view>

#include "base/result.h"

namespace loam::daemon {

// The socket that `name` means: "" the first, a number (3 is the first), or a name of $LISTEN_FDNAMES. The caller does
// not own it. kNotFound if the service was not started with sockets, or not with this one.
Result<int> InheritedSocket(std::string_view name);

// "READY=1", "STOPPING=1". Nothing happens unless systemd asked for it ($NOTIFY_SOCKET).
Result<> NotifyManager(std::string_view state);

}  // namespace loam::daemon
