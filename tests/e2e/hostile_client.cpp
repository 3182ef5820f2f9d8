// loam-hostile: a client that sends a build daemon what no client should: messages over the limit, graphs that cannot
// be, more calls than anybody needs. Prints one JSON object: {"code": …, "message": …, "seconds": …}.
//
//   loam-hostile --addr unix:///run/loam.sock CASE [NUMBER]
//
// The cases are in the table at the end. Exit 0 whenever the daemon gave an answer; what it must be is the caller's.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "proto/api/services/control/control.grpc.pb.h"
#include "proto/frontend/gateway/pb/gateway.grpc.pb.h"
#include "proto/solver/pb/ops.pb.h"

namespace {

namespace control = moby::buildkit::v1;
namespace bridge = moby::buildkit::v1::frontend;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{120};

// Ops one after the other, each named by the digest of its bytes.
class Graph {
 public:
  std::string Add(const pb::Op& op) {
    const std::string bytes = op.SerializeAsString();
    definition_.add_def(bytes);
    return loam::Digest::Of(bytes).ToString();
  }
  void AddBytes(const std::string& bytes) { definition_.add_def(bytes); }
  pb::Definition& definition() { return definition_; }
  pb::Definition Finish(const std::string& result, std::int64_t index = 0) {
    pb::Op last;
    last.add_inputs()->set_digest(result);
    last.mutable_inputs(0)->set_index(index);
    definition_.add_def(last.SerializeAsString());
    return definition_;
  }

