#include "runtime-executor/gateway/bridge/error_status.h"

#include <unistd.h>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/go_json.h"
#include "base/strings.h"
#include "compiler/driver/frontend/dockerfile_frontend.h"
#include "llb-emit/print.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/gateway/bridge/solve_json.h"
#include "runtime-executor/ops/op_failure.h"
#include "runtime-executor/solver/op.h"

namespace loam::gateway {
namespace {

constexpr std::string_view kPrefix = "github.com/moby/buildkit/";

std::string PositionJson(const pb::Position& position) {
  return GoJsonObject()
      .Add("line", std::int64_t{position.line()})
      .Add("character", std::int64_t{position.character()})
      .Text();
}

std::string SourceJson(const ops::SourceLocationDetail& source) {
  const pb::SourceInfo& info = source.info;
  GoJsonObject info_json;
  info_json.Add("filename", info.filename()).AddBytes("data", info.data());
  if (info.has_definition()) {
    info_json.Always("definition", llb::DefinitionJson(info.definition()));
  }
  info_json.Add("language", info.language());
  std::vector<std::string> ranges;
  for (const pb::Range& range : source.ranges) {
    ranges.push_back(
        GoJsonObject().Always("start", PositionJson(range.start())).Always("end", PositionJson(range.end())).Text());
  }
  GoJsonObject json;
  json.Always("info", info_json.Text());
  if (!ranges.empty()) {
    json.Always("ranges", GoJsonArray(ranges));
  }
  return json.Text();
}

// From the outermost detail inwards, as upstream orders them.
class Writer {
 public:
  explicit Writer(google::rpc::Status& status) : status_(status) {}

  void Add(std::string_view type, const std::string& json) {
    loam::wkt::Any& detail = *status_.add_details();
    detail.set_type_url(fmt::format("{}{}+json", kPrefix, type));
    detail.set_value(json);
  }

  void AddDetail(const ErrorDetail& detail) {
    if (const auto* solve = dynamic_cast<const SolveDetail*>(&detail)) {
      Add("errdefs.Solve", SolveDetailJson(solve->solve));
    } else if (const auto* vertex = dynamic_cast<const solver::VertexErrorDetail*>(&detail)) {
      Add("errdefs.Vertex", GoJsonObject().Add("digest", vertex->digest.ToString()).Text());
    } else if (const auto* source = dynamic_cast<const ops::SourceLocationDetail*>(&detail)) {
      Add("errdefs.Source", SourceJson(*source));
    } else if (const auto* exit = dynamic_cast<const solver::ExitErrorDetail*>(&detail)) {
      Add("gatewayapi.ExitMessage", GoJsonObject().Add("Code", std::int64_t{exit->exit_code}).Text());
    } else if (const auto* frontend = dynamic_cast<const FrontendDetail*>(&detail)) {
      Add("errdefs.Frontend", GoJsonObject().Add("name", frontend->name).Add("source", frontend->source).Text());
    } else if (const auto* unsupported = dynamic_cast<const UnsupportedDetail*>(&detail)) {
      Add(unsupported->kind == UnsupportedDetail::Kind::kFrontendCap ? "errdefs.FrontendCap" : "errdefs.Subrequest",
          GoJsonObject().Add("name", unsupported->name).Text());
    } else if (const auto* refused = dynamic_cast<const driver::NotSupported*>(&detail)) {
      Add(refused->kind == driver::NotSupported::Kind::kCapability ? "errdefs.FrontendCap" : "errdefs.Subrequest",
          GoJsonObject().Add("name", refused->name).Text());
    } else if (const auto* denied = dynamic_cast<const engine::PolicyDenyDetail*>(&detail)) {
      std::vector<std::string> messages;
      for (const std::string& message : denied->messages) {
        messages.push_back(GoJsonObject().Add("message", message).Text());
      }
      GoJsonObject json;
      json.Add("action", std::int64_t{1});  // DENY
      if (!messages.empty()) {
        json.Always("denyMessages", GoJsonArray(messages));
      }
      Add("policysession.DecisionResponse", json.Text());
    } else if (const auto* foreign = dynamic_cast<const ForeignDetails*>(&detail)) {
      for (const loam::wkt::Any& any : foreign->details) {
        *status_.add_details() = any;
      }
    }
  }

 private:
  google::rpc::Status& status_;
};

// The process, and where in it the error was handed to the client, as clients print it with --debug.
std::string StackJson(const CallPlace& place) {
  std::vector<std::string> arguments;
  const std::string command = ReadFile("/proc/self/cmdline").value_or(std::string());
  for (const std::string_view argument : Split(command, '\0')) {
    if (!argument.empty()) {
      arguments.push_back(GoJsonString(argument));
    }
  }
  const std::string frame = GoJsonObject()
                                .Add("Name", std::string(place.function))
                                .Add("File", std::string(place.file))
                                .Add("Line", std::int64_t{place.line})
                                .Text();
  GoJsonObject stack;
  stack.Always("frames", GoJsonArray(std::vector<std::string>{frame}));
  if (!arguments.empty()) {
    stack.Always("cmdline", GoJsonArray(arguments));
  }
  return stack.Add("pid", std::int64_t{getpid()}).Add("version", std::string("v" LOAM_VERSION)).Text();
}

// What upstream says before the reason why the content of an input could not be hashed: tools look for these words,
// and for an error without a code.
std::string ContentKeyPrefix(const Error& error, const ops::FailedFilesystems& failed) {
  std::string prefix = "failed to compute cache key: ";
  const std::optional<snapshot::FsRef>& input = failed.inputs.front();
  if (!input || input->is_scratch()) {
    return prefix;
  }
  const auto* const solve = error.Detail<SolveDetail>();
  const std::string ref =
      solve != nullptr && solve->solve.inputids_size() > 0 ? solve->solve.inputids(0) : std::string("of-a-step");
  return prefix + fmt::format("failed to calculate checksum of ref {}: ", ref);
}

}  // namespace

google::rpc::Status ToRpcStatus(const Error& error) {
  google::rpc::Status status;
  status.set_code(static_cast<std::int32_t>(error.code()));
  std::string message = error.hint().empty() ? error.message() : error.message() + "\n" + error.hint();
  const auto* const left = error.Detail<ops::FailedFilesystemsDetail>();
  if (left != nullptr && left->filesystems.content_input && !left->filesystems.inputs.empty()) {
    message.insert(0, ContentKeyPrefix(error, left->filesystems));
    status.set_code(static_cast<std::int32_t>(ErrorCode::kUnknown));
  }
  status.set_message(std::move(message));
  Writer writer(status);
  for (const ErrorDetail* detail = error.detail().get(); detail != nullptr; detail = detail->cause()) {
    writer.AddDetail(*detail);
  }
  return status;
}

Error FromRpcStatus(const google::rpc::Status& status) {
  const int code = status.code();
  Error error(code >= 1 && code <= 16 ? static_cast<ErrorCode>(code) : ErrorCode::kUnknown, status.message());
  if (status.details().empty()) {
    return error;
  }
  return std::move(error).WithDetail(std::make_shared<const ForeignDetails>(
      std::vector<loam::wkt::Any>(status.details().begin(), status.details().end())));
}

grpc::Status ToWireStatus(const Error& error, CallPlace place) {
  google::rpc::Status status = ToRpcStatus(error);
  Writer(status).Add("stack.Stack", StackJson(place));
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), status.message(),
                      status.details().empty() ? std::string() : status.SerializeAsString());
}

}  // namespace loam::gateway
