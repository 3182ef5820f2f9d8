// rogue-frontend: a frontend image's program that does what a frontend should not. The option `mode` says what. What
// the daemon answers becomes the error that the frontend returns; "ALLOWED" where the daemon did as it was asked.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/digest.h"
#include "frontend/environment.h"
#include "frontend/stdio_channel.h"
#include "proto/frontend/gateway/pb/gateway.grpc.pb.h"
#include "proto/google/rpc/status.pb.h"
#include "proto/solver/pb/ops.pb.h"

namespace {

namespace api = moby::buildkit::v1::frontend;

class Rogue {
 public:
  Rogue(api::LLBBridge::Stub& bridge, std::map<std::string, std::string> options)
      : bridge_(bridge), options_(std::move(options)) {}

  std::string option(const std::string& name) const {
    const auto found = options_.find(name);
    return found == options_.end() ? std::string() : found->second;
  }

  // --- calls: a status, and what came with it ------------------------------------------------------------------------

  template <class Request, class Response>
  using Method = grpc::Status (api::LLBBridge::Stub::*)(grpc::ClientContext*, const Request&, Response*);
  template <class Request, class Response>
  grpc::Status Call(Method<Request, Response> method, const Request& request, Response& response) {
    grpc::ClientContext context;
    return (bridge_.*method)(&context, request, &response);
  }
  grpc::Status Solve(const pb::Definition& definition, bool evaluate, std::string* ref = nullptr) {
    api::SolveRequest request;
    *request.mutable_definition() = definition;
    request.set_evaluate(evaluate);
    request.set_allowresultreturn(true);
    request.set_allowresultarrayref(true);
    api::SolveResponse response;
    grpc::Status status = Call(&api::LLBBridge::Stub::Solve, request, response);
    if (ref != nullptr) {
      *ref = response.result().ref().id();
    }
    return status;
  }
  grpc::Status Read(const std::string& ref, const std::string& path, std::string* text = nullptr) {
    api::ReadFileRequest request;
    request.set_ref(ref);
    request.set_filepath(path);
    api::ReadFileResponse response;
    grpc::Status status = Call(&api::LLBBridge::Stub::ReadFile, request, response);
    if (text != nullptr) {
      *text = response.data();
    }
    return status;
  }
  grpc::Status Return(const api::ReturnRequest& request) {
    api::ReturnResponse response;
    return Call(&api::LLBBridge::Stub::Return, request, response);
  }
  grpc::Status ReturnRef(const std::string& ref, const std::map<std::string, std::string>& metadata = {}) {
    api::ReturnRequest request;
    request.mutable_result()->mutable_ref()->set_id(ref);
    request.mutable_result()->mutable_metadata()->insert(metadata.begin(), metadata.end());
    return Return(request);
  }
  // Ends the build with what a call was answered.
  int Report(const grpc::Status& status) {
    api::ReturnRequest request;
    request.mutable_error()->set_code(status.ok() ? 2 : status.error_code());
    request.mutable_error()->set_message(status.ok() ? "ALLOWED" : status.error_message());
    return Return(request).ok() ? 0 : 1;
  }
  int Report(const std::string& text) { return Report(grpc::Status(grpc::StatusCode::UNKNOWN, text)); }

  // --- definitions ---------------------------------------------------------------------------------------------------