 private:
  pb::Definition definition_;
};

pb::Op MakeFile(const std::string& path, const std::vector<std::string>& inputs) {
  pb::Op op;
  for (const std::string& input : inputs) {
    op.add_inputs()->set_digest(input);
  }
  pb::FileAction& action = *op.mutable_file()->add_actions();
  action.set_input(inputs.empty() ? -1 : 0);
  action.set_secondaryinput(-1);
  action.mutable_mkfile()->set_path(path);
  action.mutable_mkfile()->set_mode(0644);
  action.mutable_mkfile()->set_timestamp(-1);
  return op;
}

pb::Op Source(const std::string& identifier) {
  pb::Op op;
  op.mutable_source()->set_identifier(identifier);
  return op;
}

pb::Op Merge(const std::vector<std::string>& inputs) {
  pb::Op op;
  for (const std::string& input : inputs) {
    op.mutable_merge()->add_inputs()->set_input(op.inputs_size());
    op.add_inputs()->set_digest(input);
  }
  return op;
}

const std::string kNobody = loam::Digest::Of("nobody").ToString();

std::string Salt() {
  return std::to_string(getpid());
}

// --- definitions -----------------------------------------------------------------------------------------------------

pb::Definition Garbage(int) {
  Graph graph;
  graph.AddBytes("\xff\xff\xff garbage");
  return graph.definition();
}
pb::Definition Dangling(int) {
  Graph graph;
  return graph.Finish(graph.Add(MakeFile("/a", {kNobody})));
}
pb::Definition NoSuchResult(int) {
  Graph graph;
  graph.Add(MakeFile("/a", {}));
  return graph.Finish(kNobody);
}
pb::Definition NotADigest(int) {
  Graph graph;
  return graph.Finish(graph.Add(MakeFile("/a", {"sha256:../../etc/passwd"})));
}
pb::Definition UnknownOp(int) {
  Graph graph;
  // A member of the oneof that nobody has defined.
  graph.AddBytes("\xaa\x06\x03xyz");
  return graph.Finish(loam::Digest::Of("\xaa\x06\x03xyz").ToString());
}
pb::Definition NoOp(int) {
  Graph graph;
  pb::Op op;
  op.mutable_platform()->set_os("linux");
  return graph.Finish(graph.Add(op));
}
pb::Definition NegativeOutput(int) {
  Graph graph;
  return graph.Finish(graph.Add(MakeFile("/a", {})), -7);
}
pb::Definition NoSuchOutput(int) {
  Graph graph;
  return graph.Finish(graph.Add(MakeFile("/a", {})), 7);
}
pb::Definition ActionsInACircle(int) {
  Graph graph;
  pb::Op op = MakeFile("/a", {});
  op.mutable_file()->mutable_actions(0)->set_input(0);  // itself
  return graph.Finish(graph.Add(op));
}
pb::Definition UnknownSource(int) {
  Graph graph;
  return graph.Finish(graph.Add(Source("gopher://127.0.0.1/x")));
}
pb::Definition NoResult(int) {
  Graph graph;
  graph.Add(MakeFile("/a", {}));
  return graph.definition();
}
pb::Definition MetadataOfNobody(int) {
  Graph graph;
  pb::Definition definition = graph.Finish(graph.Add(MakeFile("/a" + Salt(), {})));
  (*definition.mutable_metadata())[kNobody].set_ignore_cache(true);
  return definition;
}
// Its name names its inputs, which name theirs: 2^number of them.
pb::Definition NamesOfNames(int number) {
  Graph graph;
  std::string last = graph.Add(MakeFile("/a", {}));
  for (int i = 0; i < number; ++i) {
    last = graph.Add(Merge({last, last}));
  }
  return graph.Finish(last);
}
// As deep as `number`, and wrong at the bottom.
pb::Definition DeepAndWrong(int number) {
  Graph graph;
  std::string last = graph.Add(Source("gopher://127.0.0.1/" + Salt()));
  for (int i = 0; i < number; ++i) {
    last = graph.Add(MakeFile("/f" + std::to_string(i), {last}));
  }
  return graph.Finish(last);
}
// `number` ops at once, one of which is wrong.
pb::Definition WideAndWrong(int number) {
  Graph graph;
  std::vector<std::string> all;
  for (int i = 0; i < number; ++i) {
    all.push_back(graph.Add(Source(fmt::format("docker-image://127.0.0.1:1/x{}:1", i))));
  }
  return graph.Finish(graph.Add(Merge(all)));
}
// Every op on every one before it.
pb::Definition Dense(int number) {
  Graph graph;
  std::vector<std::string> all{graph.Add(MakeFile("/a" + Salt(), {}))};
  for (int i = 0; i < number; ++i) {
    all.push_back(graph.Add(Merge(all)));
  }
  return graph.Finish(all.back());
}

// --- calls -----------------------------------------------------------------------------------------------------------

class Client {
 public:
  explicit Client(const std::string& target) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
    control_ = control::Control::NewStub(channel_);
    bridge_ = bridge::LLBBridge::NewStub(channel_);
  }

