// loam-load: many clients of a build daemon at once, as an end-to-end test or a measurement wants them. Each has a
// connection of its own, starts a build of LLB made here and follows its status. Works with loamd and with buildkitd.
//
//   loam-load --addr unix:///run/loam.sock [--clients N] [--steps N] [--equal PERCENT] [--image REF] [--salt TEXT]
//   loam-load --addr unix:///run/loam.sock --frontend REF [--opt NAME=VALUE]... [--export TYPE] [--clients N]
//   loam-load --addr unix:///run/loam.sock --prune all
//
// Without an image the steps make files on scratch; with one they run a command in it. The first PERCENT of the clients
// ask for the same build, the others each for one of their own. With a frontend's image, builds are that frontend's.
// Prints one JSON object; exit 1 if a build failed. --prune takes everything from the cache, and tells what stayed.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "proto/api/services/control/control.grpc.pb.h"
#include "proto/solver/pb/ops.pb.h"

namespace {

namespace control = moby::buildkit::v1;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string address;
  int clients = 1;
  int steps = 10;
  int equal_percent = 100;
  std::string image;
  std::string salt;
  std::string frontend;
  std::map<std::string, std::string> frontend_options;
  std::string prune;
  std::string exporter;
};

class Definition {
 public:
  explicit Definition(const Options& options) : options_(options) {
    if (!options.image.empty()) {
      pb::Op source = NewOp();
      source.mutable_source()->set_identifier("docker-image://" + options.image);
      Add(source);
    }
  }
  void Step(const std::string& text) {
    if (options_.image.empty()) {
      AddFile(text);
    } else {
      AddRun(text);
    }
  }
  pb::Definition Finish() {
    pb::Op result;
    result.add_inputs()->set_digest(last_);
    definition_.add_def(result.SerializeAsString());
    return definition_;
  }

 private:
  static pb::Op NewOp() {
    pb::Op op;
    op.mutable_platform()->set_os("linux");
    op.mutable_platform()->set_architecture("amd64");
    op.mutable_constraints();
    return op;
  }
  void AddFile(const std::string& text) {
    pb::Op op = NewOp();
    if (!last_.empty()) {
      op.add_inputs()->set_digest(last_);
    }
    pb::FileAction& action = *op.mutable_file()->add_actions();
    action.set_input(last_.empty() ? -1 : 0);
    action.set_secondaryinput(-1);
    action.mutable_mkfile()->set_path("/" + text);
    action.mutable_mkfile()->set_data(text);
    action.mutable_mkfile()->set_mode(0644);
    action.mutable_mkfile()->set_timestamp(-1);
    Add(op);
  }
  void AddRun(const std::string& text) {
    pb::Op op = NewOp();
    op.add_inputs()->set_digest(last_);
    pb::Meta& meta = *op.mutable_exec()->mutable_meta();
    for (const std::string& word : {std::string("/bin/sh"), std::string("-c"), "echo " + text + " >/" + text}) {
      meta.add_args(word);
    }
    meta.set_cwd("/");
    meta.add_env("PATH=/bin:/usr/bin:/sbin:/usr/sbin");
    pb::Mount& root = *op.mutable_exec()->add_mounts();
    root.set_dest("/");
    Add(op);
  }
  void Add(const pb::Op& op) {
    const std::string bytes = op.SerializeAsString();
    definition_.add_def(bytes);
    last_ = loam::Digest::Of(bytes).ToString();
  }

  const Options& options_;
  pb::Definition definition_;
  std::string last_;
};

struct Outcome {
  double seconds = 0;
  std::string error;
  int vertices = 0;
  int cached = 0;
};

