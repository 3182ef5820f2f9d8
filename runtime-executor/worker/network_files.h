// /etc/hosts and /etc/resolv.conf of a step.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime-executor/worker/worker.h"

namespace loam::worker {

// kInvalidArgument if an address is not an IP address.
Result<std::string> HostsFile(std::string_view hostname, const std::vector<HostAddress>& extra_hosts);

// From the host's resolv.conf. With the host's network it is kept; otherwise name servers on loopback, which a network
// namespace of its own cannot reach, are left out. If none is left, public ones stand in. `dns` takes the place of what
// the host says.
std::string ResolvConf(std::string_view host_file, NetworkMode network, const DnsOptions& dns = {});

}  // namespace loam::worker