  static std::string Add(const pb::Op& op, pb::Definition& definition) {
    const std::string bytes = op.SerializeAsString();
    definition.add_def(bytes);
    return loam::Digest::Of(bytes).ToString();
  }
  static pb::Definition Finish(const std::string& last, pb::Definition definition) {
    pb::Op result;
    result.add_inputs()->set_digest(last);
    definition.add_def(result.SerializeAsString());
    return definition;
  }
  std::string AddImage(pb::Definition& definition) const {
    pb::Op op;
    op.mutable_source()->set_identifier("docker-image://" + option("image"));
    op.mutable_platform()->set_os("linux");
    op.mutable_platform()->set_architecture("amd64");
    return Add(op, definition);
  }
  pb::Definition Image() const {
    pb::Definition definition;
    const std::string image = AddImage(definition);
    return Finish(image, std::move(definition));
  }
  pb::Definition Run(const std::string& command, const std::function<void(pb::ExecOp&)>& change = {}) const {
    pb::Definition definition;
    pb::Op op;
    op.add_inputs()->set_digest(AddImage(definition));
    pb::ExecOp& exec = *op.mutable_exec();
    for (const std::string& word : {std::string("/bin/sh"), std::string("-c"), command}) {
      exec.mutable_meta()->add_args(word);
    }
    exec.mutable_meta()->set_cwd("/");
    exec.mutable_meta()->add_env("PATH=/bin");
    exec.add_mounts()->set_dest("/");
    if (change) {
      change(exec);
    }
    const std::string last = Add(op, definition);
    return Finish(last, std::move(definition));
  }

  // --- containers ----------------------------------------------------------------------------------------------------

  grpc::Status NewContainer(const std::string& id, const std::string& ref, pb::NetMode network = pb::UNSET) {
    api::NewContainerRequest request;
    request.set_containerid(id);
    request.set_network(network);
    pb::Mount& root = *request.add_mounts();
    root.set_dest("/");
    root.set_resultid(ref);
    api::NewContainerResponse response;
    return Call(&api::LLBBridge::Stub::NewContainer, request, response);
  }
  static api::ExecMessage Init(const std::string& container, const std::string& command) {
    api::ExecMessage message;
    message.set_processid("p");
    message.mutable_init()->set_containerid(container);
    for (const std::string& word : {std::string("/bin/sh"), std::string("-c"), command}) {
      message.mutable_init()->mutable_meta()->add_args(word);
    }
    message.mutable_init()->mutable_meta()->set_cwd("/");
    message.mutable_init()->add_fds(1);
    return message;
  }
  // Sends these messages, and ends with the stream's status, or the error of the process.
  grpc::Status Exec(const std::vector<api::ExecMessage>& messages) {
    grpc::ClientContext context;
    const auto stream = bridge_.ExecProcess(&context);
    for (const api::ExecMessage& message : messages) {
      stream->Write(message);
    }
    api::ExecMessage answer;
    google::rpc::Status error;
    while (stream->Read(&answer) && !answer.has_done()) {
      if (answer.has_exit()) {
        error = answer.exit().error();
      }
    }
    if (error.code() != 0) {
      context.TryCancel();
      stream->Finish();
      return {static_cast<grpc::StatusCode>(error.code()), error.message()};
    }
    stream->WritesDone();
    return stream->Finish();
  }
  // A process that goes on while nobody listens.
  grpc::Status StartForever(const std::string& container) {
    auto& context = contexts_.emplace_back(std::make_unique<grpc::ClientContext>());
    auto& stream = streams_.emplace_back(bridge_.ExecProcess(context.get()));
    stream->Write(Init(container, "sleep 100000"));
    api::ExecMessage answer;
    if (!stream->Read(&answer) || !answer.has_started()) {
      return {grpc::StatusCode::UNKNOWN, "the process did not start"};
    }
    return grpc::Status::OK;
  }

  api::LLBBridge::Stub& bridge() { return bridge_; }

 private:
  api::LLBBridge::Stub& bridge_;
  const std::map<std::string, std::string> options_;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts_;
  std::vector<std::unique_ptr<grpc::ClientReaderWriter<api::ExecMessage, api::ExecMessage>>> streams_;
};

[[noreturn]] void Forever() {
  while (true) {
    pause();
  }
}

// --- without the protocol
// ------------------------------------------------------------------------------------------------

// Writes the bytes again and again, until the other side has had enough.
int Flood(std::string_view start, std::string_view again) {
  std::string bytes(start);
  std::string block;
  while (block.size() < 32768) {
    block += again;
  }
  while (true) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t written = write(STDOUT_FILENO, bytes.data() + done, bytes.size() - done);
      if (written <= 0) {
        return 1;
      }
      done += static_cast<std::size_t>(written);
    }
    bytes = block;
  }
}

