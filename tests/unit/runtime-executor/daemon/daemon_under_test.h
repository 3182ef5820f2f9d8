// A daemon in this process, on a socket in a temporary directory, and clients of it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "base/file_system.h"
#include "proto/api/services/control/control.grpc.pb.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/daemon/daemon.h"

namespace loam::daemon {

// Builds a pb.Definition op by op; files on scratch, so that nothing but the engine is needed.
class Files {
 public:
  // Adds a file to the filesystem so far.
  Files& Make(const std::string& path, const std::string& data) {
    pb::Op op;
    if (!last_.empty()) {
      op.add_inputs()->set_digest(last_);
    }
    pb::FileAction& action = *op.mutable_file()->add_actions();
    action.set_input(last_.empty() ? -1 : 0);
    action.set_secondaryinput(-1);
    action.set_output(0);
    action.mutable_mkfile()->set_path(path);
    action.mutable_mkfile()->set_data(data);
    action.mutable_mkfile()->set_mode(0644);
    action.mutable_mkfile()->set_timestamp(-1);
    Add(op);
    return *this;
  }
  [[nodiscard]] pb::Definition Definition() const {
    pb::Definition definition = definition_;
    pb::Op result;
    result.add_inputs()->set_digest(last_);
    definition.add_def(result.SerializeAsString());
    return definition;
  }

 private:
  void Add(const pb::Op& op) {
    const std::string bytes = op.SerializeAsString();
    definition_.add_def(bytes);
    last_ = Digest::Of(bytes).ToString();
  }
  pb::Definition definition_;
  std::string last_;
};

class DaemonTest : public testing::Test {
 protected:
  using Control = moby::buildkit::v1::Control;

  void Start(Config config = {}) {
    stub_.reset();
    daemon_.reset();
    config.root = directory_.Child("root");
    if (config.server.addresses.empty()) {
      config.server.addresses = {"unix://" + socket()};
    }
    config.worker.gc.enabled = false;
    auto daemon = Daemon::Start(config, log_);
    ASSERT_TRUE(daemon) << daemon.error().message();
    daemon_ = std::move(*daemon);
    stub_ = Control::NewStub(grpc::CreateChannel("unix:" + socket(), grpc::InsecureChannelCredentials()));
  }
  [[nodiscard]] std::string socket() const { return directory_.Child("loamd.sock"); }

  grpc::Status Solve(const std::string& ref, const pb::Definition& definition,
                     moby::buildkit::v1::SolveResponse* response = nullptr,
                     const std::function<void(moby::buildkit::v1::SolveRequest&)>& change = nullptr) {
    moby::buildkit::v1::SolveRequest request;
    request.set_ref(ref);
    *request.mutable_definition() = definition;
    if (change) {
      change(request);
    }
    grpc::ClientContext context;
    moby::buildkit::v1::SolveResponse unused;
    return stub_->Solve(&context, request, response == nullptr ? &unused : response);
  }

  TempDir directory_ = TempDir::Create().value();
  Log log_{LogLevel::kWarning, false};
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<Control::Stub> stub_;
};

// Everything a server sends.
template <class Message, class Reader>
std::vector<Message> ReadAllOf(Reader& reader) {
  std::vector<Message> messages;
  Message message;
  while (reader.Read(&message)) {
    messages.push_back(message);
  }
  return messages;
}

}  // namespace loam::daemon
