#include "cli/remote/step_containers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/process.h"
#include "cli/remote/gateway_solve.h"
#include "cli/remote/remote_process.h"
#include "frontend/status.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::cli {
namespace {

namespace api = frontend::api;

constexpr std::string_view kVertexDetail = "errdefs.Vertex+json";
constexpr std::string_view kSolveDetail = "errdefs.Solve+json";
constexpr const char* kContainers = "gateway.exec";

// What the scripts below end with.
constexpr int kNothingThere = 44;
constexpr int kNoTar = 45;
constexpr int kNoFile = 46;
// A shell that lacks a program.
constexpr int kNotFound = 127;

// The file or directory as an archive of one member.
constexpr const char* kArchive = R"(path=$1
if [ -L "$path" ]; then path=$(readlink -f "$path") || exit 44; fi
[ -e "$path" ] || exit 44
command -v tar >/dev/null 2>&1 || exit 45
parent=${path%/*}
exec tar -cf - -C "${parent:-/}" "./${path##*/}"
)";
constexpr const char* kContents = R"([ -f "$1" ] || exit 46
exec cat "$1"
)";
constexpr const char* kIsExecutable = R"([ -x "$1" ])";

std::vector<std::string> Shell(const char* script, std::string_view path) {
  return {"/bin/sh", "-c", script, "sh", std::string(path)};
}

Result<> Unpack(const std::string& archive, const std::string& destination, const std::stop_token& stop) {
  const TempDir unpacked = LOAM_TRY(TempDir::Create("", "loam-unpack-"));
  ProcessSpec tar;
  tar.args = {"tar", "--no-same-owner", "-xf", archive, "-C", unpacked.path()};
  const ProcessOutput done = LOAM_TRY(RunProcess(std::move(tar), {.stop = stop}));
  if (done.status.code != 0) {
    return Unexpected(ErrorCode::kInternal, fmt::format("unpack what the step left: {}", done.err));
  }
  for (const auto& entry : std::filesystem::directory_iterator(unpacked.path())) {
    std::error_code failed;
    std::filesystem::rename(entry.path(), destination, failed);
    if (failed) {
      return Unexpected(ErrorCode::kInternal, fmt::format("move {}: {}", destination, failed.message()));
    }
  }
  return {};
}

}  // namespace

std::optional<StartedStep> FindFailedStep(const Error& failure) {
  const auto* const status = failure.Detail<frontend::StatusDetail>();
  const auto* const solved = failure.Detail<frontend::SolvedDetail>();
  pb::Definition definition;
  if (status == nullptr || solved == nullptr || !definition.ParseFromString(solved->definition)) {
    return std::nullopt;
  }
  StartedStep step;
  std::string vertex;
  for (const auto& [url, value] : status->details) {
    const nlohmann::json json = nlohmann::json::parse(value, nullptr, false);
    if (!json.is_object()) {
      continue;
    }
    if (url.ends_with(kVertexDetail) && json.contains("digest") && json["digest"].is_string()) {
      vertex = json["digest"];
    } else if (url.ends_with(kSolveDetail) && json.contains("mountIDs") && json["mountIDs"].is_array()) {
      step.mounts.clear();
      for (const nlohmann::json& id : json["mountIDs"]) {
        step.mounts.push_back(id.is_string() ? id.get<std::string>() : std::string());
      }
    }
  }
  const Result<Digest> digest = Digest::Parse(vertex);
  if (step.mounts.empty() || !digest) {
    return std::nullopt;
  }
  step.vertex = *digest;
  for (const std::string& bytes : definition.def()) {
    if (Digest::Of(bytes) == *digest) {
      const bool known = step.op.ParseFromString(bytes) && step.op.has_exec() &&
                         step.mounts.size() == static_cast<std::size_t>(step.op.exec().mounts_size());
      return known ? std::optional(std::move(step)) : std::nullopt;
    }
  }
  return std::nullopt;
}