std::unique_ptr<control::Control::Stub> Connect(const Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  std::string target = options.address;
  for (const std::string scheme : {"unix://", "tcp://"}) {
    if (target.starts_with(scheme)) {
      target = (scheme == "unix://" ? "unix:" : "") + target.substr(scheme.size());
    }
  }
  return control::Control::NewStub(grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
}

Outcome RunClient(const Options& options, int number) {
  Definition definition(options);
  const bool is_equal = number * 100 < options.clients * options.equal_percent;
  for (int step = 0; step < options.steps; ++step) {
    definition.Step(fmt::format("step-{}-{}-{}", options.salt, is_equal ? "all" : std::to_string(number), step));
  }
  const auto stub = Connect(options);
  control::SolveRequest request;
  request.set_ref(fmt::format("load-{}-{}-{}", options.salt, getpid(), number));
  if (options.frontend.empty()) {
    *request.mutable_definition() = definition.Finish();
  } else {
    request.set_frontend("gateway.v0");
    request.mutable_frontendattrs()->insert(options.frontend_options.begin(), options.frontend_options.end());
    (*request.mutable_frontendattrs())["source"] = options.frontend;
  }

  if (!options.exporter.empty()) {
    request.add_exporters()->set_type(options.exporter);
  }

  Outcome outcome;
  const auto begin = Clock::now();
  std::thread status([&] {
    grpc::ClientContext context;
    control::StatusRequest wanted;
    wanted.set_ref(request.ref());
    const auto reader = stub->Status(&context, wanted);
    control::StatusResponse response;
    std::map<std::string, bool> cached;
    while (reader->Read(&response)) {
      for (const control::Vertex& vertex : response.vertexes()) {
        cached[vertex.digest()] = vertex.cached();
      }
    }
    reader->Finish();
    outcome.vertices = static_cast<int>(cached.size());
    outcome.cached =
        static_cast<int>(std::count_if(cached.begin(), cached.end(), [](const auto& each) { return each.second; }));
  });
  grpc::ClientContext context;
  control::SolveResponse response;
  const grpc::Status solved = stub->Solve(&context, request, &response);
  outcome.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (!solved.ok()) {
    outcome.error = solved.error_message();
  }
  status.join();
  return outcome;
}

// Takes all that may be taken from the cache, and tells what is left.
int Prune(const Options& options) {
  const auto stub = Connect(options);
  grpc::ClientContext prune_context;
  control::PruneRequest prune;
  prune.set_all(true);
  const auto pruned = stub->Prune(&prune_context, prune);
  control::UsageRecord record;
  int records = 0;
  while (pruned->Read(&record)) {
    ++records;
  }
  grpc::Status status = pruned->Finish();
  control::DiskUsageResponse usage;
  if (status.ok()) {
    grpc::ClientContext context;
    status = stub->DiskUsage(&context, control::DiskUsageRequest(), &usage);
  }
  nlohmann::ordered_json left = nlohmann::ordered_json::array();
  for (const control::UsageRecord& each : usage.record()) {
    left.push_back({{"description", each.description()}, {"in use", each.inuse()}});
  }
  fmt::print("{}\n",
             nlohmann::ordered_json{{"pruned", records}, {"left", left}, {"error", status.error_message()}}.dump());
  return status.ok() ? 0 : 1;
}

int Usage() {
  fmt::print(stderr,
             "usage: loam-load --addr ADDRESS [--clients N] [--steps N] [--equal PERCENT] [--image REF] "
             "[--salt TEXT] [--frontend REF] [--opt NAME=VALUE]... [--export TYPE] [--prune all]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const std::map<std::string, std::string*> texts{{"--addr", &options.address}, {"--image", &options.image},
                                                  {"--salt", &options.salt},    {"--frontend", &options.frontend},
                                                  {"--prune", &options.prune},  {"--export", &options.exporter}};
  const std::map<std::string, int*> numbers{
      {"--clients", &options.clients}, {"--steps", &options.steps}, {"--equal", &options.equal_percent}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (const auto text = texts.find(name); text != texts.end()) {
      *text->second = argv[i + 1];
    } else if (const auto number = numbers.find(name); number != numbers.end()) {
      *number->second = std::atoi(argv[i + 1]);
    } else if (const std::string pair = argv[i + 1]; name == "--opt" && pair.find('=') != std::string::npos) {
      options.frontend_options[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
    } else {
      return Usage();
    }
  }
  if (options.address.empty() || argc % 2 == 0) {
    return Usage();
  }
  if (!options.prune.empty()) {
    return Prune(options);
  }
  std::vector<Outcome> outcomes(static_cast<std::size_t>(options.clients));
  std::vector<std::thread> clients;
  const auto begin = Clock::now();
  for (int i = 0; i < options.clients; ++i) {
    clients.emplace_back([&, i] { outcomes[static_cast<std::size_t>(i)] = RunClient(options, i); });
  }
  for (std::thread& client : clients) {
    client.join();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::vector<double> latencies;
  nlohmann::ordered_json errors = nlohmann::ordered_json::array();
  int vertices = 0;
  int cached = 0;
  for (const Outcome& outcome : outcomes) {
    latencies.push_back(outcome.seconds);
    vertices += outcome.vertices;
    cached += outcome.cached;
    if (!outcome.error.empty()) {
      errors.push_back(outcome.error);
    }
  }
  std::sort(latencies.begin(), latencies.end());
  const nlohmann::ordered_json report{{"seconds", seconds},
                                      {"median", latencies[latencies.size() / 2]},
                                      {"slowest", latencies.back()},
                                      {"vertices", vertices},
                                      {"cached", cached},
                                      {"errors", errors}};
  fmt::print("{}\n", report.dump());
  return errors.empty() ? 0 : 1;
}
