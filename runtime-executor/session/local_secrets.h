// Secrets of a client in the same process.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "runtime-executor/session/local_client_services.h"

namespace loam::session {

// buildx and BuildKit refuse larger ones.
inline constexpr std::uint64_t kMaxSecretSize = 500U << 10U;

std::shared_ptr<SecretStore> MakeLocalSecrets(std::map<std::string, SecretSource> secrets);

}  // namespace loam::session
