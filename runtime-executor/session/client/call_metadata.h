// Metadata of a call as BuildKit encodes it: see AddMetadata in session/remote/rpc.h.
#pragma once

#include <string>
#include <vector>

#include <grpcpp/server_context.h>

namespace loam::session {

// The values of a key in their order, decoded.
std::vector<std::string> MetadataOf(const grpc::ServerContext& context, const std::string& key);
// The last one; "" if there is none.
std::string MetadataValue(const grpc::ServerContext& context, const std::string& key);

}  // namespace loam::session