Result<StartedStep> BuildInputs(frontend::GatewayClient& client, const llb::Definition& definition) {
  pb::Definition whole;
  StartedStep step;
  if (!whole.ParseFromString(definition.bytes)) {
    return Unexpected(ErrorCode::kInternal, "a step with a terminal has no definition");
  }
  step.vertex = definition.head;
  std::map<std::string, const std::string*, std::less<>> ops;
  for (const std::string& bytes : whole.def()) {
    ops.emplace(Digest::Of(bytes).ToString(), &bytes);
  }
  const auto found = ops.find(definition.head.ToString());
  if (found == ops.end() || !step.op.ParseFromString(*found->second) || !step.op.has_exec()) {
    return Unexpected(ErrorCode::kInternal, "what is to have the terminal is no command");
  }
  std::vector<std::string> inputs;
  for (const pb::Input& input : step.op.inputs()) {
    // The same nodes, another one at the end; those that it does not need count for nothing.
    pb::Definition part = whole;
    pb::Op end;
    *end.add_inputs() = input;
    part.mutable_def()->RemoveLast();
    part.add_def(end.SerializeAsString());
    const frontend::Ref ref = LOAM_TRY(client.Solve(part.SerializeAsString()));
    LOAM_TRY(client.Evaluate(ref));
    inputs.push_back(ref.id);
  }
  for (const pb::Mount& mount : step.op.exec().mounts()) {
    const bool has_input = mount.input() >= 0 && static_cast<std::size_t>(mount.input()) < inputs.size();
    step.mounts.push_back(has_input ? inputs[static_cast<std::size_t>(mount.input())] : std::string());
  }
  return step;
}

// One on the engine; the engine drops it with the build as well.
class StepContainers::Container {
 public:
  Container(frontend::GatewayClient& client, std::string name) : id(std::move(name)), client_(client) {}
  ~Container() {
    grpc::ClientContext context;
    api::ReleaseContainerRequest request;
    request.set_containerid(id);
    api::ReleaseContainerResponse response;
    static_cast<void>(client_.bridge().ReleaseContainer(&context, request, &response));
  }
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  const std::string id;

 private:
  frontend::GatewayClient& client_;
};

Result<std::unique_ptr<StepContainers::Container>> StepContainers::Open() const {
  if (!client_.Has(kContainers)) {
    return Unexpected(ErrorCode::kUnimplemented, "the engine is too old to run something where a step ran");
  }
  const pb::ExecOp& exec = step_.op.exec();
  api::NewContainerRequest request;
  request.set_containerid(NewReference());
  request.set_network(exec.network());
  *request.mutable_platform() = step_.op.platform();
  *request.mutable_constraints() = step_.op.constraints();
  *request.mutable_extrahosts() = exec.meta().extrahosts();
  request.set_hostname(exec.meta().hostname());
  for (int i = 0; i < exec.mounts_size(); ++i) {
    pb::Mount& mount = *request.add_mounts();
    mount = exec.mounts(i);
    mount.set_input(0);
    mount.set_output(0);
    mount.set_resultid(step_.mounts[static_cast<std::size_t>(i)]);
  }
  grpc::ClientContext context;
  api::NewContainerResponse response;
  const grpc::Status status = client_.bridge().NewContainer(&context, request, &response);
  if (!status.ok()) {
    return Unexpected(frontend::FromGrpcStatus(status).Wrap("a container where a step ran"));
  }
  return std::make_unique<Container>(client_, request.containerid());
}

api::ExecMessage StepContainers::Start(const std::string& container, const std::vector<std::string>& args, bool as_root,
                                       bool tty) const {
  const pb::ExecOp& exec = step_.op.exec();
  api::ExecMessage message;
  message.set_processid("1");
  api::InitMessage& init = *message.mutable_init();
  init.set_containerid(container);
  *init.mutable_meta() = exec.meta();
  init.mutable_meta()->mutable_args()->Assign(args.begin(), args.end());
  init.set_tty(tty);
  if (tty) {
    init.add_fds(0);
  }
  init.add_fds(1);
  if (as_root) {
    init.mutable_meta()->set_user("0");
    init.mutable_meta()->set_cwd("/");
    init.add_fds(2);
  } else {
    init.set_security(exec.security());
    *init.mutable_secretenv() = exec.secretenv();
  }
  return message;
}

