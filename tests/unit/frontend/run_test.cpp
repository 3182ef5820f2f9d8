// The frontend against a daemon of our own: a bridge in this process, joined by a pair of pipes' stand-in as the
// frontend's standard input and output.
#include "frontend/run.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <mutex>

#include "frontend/stdio_channel.h"

namespace loam::frontend {
namespace {

// Every definition is solved to one filesystem, which has `files`.
class FakeBridge final : public api::LLBBridge::Service {
 public:
  std::map<std::string, std::string> files;
  std::vector<std::string> caps{"return", "proto.refarray", "frontend.inputs", "gateway.warnings", "gateway.evaluate"};
  std::vector<std::string> llb_caps{"platform",
                                    "constraints",
                                    "meta.description",
                                    "meta.ignorecache",
                                    "meta.exportcache",
                                    "source.local",
                                    "source.local.unique",
                                    "source.local.sessionid",
                                    "source.local.followpaths",
                                    "source.local.excludepatterns",
                                    "source.local.sharedkeyhint",
                                    "file.base"};

  grpc::Status Ping(grpc::ServerContext*, const api::PingRequest*, api::PongResponse* response) override {
    const auto add = [](auto& cap, const std::string& id) {
      cap.set_id(id);
      cap.set_enabled(true);
    };
    for (const std::string& cap : caps) {
      add(*response->add_frontendapicaps(), cap);
    }
    for (const std::string& cap : llb_caps) {
      add(*response->add_llbcaps(), cap);
    }
    return grpc::Status::OK;
  }
  grpc::Status Inputs(grpc::ServerContext*, const api::InputsRequest*, api::InputsResponse*) override {
    return grpc::Status::OK;
  }
  grpc::Status Solve(grpc::ServerContext*, const api::SolveRequest* request, api::SolveResponse* response) override {
    const std::lock_guard lock(mutex_);
    solved.push_back(*request);
    if (!request->frontend().empty()) {
      (*response->mutable_result()->mutable_metadata())["from"] = request->frontendopt().at("source");
    } else {
      response->mutable_result()->mutable_ref()->set_id("ref" + std::to_string(solved.size()));
    }
    return grpc::Status::OK;
  }
  grpc::Status ReadFile(grpc::ServerContext*, const api::ReadFileRequest* request,
                        api::ReadFileResponse* response) override {
    const auto found = files.find(request->filepath());
    if (found == files.end()) {
      return {grpc::StatusCode::UNKNOWN, "open " + request->filepath() + ": no such file or directory"};
    }
    response->set_data(found->second);
    return grpc::Status::OK;
  }
  grpc::Status Evaluate(grpc::ServerContext*, const api::EvaluateRequest*, api::EvaluateResponse*) override {
    return grpc::Status::OK;
  }
  grpc::Status Warn(grpc::ServerContext*, const api::WarnRequest* request, api::WarnResponse*) override {
    const std::lock_guard lock(mutex_);
    warnings.push_back(request->short_());
    return grpc::Status::OK;
  }
  grpc::Status Return(grpc::ServerContext*, const api::ReturnRequest* request, api::ReturnResponse*) override {
    returned = *request;
    return grpc::Status::OK;
  }

  std::vector<api::SolveRequest> solved;
  std::vector<std::string> warnings;
  api::ReturnRequest returned;

