// containerd's content service over the layouts that a client names: what a daemon reads images and caches from, and
// writes caches to.
#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/file_system.h"
#include "proto/containerd/services/content/v1/content.grpc.pb.h"
#include "runtime-executor/session/client/call_metadata.h"
#include "runtime-executor/session/client/offered_services.h"
#include "runtime-executor/session/remote/send_content.h"
#include "runtime-executor/session/remote/server_status.h"

namespace loam::session {
namespace {

namespace wire = containerd::services::content::v1;
using WriteCall = grpc::ServerReaderWriter<wire::WriteContentResponse, wire::WriteContentRequest>;

constexpr std::string_view kLayoutPrefix = "oci:";

struct OpenedBlob {
  UniqueFd file;
  std::int64_t size = 0;
};

// A blob on its way into a layout: whole and verified before the layout gets it.
class Incoming {
 public:
  static Result<Incoming> Begin() {
    const TempDir folder = LOAM_TRY(TempDir::Create("", "loam-blob-"));
    return Incoming(LOAM_TRY(OpenFile(folder.path(), O_TMPFILE | O_RDWR, 0600)));
  }
  [[nodiscard]] std::int64_t size() const { return size_; }
  Result<> Append(std::int64_t offset, std::string_view data) {
    if (offset != size_) {
      return Unexpected(ErrorCode::kOutOfRange, fmt::format("{} bytes are here, and more come at {}", size_, offset));
    }
    hash_.Update(data);
    size_ += static_cast<std::int64_t>(data.size());
    return WriteAll(file_.get(), data, "blob");
  }
  Result<Digest> Commit(OciLayouts& layouts, std::string_view store, const wire::WriteContentRequest& request) {
    Digest digest = hash_.Finish();
    if (request.total() != 0 && request.total() != size_) {
      return Unexpected(ErrorCode::kFailedPrecondition, fmt::format("{} bytes came of {}", size_, request.total()));
    }
    if (!request.expected().empty() && request.expected() != digest.ToString()) {
      return Unexpected(ErrorCode::kFailedPrecondition,
                        fmt::format("{} came, and not {}", digest.ToString(), request.expected()));
    }
    LOAM_TRY(layouts.WriteBlob(store, digest, static_cast<std::uint64_t>(size_), file_.get()));
    return digest;
  }

 private:
  explicit Incoming(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
  Sha256 hash_;
  std::int64_t size_ = 0;
};

class Layouts final : public wire::Content::Service {
 public:
  explicit Layouts(std::shared_ptr<OciLayouts> layouts) : layouts_(std::move(layouts)) {}

  grpc::Status Info(grpc::ServerContext* context, const wire::InfoRequest* request,
                    wire::InfoResponse* response) override {
    const auto blob = Open(*context, request->digest());
    if (!blob) {
      return ToGrpcStatus(blob.error());
    }
    response->mutable_info()->set_digest(request->digest());
    response->mutable_info()->set_size(blob->size);
    return grpc::Status::OK;
  }

  grpc::Status Read(grpc::ServerContext* context, const wire::ReadContentRequest* request,
                    grpc::ServerWriter<wire::ReadContentResponse>* writer) override {
    return ToGrpcStatus(Send(*context, *request, *writer));
  }

  grpc::Status Write(grpc::ServerContext* context, WriteCall* call) override {
    return ToGrpcStatus(Take(*context, *call));
  }

 private:
  // Layouts that are contexts of builds have a prefix in the daemon's calls, directories of caches have one in their
  // names already.
  static std::string StoreOf(const grpc::ServerContext& context) {
    std::string store = MetadataValue(context, "buildkit-attachable-store-id");
    return store.starts_with(kLayoutPrefix) ? store.substr(kLayoutPrefix.size()) : store;
  }

  [[nodiscard]] Result<OpenedBlob> Open(const grpc::ServerContext& context, const std::string& digest) const {
    OpenedBlob blob;
    blob.file = LOAM_TRY(layouts_->OpenBlob(StoreOf(context), LOAM_TRY(Digest::Parse(digest))));
    struct stat info {};
    if (::fstat(blob.file.get(), &info) != 0) {
      return UnexpectedErrno("stat " + digest);
    }
    blob.size = info.st_size;
    return blob;
  }

  [[nodiscard]] Result<> Send(const grpc::ServerContext& context, const wire::ReadContentRequest& request,
                              grpc::ServerWriter<wire::ReadContentResponse>& writer) const {
    const OpenedBlob blob = LOAM_TRY(Open(context, request.digest()));
    const auto read = [&](std::span<char> buffer, std::uint64_t offset) {
      return ReadAt(blob.file.get(), buffer, offset, request.digest());
    };
    return SendContent(request, blob.size, read, writer);
  }

  [[nodiscard]] Result<> Take(const grpc::ServerContext& context, WriteCall& call) const {
    const std::string store = StoreOf(context);
    Incoming incoming = LOAM_TRY(Incoming::Begin());
    wire::WriteContentRequest request;
    wire::WriteContentResponse response;
    while (call.Read(&request)) {
      if (request.action() == wire::STAT && incoming.size() == 0 && Has(store, request)) {
        return Unexpected(ErrorCode::kAlreadyExists, request.expected() + " is there already");
      }
      if (!request.data().empty()) {
        LOAM_TRY(incoming.Append(request.offset(), request.data()));
      }
      if (request.action() == wire::COMMIT) {
        response.set_digest(LOAM_TRY(incoming.Commit(*layouts_, store, request)).ToString());
      }
      response.set_action(request.action());
      response.set_offset(incoming.size());
      response.set_total(request.total());
      if (!call.Write(response)) {
        return Unexpected(ErrorCode::kCanceled, "context canceled");
      }
      if (request.action() == wire::COMMIT) {
        return {};
      }
    }
    return {};
  }

  [[nodiscard]] bool Has(const std::string& store, const wire::WriteContentRequest& request) const {
    const Result<Digest> digest = Digest::Parse(request.expected());
    struct stat info {};
    const Result<UniqueFd> there = digest ? layouts_->OpenBlob(store, *digest) : tl::unexpected(digest.error());
    return there && ::fstat(there->get(), &info) == 0 && info.st_size == request.total();
  }

  const std::shared_ptr<OciLayouts> layouts_;
};

}  // namespace

OfferedService OfferLayouts(std::shared_ptr<OciLayouts> layouts) {
  OfferedService offered{std::make_unique<Layouts>(std::move(layouts)), {}};
  for (const char* const method : {"Info", "Read", "Write"}) {
    offered.methods.push_back(fmt::format("/containerd.services.content.v1.Content/{}", method));
  }
  return offered;
}

}  // namespace loam::session