std::string Frame(char type, char flags, char stream, std::string_view payload) {
  std::string frame{static_cast<char>(payload.size() >> 16),
                    static_cast<char>(payload.size() >> 8),
                    static_cast<char>(payload.size()),
                    type,
                    flags,
                    0,
                    0,
                    0,
                    stream};
  return frame + std::string(payload);
}

const std::map<std::string, std::function<int()>> kWithoutProtocol{
    {"silent", [] { return 0; }},
    {"fails",
     [] {
       fmt::print(stderr, "no idea what to do\n");
       return 3;
     }},
    {"crashes", []() -> int { std::abort(); }},
    {"never", []() -> int { Forever(); }},
    {"closes",
     []() -> int {
       close(STDIN_FILENO);
       close(STDOUT_FILENO);
       Forever();
     }},
    {"garbage", [] { return Flood("", "this is no protocol\n"); }},
    {"frames",
     [] {
       return Flood("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(4, 0, 0, ""),
                    Frame(6, 0, 0, "12345678"));  // pings, whose answers nobody reads
     }},
    {"settings", [] { return Flood("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(4, 0, 0, ""), Frame(4, 0, 0, "")); }},
    {"headers",
     [] {
       // A list of headers that never ends: fields of 16 bytes, by literal names, without indexing.
       const std::string field(
           "\x00\x01"
           "a\x0c"
           "bbbbbbbbbbbb",
           16);
       std::string fields;
       for (int i = 0; i < 1000; ++i) {
         fields += field;
       }
       return Flood("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(4, 0, 0, "") + Frame(1, 0, 1, field),
                    Frame(9, 0, 1, fields));
     }},
};

// --- through the bridge
// ------------------------------------------------------------------------------------------------

int EveryMalformed(Rogue& rogue) {
  const auto with = [](const std::function<void(pb::Definition&)>& make) {
    pb::Definition definition;
    make(definition);
    return definition;
  };
  pb::Op missing;
  missing.add_inputs()->set_digest("sha256:" + std::string(64, '0'));
  missing.mutable_file()->add_actions()->mutable_rm()->set_path("/x");
  pb::Op no_digest = missing;
  no_digest.mutable_inputs(0)->set_digest("sha256:zz");
  pb::Op no_such_action_input = missing;
  no_such_action_input.clear_inputs();
  no_such_action_input.mutable_file()->mutable_actions(0)->set_input(7);
  pb::Op empty;
  const std::map<std::string, pb::Definition> cases{
      {"bytes that are no op", with([](auto& d) { d.add_def("\xff\xff\xff garbage"); })},
      {"an input that is not there", with([&](auto& d) { d = Rogue::Finish(Rogue::Add(missing, d), d); })},
      {"an input that is no digest", with([&](auto& d) { d = Rogue::Finish(Rogue::Add(no_digest, d), d); })},
      {"an index out of range", with([&](auto& d) { d = Rogue::Finish(Rogue::Add(no_such_action_input, d), d); })},
      {"an op of no kind", with([&](auto& d) { d = Rogue::Finish(Rogue::Add(empty, d), d); })},
      {"a result of nothing that is there",
       with([&](auto& d) { d = Rogue::Finish("sha256:" + std::string(64, '1'), d); })},
  };
  std::string said;
  for (const auto& [what, definition] : cases) {
    const grpc::Status status = rogue.Solve(definition, true);
    if (status.ok()) {
      return rogue.Report("ALLOWED: " + what);
    }
    said += fmt::format("{}: {}; ", what, status.error_message());
  }
  return rogue.Report("refused all of them: " + said);
}

// Every operation on a result of an image that has no parent.
int Deep(Rogue& rogue) {
  pb::Definition definition;
  pb::Op op;
  op.mutable_source()->set_identifier("docker-image://127.0.0.1:1/not/there:1");
  std::string last = Rogue::Add(op, definition);
  for (int depth = 0; depth < 8000; ++depth) {
    pb::Op next;
    next.add_inputs()->set_digest(last);
    pb::FileAction& action = *next.mutable_file()->add_actions();
    action.set_secondaryinput(-1);
    action.mutable_mkdir()->set_path(fmt::format("/d{}", depth));
    last = Rogue::Add(next, definition);
  }
  return rogue.Report(rogue.Solve(Rogue::Finish(last, std::move(definition)), true));
}

int Files(Rogue& rogue) {
  std::string ref;
  const grpc::Status made = rogue.Solve(
      rogue.Run(
          "ln -s ../../../../../../etc/hostname /out; mkfifo /pipe; truncate -s 100G /big; echo inside >/etc/hostname"),
      true, &ref);
  if (!made.ok()) {
    return rogue.Report(made);
  }
  std::string by_link;
  std::string by_path;
  std::string said;
  for (const auto& [path, text] : {std::pair{"/out", &by_link}, std::pair{"../../../etc/hostname", &by_path}}) {
    if (const grpc::Status read = rogue.Read(ref, path, text); !read.ok()) {
      return rogue.Report(read);
    }
  }
  for (const char* path : {"/pipe", "/big", "/bin"}) {
    const grpc::Status read = rogue.Read(ref, path);
    said += fmt::format("{}; ", read.ok() ? "ALLOWED" : read.error_message());
  }
  return rogue.Report(fmt::format("read: {}{}refused: {}", by_link, by_path, said));
}

int OthersRefs(Rogue& rogue) {
  for (int number = 0; number < 500; ++number) {
    const grpc::Status read = rogue.Read(fmt::format("ref{}", number), "/etc/passwd");
    if (read.error_code() != grpc::StatusCode::NOT_FOUND) {
      return rogue.Report(fmt::format("ALLOWED: ref{}", number));
    }
  }
  return rogue.Report("none of 500 references of others");
}

int ThreeContainers(Rogue& rogue, bool returns) {
  std::string ref;
  if (const grpc::Status status = rogue.Solve(rogue.Image(), true, &ref); !status.ok()) {
    return rogue.Report(status);
  }
  for (const char* id : {"a", "b", "c"}) {
    for (const grpc::Status& status : {rogue.NewContainer(id, ref), rogue.StartForever(id)}) {
      if (!status.ok()) {
        return rogue.Report(status);
      }
    }
  }
  if (!returns) {
    Forever();
  }
  const grpc::Status returned = rogue.ReturnRef(ref);
  std::fflush(nullptr);
  _exit(returned.ok() ? 0 : 1);  // no stream is closed, no container released
}

int ContainerWith(Rogue& rogue, pb::NetMode network, pb::SecurityMode security) {
  std::string ref;
  grpc::Status status = rogue.Solve(rogue.Image(), true, &ref);
  if (status.ok()) {
    status = rogue.NewContainer("mine", ref, network);
  }
  if (status.ok()) {
    api::ExecMessage init = Rogue::Init("mine", "true");
    init.mutable_init()->set_security(security);
    status = rogue.Exec({init});
  }
  return rogue.Report(status);
}

int BadMessages(Rogue& rogue) {
  std::string said;
  const auto tell = [&said](const grpc::Status& status) {
    said += fmt::format("{}; ", status.ok() ? "ALLOWED" : status.error_message());
  };
  api::ExecMessage nobody;
  nobody.mutable_file()->set_data("x");
  tell(rogue.Exec({nobody}));
  nobody.set_processid("q");
  tell(rogue.Exec({nobody}));
  tell(rogue.Exec({Rogue::Init("no such", "true")}));
  tell(rogue.NewContainer("c", "ref0"));
  api::WarnRequest warning;
  warning.set_digest("not a digest");
  api::WarnResponse warned;
  tell(rogue.Call(&api::LLBBridge::Stub::Warn, warning, warned));
  api::ReleaseContainerRequest release;
  release.set_containerid("never made");
  api::ReleaseContainerResponse released;
  tell(rogue.Call(&api::LLBBridge::Stub::ReleaseContainer, release, released));
  return rogue.Report(said);
}

int BadAttestation(Rogue& rogue) {
  api::ReturnRequest request;
  request.mutable_result()->mutable_ref();
  api::Attestation& attestation = *(*request.mutable_result()->mutable_attestations())["linux/amd64"].add_attestation();
  attestation.mutable_ref()->set_id("ref0");
  attestation.set_path("/../../etc/shadow");
  return rogue.Return(request).ok() ? 0 : 1;
}

// Asks for itself, as long as it is let.
int Nested(Rogue& rogue) {
  api::SolveRequest request;
  request.set_frontend("gateway.v0");
  for (const char* name : {"source", "mode"}) {
    (*request.mutable_frontendopt())[name] = rogue.option(name);
  }
  api::SolveResponse response;
  return rogue.Report(rogue.Call(&api::LLBBridge::Stub::Solve, request, response));
}

// No misdeed: a Dockerfile of the frontend's own, by another frontend, whose steps run when they are asked for.
int AnotherFrontend(Rogue& rogue) {
  pb::Definition files;
  pb::Op op;
  pb::FileAction& action = *op.mutable_file()->add_actions();
  action.set_input(-1);
  action.set_secondaryinput(-1);
  action.mutable_mkfile()->set_path("/Dockerfile");
  action.mutable_mkfile()->set_mode(0644);
  action.mutable_mkfile()->set_timestamp(-1);
  action.mutable_mkfile()->set_data(fmt::format(
      "FROM {} AS good\nCOPY Dockerfile /copied\nRUN echo made >/made\nFROM good AS bad\nRUN echo why; exit 7\n",
      rogue.option("image")));
  const std::string last = Rogue::Add(op, files);
  files = Rogue::Finish(last, std::move(files));
  std::string said;
  for (const char* target : {"bad", "good"}) {
    for (const bool evaluate : {true, false}) {
      api::SolveRequest request;
      request.set_frontend("dockerfile.v0");
      (*request.mutable_frontendopt())["target"] = target;
      (*request.mutable_frontendinputs())["context"] = files;
      (*request.mutable_frontendinputs())["dockerfile"] = files;
      request.set_allowresultreturn(true);
      request.set_allowresultarrayref(true);
      request.set_evaluate(evaluate);
      api::SolveResponse response;
      const grpc::Status solved = rogue.Call(&api::LLBBridge::Stub::Solve, request, response);
      said += fmt::format("{}{}: {}; ", target, evaluate ? " at once" : "", solved.ok() ? "ok" : "failed");
      if (solved.ok()) {
        std::string text;
        const grpc::Status read = rogue.Read(response.result().ref().id(), "/made", &text);
        const bool config = response.result().metadata().contains("containerimage.config");
        said += fmt::format("its file: {}, {}; ", read.ok() ? text.substr(0, 4) : read.error_message(),
                            config ? "with config" : "without config");
      }
    }
  }
  return rogue.Report(said);
}

int Huge(Rogue& rogue) {
  pb::Definition definition;
  definition.add_def(std::string(std::size_t{100} << 20, 'x'));
  return rogue.Report(rogue.Solve(definition, false));
}

// A thousand calls at once that never end by themselves.
int Crowd(Rogue& rogue) {
  const pb::Definition forever = rogue.Run("sleep 100000");
  grpc::CompletionQueue queue;
  struct Pending {
    grpc::ClientContext context;
    api::SolveResponse response;
    grpc::Status status;
  };
  std::vector<std::unique_ptr<Pending>> pending;
  std::vector<std::unique_ptr<grpc::ClientAsyncResponseReader<api::SolveResponse>>> readers;
  api::SolveRequest request;
  *request.mutable_definition() = forever;
  request.set_evaluate(true);
  for (int i = 0; i < 1000; ++i) {
    auto& call = *pending.emplace_back(std::make_unique<Pending>());
    readers.push_back(rogue.bridge().AsyncSolve(&call.context, request, &queue));
    readers.back()->Finish(&call.response, &call.status, &call);
  }
  Forever();
}

const std::map<std::string, std::function<int(Rogue&)>> kThroughTheBridge{
    {"hold",
     [](Rogue& rogue) {
       if (!rogue.Solve(rogue.Image(), true).ok()) {
         return 1;
       }
       Forever();
     }},
    {"no such ref", [](Rogue& rogue) { return rogue.Report(rogue.ReturnRef("ref999999999")); }},
    {"platforms that are none",
     [](Rogue& rogue) {
       return rogue.ReturnRef("", {{"refs.platforms", "{\"Platforms\": 7"}}).ok() ? 0 : 1;
     }},
    {"config that is none",
     [](Rogue& rogue) {
       return rogue.ReturnRef("", {{"containerimage.config", "\xff\xfe[[["}}).ok() ? 0 : 1;
     }},
    {"config that is deep",
     [](Rogue& rogue) {
       constexpr std::size_t kDepth = 1'000'000;
       const std::string config = "{\"os\":" + std::string(kDepth, '[') + std::string(kDepth, ']') + "}";
       return rogue.ReturnRef("", {{"containerimage.config", config}}).ok() ? 0 : 1;
     }},
    {"attestation of nothing", BadAttestation},
    {"others' refs", OthersRefs},
    {"malformed", EveryMalformed},
    {"deep", Deep},
    {"huge", Huge},
    {"files", Files},
    {"insecure step",
     [](Rogue& rogue) {
       return rogue.Report(rogue.Solve(rogue.Run("true", [](pb::ExecOp& op) { op.set_security(pb::INSECURE); }), true));
     }},
    {"host network step",
     [](Rogue& rogue) {
       return rogue.Report(rogue.Solve(rogue.Run("true", [](pb::ExecOp& op) { op.set_network(pb::HOST); }), true));
     }},
    {"insecure process", [](Rogue& rogue) { return ContainerWith(rogue, pb::UNSET, pb::INSECURE); }},
    {"host network container", [](Rogue& rogue) { return ContainerWith(rogue, pb::HOST, pb::SANDBOX); }},
    {"device step",
     [](Rogue& rogue) {
       return rogue.Report(rogue.Solve(
           rogue.Run("true", [](pb::ExecOp& op) { op.add_cdidevices()->set_name("vendor.example/device=all"); }),
           true));
     }},
    {"client's files",
     [](Rogue& rogue) {
       pb::Definition definition;
       pb::Op op;
       op.mutable_source()->set_identifier("local://context");
       const std::string last = Rogue::Add(op, definition);
       return rogue.Report(rogue.Solve(Rogue::Finish(last, std::move(definition)), true));
     }},
    {"messages", BadMessages},
    {"containers left", [](Rogue& rogue) { return ThreeContainers(rogue, true); }},
    {"containers held", [](Rogue& rogue) { return ThreeContainers(rogue, false); }},
    {"nested", Nested},
    {"another frontend", AnotherFrontend},
    {"crowd", Crowd},
    {"stays after its result",
     [](Rogue& rogue) {
       if (!rogue.ReturnRef("").ok()) {
         return 1;
       }
       Forever();
     }},
};

}  // namespace

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  const loam::frontend::Environment environment = loam::frontend::ReadEnvironment(environ);
  const std::string mode = environment.options.at("mode");
  if (const auto found = kWithoutProtocol.find(mode); found != kWithoutProtocol.end()) {
    return found->second();
  }
  const auto channel = loam::frontend::StdioChannel::Open(STDIN_FILENO, STDOUT_FILENO);
  const auto found = kThroughTheBridge.find(mode);
  if (!channel || found == kThroughTheBridge.end()) {
    fmt::print(stderr, "rogue-frontend: no mode `{}`\n", mode);
    return 2;
  }
  const auto stub = api::LLBBridge::NewStub((*channel)->channel());
  Rogue rogue(*stub, environment.options);
  const int code = found->second(rogue);
  std::fflush(nullptr);
  _exit(code);  // what it holds is the daemon's to let go
}
