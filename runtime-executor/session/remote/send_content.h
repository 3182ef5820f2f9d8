// The answer to Read of containerd's content service, wherever the blob lies.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"
#include "proto/containerd/services/content/v1/content.grpc.pb.h"

namespace loam::session {

// Fills `buffer` from `offset` on; fewer bytes only at the end.
using ReadBlobAt = std::function<Result<std::size_t>(std::span<char> buffer, std::uint64_t offset)>;

// Sends what `request` asks for of a blob of `size` bytes. As containerd does: what lies beyond the end is left out.
// kOutOfRange: it starts there; kDataLoss: the blob ended too early; kCanceled: the client is gone.
Result<> SendContent(const containerd::services::content::v1::ReadContentRequest& request, std::int64_t size,
                     const ReadBlobAt& read,
                     grpc::ServerWriter<containerd::services::content::v1::ReadContentResponse>& writer);

}  // namespace loam::session