 private:
  std::mutex mutex_;
};

void Build(FakeBridge& bridge, Environment environment) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd stdio(pair[0]);
  ASSERT_EQ(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
  grpc::ServerBuilder builder;
  builder.RegisterService(&bridge);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  grpc::AddInsecureChannelFromFd(server.get(), pair[1]);
  {
    const auto channel = StdioChannel::Open(stdio.get(), stdio.get());
    ASSERT_TRUE(channel);
    GatewayClient client(api::LLBBridge::NewStub((*channel)->channel()), environment.options);
    const Result<> done = Run(client, environment);
    EXPECT_TRUE(done) << done.error().message();
  }
  server->Shutdown(std::chrono::system_clock::now());
}

Environment Asking(std::map<std::string, std::string> options) {
  return {.options = std::move(options), .session_id = "session", .build_platform = "linux/amd64"};
}

TEST(Run, BuildsADockerfile) {
  FakeBridge bridge;
  bridge.files["Dockerfile"] = "FROM scratch as x\nCOPY a /\n";
  Build(bridge, Asking({}));
  const auto& result = bridge.returned.result();
  ASSERT_FALSE(bridge.returned.has_error()) << bridge.returned.error().message();
  EXPECT_EQ(result.ref().id(), "ref" + std::to_string(bridge.solved.size()));
  EXPECT_THAT(result.metadata().at("refs.platforms"), testing::HasSubstr("\"ID\":\"linux/amd64\""));
  EXPECT_TRUE(result.metadata().contains("containerimage.config"));
  EXPECT_THAT(bridge.warnings, testing::ElementsAre(testing::HasSubstr("FromAsCasing")));
}

TEST(Run, SeveralPlatformsAreAMap) {
  FakeBridge bridge;
  bridge.files["Dockerfile"] = "FROM scratch\nCOPY a /\n";
  Build(bridge, Asking({{"platform", "linux/amd64,linux/arm64"}}));
  EXPECT_EQ(bridge.returned.result().refs().refs_size(), 2);
  EXPECT_TRUE(bridge.returned.result().metadata().contains("containerimage.config/linux/arm64"));
}

TEST(Run, AnOldDaemonGetsAnOldResult) {
  FakeBridge bridge;
  bridge.caps = {"return"};
  bridge.files["Dockerfile"] = "FROM scratch\nCOPY a /\nCOPY --link b /\n";
  Build(bridge, Asking({}));
  ASSERT_FALSE(bridge.returned.has_error()) << bridge.returned.error().message();
  EXPECT_FALSE(bridge.returned.result().refdeprecated().empty());
}

TEST(Run, MistakesNameTheirPlace) {
  FakeBridge bridge;
  bridge.files["Dockerfile"] = "FROM scratch\nCOPPY a /\n";
  Build(bridge, Asking({}));
  const auto& error = bridge.returned.error();
  EXPECT_EQ(error.message(), "dockerfile parse error on line 2: unknown instruction: COPPY (did you mean COPY?)");
  ASSERT_EQ(error.details_size(), 1);
  EXPECT_EQ(error.details(0).type_url(), "github.com/moby/buildkit/errdefs.Source+json");
  EXPECT_THAT(error.details(0).value(), testing::HasSubstr(R"("ranges":[{"end":{"line":2},"start":{"line":2}}])"));
}

TEST(Run, AMissingFileAndAMissingCapability) {
  FakeBridge bridge;
  Build(bridge, Asking({}));
  EXPECT_THAT(bridge.returned.error().message(), testing::HasSubstr("failed to read dockerfile"));
  FakeBridge strict;
  strict.files["Dockerfile"] = "FROM scratch\nCOPY a /\n";
  strict.llb_caps.pop_back();
  Build(strict, Asking({}));
  EXPECT_THAT(strict.returned.error().message(), testing::HasSubstr("file.base"));
}

TEST(Run, FollowsSyntax) {
  FakeBridge bridge;
  bridge.files["Dockerfile"] = "# syntax=example.com/other\nFROM scratch\n";
  Build(bridge, Asking({}));
  EXPECT_EQ(bridge.returned.result().metadata().at("from"), "example.com/other");
  // Not when it was started for that line.
  FakeBridge again;
  again.files = bridge.files;
  Build(again, Asking({{"cmdline", "example.com/other"}}));
  EXPECT_FALSE(again.returned.result().metadata().contains("from"));
}

TEST(Run, AnEarthfile) {
  FakeBridge bridge;
  bridge.files["Earthfile"] =
      "VERSION 0.8\nfiles:\n    FROM scratch\n    COPY a .\n    SAVE ARTIFACT a AS LOCAL out/\n"
      "here:\n    LOCALLY\n    RUN true\n";
  Build(bridge, Asking({{"filename", "Earthfile"}, {"target", "files"}}));
  ASSERT_FALSE(bridge.returned.has_error()) << bridge.returned.error().message();
  EXPECT_FALSE(bridge.returned.result().ref().id().empty());
  Build(bridge, Asking({{"filename", "Earthfile"}, {"target", "here"}}));
  EXPECT_THAT(bridge.returned.error().message(), testing::HasSubstr("LOCALLY"));
  Build(bridge, Asking({{"filename", "Earthfile"}, {"target", "nothing"}}));
  EXPECT_THAT(bridge.returned.error().message(), testing::HasSubstr("nothing"));
}

TEST(ReadEnvironment, TakesWhatTheDaemonTells) {
  const char* const environ[] = {"BUILDKIT_FRONTEND_OPT_0=target=a=b",
                                 "BUILDKIT_FRONTEND_OPT_1=no-cache",
                                 "BUILDKIT_SESSION_ID=s",
                                 "PATH=/bin",
                                 R"(BUILDKIT_WORKERS=[{"Platforms":[{"architecture":"arm64","os":"linux"}]}])",
                                 nullptr};
  const Environment read = ReadEnvironment(environ);
  EXPECT_THAT(read.options, testing::ElementsAre(testing::Pair("no-cache", ""), testing::Pair("target", "a=b")));
  EXPECT_EQ(read.session_id, "s");
  EXPECT_EQ(read.build_platform, "linux/arm64");
  const char* const newer[] = {R"(BUILDKIT_WORKERS=[{"id":"w","platforms":[{"architecture":"s390x","os":"linux"}]}])",
                               nullptr};
  EXPECT_EQ(ReadEnvironment(newer).build_platform, "linux/s390x");
}

}  // namespace
}  // namespace loam::frontend
