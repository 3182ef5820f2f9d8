#include "runtime-executor/daemon/content_service.h"

#include <set>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "proto/containerd/services/content/v1/content.grpc.pb.h"
#include "runtime-executor/daemon/wire_time.h"
#include "runtime-executor/session/remote/send_content.h"
#include "runtime-executor/session/remote/server_status.h"

namespace loam::daemon {
namespace {

namespace wire = containerd::services::content::v1;
using session::ToGrpcStatus;

constexpr int kListed = 256;

void Set(const content::BlobInfo& blob, wire::Info& info) {
  info.set_digest(blob.digest.ToString());
  info.set_size(static_cast<std::int64_t>(blob.size));
  *info.mutable_created_at() = ToWire(blob.modified);
  *info.mutable_updated_at() = ToWire(blob.modified);
}

class ContentService final : public wire::Content::Service {
 public:
  explicit ContentService(std::vector<const content::ContentStore*> stores) : stores_(std::move(stores)) {}

  grpc::Status Info(grpc::ServerContext*, const wire::InfoRequest* request, wire::InfoResponse* response) override {
    const auto digest = Parse(request->digest());
    if (!digest) {
      return ToGrpcStatus(digest.error());
    }
    const auto info = StoreOf(*digest).Info(*digest);
    if (!info) {
      return ToGrpcStatus(info.error());
    }
    Set(*info, *response->mutable_info());
    return grpc::Status::OK;
  }

  grpc::Status List(grpc::ServerContext*, const wire::ListContentRequest* request,
                    grpc::ServerWriter<wire::ListContentResponse>* writer) override {
    if (request->filters_size() != 0) {
      return {grpc::StatusCode::UNIMPLEMENTED, "filters of content are not supported"};
    }
    wire::ListContentResponse response;
    std::set<Digest> seen;
    for (const content::ContentStore* store : stores_) {
      const Result<> walked = store->Walk([&](const content::BlobInfo& blob) -> Result<> {
        if (seen.insert(blob.digest).second) {
          Set(blob, *response.add_info());
        }
        if (response.info_size() == kListed) {
          if (!writer->Write(response)) {
            return Unexpected(ErrorCode::kCanceled, "context canceled");
          }
          response.Clear();
        }
        return {};
      });
      if (!walked) {
        return ToGrpcStatus(walked.error());
      }
    }
    return response.info_size() == 0 || writer->Write(response) ? grpc::Status::OK : grpc::Status::CANCELLED;
  }

  grpc::Status Read(grpc::ServerContext*, const wire::ReadContentRequest* request,
                    grpc::ServerWriter<wire::ReadContentResponse>* writer) override {
    return ToGrpcStatus(ReadBlob(*request, *writer));
  }

  grpc::Status Update(grpc::ServerContext*, const wire::UpdateRequest*, wire::UpdateResponse*) override {
    return ReadOnly();
  }
  grpc::Status Delete(grpc::ServerContext*, const wire::DeleteContentRequest*, wkt::Empty*) override {
    return ReadOnly();
  }
  grpc::Status Write(grpc::ServerContext*,
                     grpc::ServerReaderWriter<wire::WriteContentResponse, wire::WriteContentRequest>*) override {
    return ReadOnly();
  }
  grpc::Status Abort(grpc::ServerContext*, const wire::AbortRequest*, wkt::Empty*) override { return ReadOnly(); }

 private:
  static grpc::Status ReadOnly() { return {grpc::StatusCode::FAILED_PRECONDITION, "read-only content store"}; }

  static Result<Digest> Parse(const std::string& text) {
    auto digest = Digest::Parse(text);
    if (!digest) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no digest", text));
    }
    return *digest;
  }

  [[nodiscard]] const content::ContentStore& StoreOf(const Digest& digest) const {
    for (const content::ContentStore* store : stores_) {
      if (store->Contains(digest)) {
        return *store;
      }
    }
    return *stores_.front();
  }

  [[nodiscard]] Result<> ReadBlob(const wire::ReadContentRequest& request,
                                  grpc::ServerWriter<wire::ReadContentResponse>& writer) const {
    const Digest digest = LOAM_TRY(Parse(request.digest()));
    const content::Blob blob = LOAM_TRY(StoreOf(digest).OpenBlob(digest));
    return session::SendContent(
        request, static_cast<std::int64_t>(blob.size()),
        [&blob](std::span<char> buffer, std::uint64_t offset) { return blob.ReadAt(buffer, offset); }, writer);
  }

  const std::vector<const content::ContentStore*> stores_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeContentService(std::vector<const content::ContentStore*> stores) {
  return std::make_unique<ContentService>(std::move(stores));
}

}  // namespace loam::daemon
