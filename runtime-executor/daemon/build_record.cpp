#include "runtime-executor/daemon/build_record.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "proto/google/rpc/status.pb.h"
#include "runtime-executor/daemon/wire_time.h"

namespace loam::daemon {
namespace {

constexpr std::string_view kStatusType = "application/vnd.buildkit.status.v0";
// BuildKit's own spelling.
constexpr std::string_view kErrorType = "application/vnd.googeapis.google.rpc.status+proto";
constexpr const char* kPredicateType = "in-toto.io/predicate-type";
constexpr const char* kProvenance = "https://slsa.dev/provenance/v1";
constexpr const char* kDescriptor = "containerimage.descriptor";

}  // namespace

std::string EncodeStatus(BuildStatus& status) {
  std::string bytes;
  std::size_t position = 0;
  StatusResponse response;
  while (status.NextIfThere(position, response)) {
    const std::string message = response.SerializeAsString();
    for (int shift = 0; shift < 32; shift += 8) {
      bytes += static_cast<char>((message.size() >> shift) & 0xff);
    }
    bytes += message;
    response.Clear();
  }
  return bytes;
}

bool DecodeStatus(std::string_view bytes, const std::function<bool(const StatusResponse&)>& see) {
  while (!bytes.empty()) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4 && i < bytes.size(); ++i) {
      size |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    StatusResponse response;
    if (bytes.size() < 4 || bytes.size() - 4 < size || !response.ParseFromString(std::string(bytes.substr(4, size))) ||
        !see(response)) {
      return false;
    }
    bytes.remove_prefix(4 + size);
  }
  return true;
}

BuildRecording::BuildRecording(Parts parts, const Request& request)
    : parts_(std::move(parts)), started_(SystemClock().Now()), keep_(*parts_.history) {
  record_.set_ref(request.ref());
  record_.set_frontend(request.frontend());
  *record_.mutable_frontendattrs() = request.frontendattrs();
  *record_.mutable_exporters() = request.exporters();
  if (request.exporters().empty() && !request.exporterdeprecated().empty()) {
    auto& exporter = *record_.add_exporters();
    exporter.set_type(request.exporterdeprecated());
    *exporter.mutable_attrs() = request.exporterattrsdeprecated();
  }
  *record_.mutable_createdat() = ToWire(started_);
  parts_.history->Start(record_);
}

Result<> BuildRecording::Exported(int index, const std::map<std::string, std::string>& response) {
  const auto found = response.find(kDescriptor);
  if (found == response.end()) {
    return {};
  }
  const auto json = nlohmann::json::parse(Base64Decode(found->second).value_or(""), nullptr, false);
  const content::Descriptor descriptor = LOAM_TRY(content::ParseDescriptor(json));
  const std::optional<BuildHistory::KeptImage> kept = LOAM_TRY(parts_.history->AddImage(*parts_.content, descriptor));
  if (kept) {
    auto& result = *record_.mutable_result();
    if (result.results().empty()) {
      *result.mutable_resultdeprecated() = kept->root;
      result.mutable_attestations()->Assign(kept->attestations.begin(), kept->attestations.end());
    }
    (*result.mutable_results())[index] = kept->root;
  }
  return {};
}

Result<> BuildRecording::Explained(const std::map<std::string, std::string>& provenance) {
  // What an image carries about itself tells less, and of several platforms not which.
  if (!provenance.empty() && record_.has_result()) {
    auto& attestations = *record_.mutable_result()->mutable_attestations();
    attestations.erase(std::remove_if(attestations.begin(), attestations.end(),
                                      [](const BuildHistory::Descriptor& other) {
                                        const auto type = other.annotations().find(kPredicateType);
                                        return type != other.annotations().end() &&
                                               type->second.starts_with("https://slsa.dev/provenance/");
                                      }),
                       attestations.end());
  }
  for (const auto& [platform, predicate] : provenance) {
    BuildHistory::Descriptor statement = LOAM_TRY(parts_.history->AddBlob(content::media_type::kInToto, predicate));
    (*statement.mutable_annotations())[kPredicateType] = kProvenance;
    auto& result = platform.empty() ? *record_.mutable_result() : (*record_.mutable_results())[platform];
    *result.mutable_attestations()->Add() = std::move(statement);
  }
  return {};
}

Result<> BuildRecording::Finish(BuildStatus& status, const std::map<std::string, std::string>& response,
                                const grpc::Status& failure) {
  BuildHistory& history = *parts_.history;
  const WallTime completed = SystemClock().Now();
  *record_.mutable_completedat() = ToWire(completed);
  record_.mutable_exporterresponse()->insert(response.begin(), response.end());
  const BuildStatus::Counts counts = status.Count();
  record_.set_numcachedsteps(counts.cached);
  record_.set_numcompletedsteps(counts.completed);
  record_.set_numtotalsteps(counts.total);
  record_.set_numwarnings(counts.warnings);
  *record_.mutable_logs() = LOAM_TRY(history.AddBlob(kStatusType, EncodeStatus(status)));
  if (!failure.ok()) {
    google::rpc::Status whole;
    if (failure.error_details().empty() || !whole.ParseFromString(failure.error_details())) {
      whole.set_code(failure.error_code());
      whole.set_message(failure.error_message());
    }
    *record_.mutable_externalerror() = LOAM_TRY(history.AddBlob(kErrorType, whole.SerializeAsString()));
    record_.mutable_error()->set_code(whole.code());
    record_.mutable_error()->set_message(whole.message());
  }
  auto spans = TraceOf(status, {.parent = parts_.trace_parent,
                                .ref = record_.ref(),
                                .started = started_,
                                .completed = completed,
                                .error = failure.error_message()});
  *record_.mutable_trace() = LOAM_TRY(history.AddBlob(kTraceJsonType, TraceJson(spans)));
  if (parts_.traces != nullptr) {
    parts_.traces->Add(std::move(spans));
  }
  return history.Complete(record_);
}

}  // namespace loam::daemon