  grpc::Status Solve(const pb::Definition& definition) {
    control::SolveRequest request;
    request.set_ref("hostile-" + Salt());
    *request.mutable_definition() = definition;
    return Solve(request);
  }
  grpc::Status Solve(const control::SolveRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    control::SolveResponse response;
    return control_->Solve(&context, request, &response);
  }
  // A Solve with `megabytes` of text.
  grpc::Status BigSolve(int megabytes) {
    control::SolveRequest request;
    request.set_ref("hostile-" + Salt());
    request.set_frontend("dockerfile.v0");
    (*request.mutable_frontendattrs())["build-arg:X"] = std::string(Bytes(megabytes), 'x');
    return Solve(request);
  }
  grpc::Status BigSessionMessage(int megabytes) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    context.AddMetadata("x-docker-expose-session-uuid", "hostile-" + Salt());
    const auto call = control_->Session(&context);
    control::BytesMessage message;
    message.set_data(std::string(Bytes(megabytes), 'x'));
    call->Write(message);
    while (call->Read(&message)) {
    }
    return call->Finish();
  }
  grpc::Status BigBridgeSolve(int megabytes) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    context.AddMetadata("buildkit-controlapi-buildid", "hostile-" + Salt());
    bridge::SolveRequest request;
    request.mutable_definition()->add_def(std::string(Bytes(megabytes), 'x'));
    bridge::SolveResponse response;
    return bridge_->Solve(&context, request, &response);
  }
  // That many calls that last, on one connection; then one that is answered at once.
  grpc::Status ManyCalls(int number) {
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<grpc::ClientReader<control::BuildHistoryEvent>>> calls;
    control::BuildHistoryRequest request;
    for (int i = 0; i < number; ++i) {
      contexts.push_back(std::make_unique<grpc::ClientContext>());
      calls.push_back(control_->ListenBuildHistory(contexts.back().get(), request));
    }
    const grpc::Status status = Info();
    for (int i = 0; i < number; ++i) {
      contexts[static_cast<std::size_t>(i)]->TryCancel();
      calls[static_cast<std::size_t>(i)]->Finish();
    }
    return status;
  }
  // That many calls, each with a session of the same connection that has sent half of a large message.
  grpc::Status Info() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    control::InfoResponse response;
    return control_->Info(&context, {}, &response);
  }

 private:
  static std::size_t Bytes(int megabytes) { return static_cast<std::size_t>(megabytes) << 20; }

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<control::Control::Stub> control_;
  std::unique_ptr<bridge::LLBBridge::Stub> bridge_;
};

using Definer = pb::Definition (*)(int);
const std::map<std::string, Definer> kDefinitions{{"garbage", Garbage},
                                                  {"dangling", Dangling},
                                                  {"no-such-result", NoSuchResult},
                                                  {"not-a-digest", NotADigest},
                                                  {"unknown-op", UnknownOp},
                                                  {"no-op", NoOp},
                                                  {"negative-output", NegativeOutput},
                                                  {"no-such-output", NoSuchOutput},
                                                  {"actions-in-a-circle", ActionsInACircle},
                                                  {"unknown-source", UnknownSource},
                                                  {"no-result", NoResult},
                                                  {"metadata-of-nobody", MetadataOfNobody},
                                                  {"names-of-names", NamesOfNames},
                                                  {"deep-and-wrong", DeepAndWrong},
                                                  {"wide-and-wrong", WideAndWrong},
                                                  {"dense", Dense}};

using Caller = grpc::Status (Client::*)(int);
const std::map<std::string, Caller> kCalls{{"big-solve", &Client::BigSolve},
                                           {"big-session-message", &Client::BigSessionMessage},
                                           {"big-bridge-solve", &Client::BigBridgeSolve},
                                           {"many-calls", &Client::ManyCalls}};

}  // namespace

int main(int argc, char** argv) {
  const std::string scheme = "unix://";
  if (argc < 4 || std::string(argv[1]) != "--addr" || !std::string(argv[2]).starts_with(scheme)) {
    fmt::print(stderr, "usage: loam-hostile --addr unix:///PATH CASE [NUMBER]\n");
    return 2;
  }
  const std::string name = argv[3];
  const int number = argc > 4 ? std::atoi(argv[4]) : 0;
  Client client("unix:" + std::string(argv[2]).substr(scheme.size()));
  grpc::Status status;
  const auto definer = kDefinitions.find(name);
  const pb::Definition definition = definer == kDefinitions.end() ? pb::Definition() : definer->second(number);
  const auto begin = Clock::now();
  if (definer != kDefinitions.end()) {
    status = client.Solve(definition);
  } else if (const auto caller = kCalls.find(name); caller != kCalls.end()) {
    status = (client.*caller->second)(number);
  } else {
    fmt::print(stderr, "loam-hostile: there is no case {}\n", name);
    return 2;
  }
  const nlohmann::ordered_json report{{"code", static_cast<int>(status.error_code())},
                                      {"message", status.error_message()},
                                      {"seconds", std::chrono::duration<double>(Clock::now() - begin).count()}};
  fmt::print("{}\n", report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return 0;
}
