#include "runtime-executor/session/remote/send_content.h"

#include <algorithm>

#include <fmt/format.h>

namespace loam::session {
namespace {

namespace wire = containerd::services::content::v1;

constexpr std::int64_t kPiece = std::int64_t{1} << 20;

}  // namespace

Result<> SendContent(const wire::ReadContentRequest& request, std::int64_t size, const ReadBlobAt& read,
                     grpc::ServerWriter<wire::ReadContentResponse>& writer) {
  std::int64_t offset = request.offset();
  if (offset < 0 || offset > size || request.size() < 0) {
    return Unexpected(ErrorCode::kOutOfRange,
                      fmt::format("read past object length {} bytes of {}", size, request.digest()));
  }
  std::int64_t rest = size - offset;
  rest = request.size() == 0 ? rest : std::min(rest, request.size());
  wire::ReadContentResponse response;
  while (rest > 0) {
    std::string& data = *response.mutable_data();
    data.resize(static_cast<std::size_t>(std::min(rest, kPiece)));
    const std::size_t got = LOAM_TRY(read(data, static_cast<std::uint64_t>(offset)));
    if (got == 0) {
      return Unexpected(ErrorCode::kDataLoss, fmt::format("{} is shorter than it was", request.digest()));
    }
    data.resize(got);
    response.set_offset(offset);
    if (!writer.Write(response)) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    offset += static_cast<std::int64_t>(got);
    rest -= static_cast<std::int64_t>(got);
  }
  return {};
}

}  // namespace loam::session