Result<int> StepContainers::Run(const std::vector<std::string>& args,
                                const std::function<Result<>(std::string_view)>& on_output, std::string& errors,
                                const std::stop_token& stop) const {
  const std::unique_ptr<Container> container = LOAM_TRY(Open());
  session::CallContext context(stop);
  const auto stream = client_.bridge().ExecProcess(context.get());
  std::optional<int> code;
  Result<> taken;
  if (stream->Write(Start(container->id, args, true, false))) {
    api::ExecMessage message;
    while (stream->Read(&message)) {
      if (message.has_file() && message.file().fd() == 1 && taken) {
        taken = on_output(message.file().data());
      } else if (message.has_file() && message.file().fd() == 2) {
        errors += message.file().data();
      } else if (message.has_exit()) {
        code = LOAM_TRY(ExitCodeOf(message.exit()));
      } else if (message.has_done()) {
        stream->WritesDone();
      }
    }
  }
  const grpc::Status status = stream->Finish();
  LOAM_TRY(std::move(taken));
  if (code) {
    return *code;
  }
  return Unexpected(status.ok() ? Error(ErrorCode::kInternal, "a process on the engine ended without an exit code")
                                : frontend::FromGrpcStatus(status));
}

Result<> StepContainers::Fetch(std::string_view path, const std::string& directory, const std::stop_token& stop) const {
  const std::string destination = directory + (path.starts_with('/') ? "" : "/") + std::string(path);
  LOAM_TRY(MakeDirs(std::filesystem::path(destination).parent_path()));
  const TempDir temporary = LOAM_TRY(TempDir::Create("", "loam-left-"));
  const std::string file = temporary.Child("left");
  std::string errors;
  const auto collect = [&](const char* script) -> Result<int> {
    const UniqueFd out = LOAM_TRY(OpenFile(file, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    return Run(
        Shell(script, path), [&](std::string_view bytes) { return WriteAll(out.get(), bytes, file); }, errors, stop);
  };
  int code = LOAM_TRY_CONTEXT("read what the step left by its image's shell", collect(kArchive));
  if (code == kNothingThere) {
    return {};
  }
  if (code == 0) {
    return Unpack(file, destination, stop);
  }
  if (code == kNoTar) {
    code = LOAM_TRY(collect(kContents));
    if (code == 0) {
      const auto ignore = [](std::string_view) { return Result<>(); };
      const bool executable = LOAM_TRY(Run(Shell(kIsExecutable, path), ignore, errors, stop)) == 0;
      const std::string text = LOAM_TRY(ReadFile(file));
      return WriteFileAtomic(destination, text, executable ? 0755 : 0644);
    }
    if (code == kNoFile || code == kNotFound) {
      return Unexpected(Error(ErrorCode::kFailedPrecondition,
                              fmt::format("{}: the step's image has no `{}` to read it with on a remote engine", path,
                                          code == kNoFile ? "tar" : "cat"))
                            .WithHint("install tar in the image"));
    }
  }
  return Unexpected(ErrorCode::kInternal, fmt::format("{}: exit code {}: {}", path, code, errors));
}

Result<int> StepContainers::RunOnTerminal(const std::vector<std::string>& args, ops::TerminalLender& terminal,
                                          const std::stop_token& stop) const {
  int code = 0;
  const auto body = [&](ops::TerminalPeer& peer) -> Result<> {
    const std::unique_ptr<Container> container = LOAM_TRY(Open());
    api::ExecMessage start = Start(container->id, args, false, true);
    if (!terminal.type().empty()) {
      start.mutable_init()->mutable_meta()->add_env("TERM=" + terminal.type());
    }
    RemoteProcess process(client_.bridge(), stop);
    LOAM_TRY(process.Start(start));
    peer.Attach(process);
    code = LOAM_TRY(process.Wait(stop)).exit_code;
    return {};
  };
  std::string title = "the failed step";
  const auto& ran = step_.op.exec().meta().args();
  if (!ran.empty()) {
    title = *ran.rbegin();
  }
  LOAM_TRY(terminal.Lend(title, body, stop));
  return code;
}

Result<int> StepContainers::RunStep(ops::TerminalLender& terminal, const std::stop_token& stop) const {
  const auto& args = step_.op.exec().meta().args();
  return RunOnTerminal({args.begin(), args.end()}, terminal, stop);
}

Result<int> RunInFailedStepOf(frontend::GatewayClient& client, const Error& failure,
                              const std::vector<std::string>& args, ops::TerminalLender& terminal,
                              const std::stop_token& stop) {
  const std::optional<StartedStep> step = FindFailedStep(failure);
  if (!step) {
    return Unexpected(ErrorCode::kNotFound, "no step with a process failed, or the engine keeps nothing of it");
  }
  return StepContainers(client, *step).RunOnTerminal(args, terminal, stop);
}

}  // namespace loam::cli
