#include "runtime-executor/daemon/session_export.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include <fmt/format.h>

#include "base/file_system.h"
#include "runtime-executor/session/remote/session_outputs.h"
#include "runtime-executor/solver/transfer_status.h"

namespace loam::daemon {
namespace {

constexpr std::array<std::string_view, 5> kTypes = {"image", "oci", "docker", "local", "tar"};

// The layout in which clients take an image that is no archive.
constexpr const char* kClientLayout = "client:export";

bool WritesTar(const engine::ExportRequest& request) {
  const auto tar = request.attributes.find("tar");
  static constexpr std::array<std::string_view, 6> kNo = {"0", "f", "F", "false", "FALSE", "False"};
  return tar == request.attributes.end() || std::find(kNo.begin(), kNo.end(), tar->second) == kNo.end();
}

Result<> NeedSession(const std::shared_ptr<session::Session>& session, const std::string& type) {
  if (session == nullptr) {
    return Unexpected(ErrorCode::kFailedPrecondition, fmt::format("exporter {} needs a session of the client", type));
  }
  return {};
}

Result<> Drain(const UniqueFd& fd) {
  std::array<char, 65536> rest;
  ssize_t got = 0;
  do {
    got = read(fd.get(), rest.data(), rest.size());
  } while (got > 0 || (got < 0 && errno == EINTR));
  return got < 0 ? UnexpectedErrno("read what is exported") : Result<>();
}

Result<std::map<std::string, std::string>> ExportDirectory(
    engine::Job& job, std::span<const engine::PlatformResult> results, const SessionExport& output,
    const std::shared_ptr<session::Session>& session, const std::string& scratch_root, const std::stop_token& stop) {
  LOAM_TRY(NeedSession(session, output.request.type));
  const TempDir staging = LOAM_TRY(TempDir::Create(scratch_root, "export-"));
  engine::ExportRequest request = output.request;
  request.attributes["dest"] = staging.path();
  request.attributes.erase("mode");  // the client deletes
  auto response = LOAM_TRY(job.Export(results, request, stop));
  LOAM_TRY(job.Step("copying files to the client", [&](solver::ProgressWriter& writer) -> Result<> {
    solver::TransferStatus status("copying files", "", &writer);
    LOAM_TRY(session::SendDirectory(session, output.index, staging.path(), stop, status.Callback()));
    status.Complete();
    return {};
  }));
  return response;
}

Result<std::map<std::string, std::string>> ExportArchive(engine::Job& job,
                                                         std::span<const engine::PlatformResult> results,
                                                         const SessionExport& output,
                                                         const std::shared_ptr<session::Session>& session,
                                                         const std::stop_token& stop) {
  LOAM_TRY(NeedSession(session, output.request.type));
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    return UnexpectedErrno("pipe2");
  }
  UniqueFd read_end(fds[0]);
  UniqueFd write_end(fds[1]);
  Result<> sent;
  std::thread sender;
  const auto start = [&](const std::map<std::string, std::string>& metadata) {
    sender = std::thread([&, metadata] {
      sent = session::SendFile(session, output.index, metadata, read_end, stop);
      if (!sent && sent.error().Is(ErrorCode::kAlreadyExists)) {
        // The client has the file: what is still written goes nowhere.
        sent = Drain(read_end);
      }
      // Makes a blocked export fail when the client is gone.
      read_end.Reset();
    });
  };
  engine::ExportRequest request = output.request;
  request.attributes["dest"] = "-";
  request.output_fd = write_end.get();
  if (output.request.type == "tar") {
    start({});
  } else {
    request.announce = start;
  }
  auto response = job.Export(results, request, stop);
  write_end.Reset();
  if (sender.joinable()) {
    sender.join();
  }
  // The client's reason comes first: the export then only saw a closed pipe.
  if (!sent) {
    return Unexpected(sent.error());
  }
  return response;
}

}  // namespace

Result<> CheckExporter(const engine::ExportRequest& request) {
  if (std::find(kTypes.begin(), kTypes.end(), request.type) == kTypes.end()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("exporter \"{}\" could not be found", request.type));
  }
  return {};
}

Result<std::map<std::string, std::string>> ExportToSession(engine::Job& job,
                                                           std::span<const engine::PlatformResult> results,
                                                           const SessionExport& output,
                                                           const std::shared_ptr<session::Session>& session,
                                                           const std::string& scratch_root, std::stop_token stop) {
  const std::string& type = output.request.type;
  if (type == "image") {
    return job.Export(results, output.request, std::move(stop));
  }
  if (type == "local") {
    return ExportDirectory(job, results, output, session, scratch_root, stop);
  }
  if ((type == "oci" || type == "docker") && !WritesTar(output.request)) {
    LOAM_TRY(NeedSession(session, type));
    engine::ExportRequest request = output.request;
    request.attributes["dest"] = kClientLayout;
    return job.Export(results, request, std::move(stop));
  }
  return ExportArchive(job, results, output, session, stop);
}

}  // namespace loam::daemon
