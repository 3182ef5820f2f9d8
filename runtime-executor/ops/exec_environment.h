// What a process gets beside its mounts, and what it may ask for: shared by exec ops and containers of frontends.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/worker/worker.h"

namespace loam::ops {

inline constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
inline constexpr std::string_view kWindowsPath =
    R"(c:\Windows\System32;c:\Windows;C:\Windows\System32\WindowsPowerShell\v1.0)";

// Sets a variable that is not there.
void AddDefault(std::string_view name, std::string_view value, std::vector<std::string>& env);
// The client's secrets as variables; an optional one that is missing is empty.
Result<> AddSecrets(const google::protobuf::RepeatedPtrField<pb::SecretEnv>& secrets, session::ClientServices& client,
                    std::stop_token stop, std::vector<std::string>& env);
// kPermissionDenied for what the client has not allowed.
Result<> CheckEntitlements(pb::NetMode network, pb::SecurityMode security, const Entitlements& allowed);
Result<worker::NetworkMode> NetworkOf(pb::NetMode network);

}  // namespace loam::ops
