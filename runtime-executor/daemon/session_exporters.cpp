#include "runtime-executor/daemon/session_exporters.h"

#include <grpcpp/grpcpp.h>

#include "proto/session/exporter/exporter.grpc.pb.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::daemon {
namespace {

namespace api = moby::exporter::v1;

bool IsNotOffered(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE || status.error_code() == grpc::StatusCode::UNIMPLEMENTED;
}

}  // namespace

Result<std::vector<SessionExport>> FindSessionExporters(const std::shared_ptr<session::Session>& session,
                                                        const std::map<std::string, std::string>& metadata,
                                                        const std::vector<std::string>& refs, int first_index,
                                                        std::stop_token stop) {
  std::vector<SessionExport> exports;
  if (session == nullptr) {
    return exports;
  }
  api::FindExportersRequest request;
  for (const auto& [key, value] : metadata) {
    (*request.mutable_metadata())[key] = value;
  }
  for (const std::string& ref : refs) {
    request.add_refs(ref);
  }
  session::CallContext context(std::move(stop));
  api::FindExportersResponse response;
  const auto stub = api::Exporter::NewStub(session->channel());
  const grpc::Status status = stub->FindExporters(context.get(), request, &response);
  if (IsNotOffered(status)) {
    return exports;
  }
  LOAM_TRY(session::CheckGrpcStatus(status, "exporters of the session"));
  for (const api::ExporterRequest& found : response.exporters()) {
    SessionExport& output = exports.emplace_back();
    output.index = first_index++;
    output.request.type = found.type();
    output.request.attributes = {found.attrs().begin(), found.attrs().end()};
    LOAM_TRY(CheckExporter(output.request));
  }
  return exports;
}

Result<> FinalizeSessionExport(const std::shared_ptr<session::Session>& session,
                               const std::map<std::string, std::string>& response, std::stop_token stop) {
  if (session == nullptr) {
    return {};
  }
  api::FinalizeExportRequest request;
  for (const auto& [key, value] : response) {
    (*request.mutable_exporter_response())[key] = value;
  }
  session::CallContext context(std::move(stop));
  api::FinalizeExportResponse answer;
  const auto stub = api::Exporter::NewStub(session->channel());
  const grpc::Status status = stub->FinalizeExport(context.get(), request, &answer);
  return IsNotOffered(status) ? Result<>() : session::CheckGrpcStatus(status, "finalize the export");
}

}  // namespace loam::daemon
