// What a Solve of the daemon does beside building: versions, platforms, devices, frontends in process, exporters that
// the client's session names.
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <thread>

#include "base/platform.h"
#include "proto/frontend/gateway/pb/gateway.grpc.pb.h"
#include "runtime-executor/session/client/session_client.h"
#include "runtime-executor/session/local_client_services.h"
#include "tests/unit/runtime-executor/daemon/daemon_under_test.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;
using testing::ElementsAre;
using testing::HasSubstr;

class SolveTest : public DaemonTest {
 protected:
  std::shared_ptr<grpc::Channel> Channel() {
    return grpc::CreateChannel("unix:" + socket(), grpc::InsecureChannelCredentials());
  }
  std::vector<std::string> Warnings(const std::string& ref) {
    grpc::ClientContext context;
    control::StatusRequest request;
    request.set_ref(ref);
    const auto reader = stub_->Status(&context, request);
    std::vector<std::string> warnings;
    for (const auto& response : ReadAllOf<control::StatusResponse>(*reader)) {
      for (const control::VertexWarning& warning : response.warnings()) {
        warnings.push_back(warning.short_());
      }
    }
    EXPECT_TRUE(reader->Finish().ok());
    return warnings;
  }
};

TEST_F(SolveTest, VersionsOfBehaviourMayBePinned) {
  Start();
  const pb::Definition files = Files().Make("/a", "x").Definition();
  const auto solve = [&](int version, const std::string& type, const std::string& compression) {
    return Solve(std::to_string(version) + type + compression, files, nullptr, [&](control::SolveRequest& request) {
      request.set_compatibilityversion(version);
      control::Exporter& exporter = *request.add_exporters();
      exporter.set_type(type);
      (*exporter.mutable_attrs())["compression"] = compression;
    });
  };
  EXPECT_TRUE(solve(10, "image", "gzip").ok());
  EXPECT_TRUE(solve(30, "image", "zstd").ok());
  const grpc::Status old = solve(10, "image", "zstd");
  EXPECT_EQ(old.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(old.error_message(),
              HasSubstr("unsupported compatibility-version 10 feature image exporter compression=zstd"));
  EXPECT_THAT(solve(11, "image", "gzip").error_message(),
              HasSubstr("unsupported compatibility-version 11 (supported: [10 20 30])"));
  EXPECT_THAT(solve(40, "image", "gzip").error_message(), HasSubstr("upgrade buildkit"));
}

TEST_F(SolveTest, WarnsOfPlatformsThatAreNotThere) {
  Start();
  const pb::Definition files = Files().Make("/a", "x").Definition();
  ASSERT_TRUE(Solve("both", files, nullptr, [](control::SolveRequest& request) {
                (*request.mutable_frontendattrs())["platform"] = "linux/amd64,linux/arm64";
              }).ok());
  EXPECT_THAT(Warnings("both"), ElementsAre("Multiple platforms requested but result is not multi-platform"));
  ASSERT_TRUE(Solve("none", files).ok());
  EXPECT_THAT(Warnings("none"), ElementsAre());
}

TEST_F(SolveTest, DevicesOfTheHostAreListed) {
  ASSERT_TRUE(MakeDirs(directory_.Child("cdi")));
  ASSERT_TRUE(WriteFileAtomic(directory_.Child("cdi/v.json"),
                              R"({"cdiVersion": "0.6.0", "kind": "v.example/d", "devices": [{"name": "a"}]})"));
  Config config;
  config.cdi_spec_dirs = {directory_.Child("cdi")};
  config.cdi_auto_allowed = {"v.example/d"};
  Start(config);
  const auto devices = [&] {
    grpc::ClientContext context;
    control::ListWorkersResponse response;
    EXPECT_TRUE(stub_->ListWorkers(&context, {}, &response).ok());
    const auto& listed = response.record(0).cdidevices();
    return std::vector<control::types::CDIDevice>(listed.begin(), listed.end());
  };
  ASSERT_THAT(devices(), testing::SizeIs(1));
  EXPECT_EQ(devices()[0].name(), "v.example/d=a");
  EXPECT_TRUE(devices()[0].autoallow());
  config.cdi_disabled = true;
  Start(config);
  EXPECT_THAT(devices(), testing::IsEmpty());
  const grpc::Status refused =
      Solve("device", Files().Make("/a", "x").Definition(), nullptr,
            [](control::SolveRequest& request) { request.add_entitlements("device=v.example/d"); });
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNKNOWN) << "clients print codes";
  EXPECT_THAT(refused.error_message(), HasSubstr("not allowed"));
}

// Clients take the provenance of the build from there, and with it what it was made from.
TEST_F(SolveTest, TheHistoryOfSeveralPlatformsHasOneProvenanceOfEach) {
  Start();
  const std::string context = directory_.Child("context");
  ASSERT_TRUE(MakeDirs(context));
  ASSERT_TRUE(WriteFileAtomic(context + "/Dockerfile", "FROM scratch\nCOPY Dockerfile /\n"));
  session::SessionClientOptions options;
  options.services = session::MakeLocalClientServices({.local_dirs = {{"context", context}, {"dockerfile", context}}});
  const auto client = session::SessionClient::Open(Channel(), std::move(options));
  ASSERT_TRUE(client) << client.error().message();
  control::SolveRequest request;
  request.set_ref("several");
  request.set_session((*client)->id());
  request.set_frontend("dockerfile.v0");
  (*request.mutable_frontendattrs())["platform"] = "linux/amd64,linux/arm64";
  (*request.mutable_frontendattrs())["attest:provenance"] = "mode=max";
  control::Exporter& exporter = *request.add_exporters();
  exporter.set_type("image");
  (*exporter.mutable_attrs())["name"] = "several:1";
  grpc::ClientContext context_of_call;
  control::SolveResponse response;
  const grpc::Status built = stub_->Solve(&context_of_call, request, &response);
  ASSERT_TRUE(built.ok()) << built.error_message();

  control::BuildHistoryRequest asked;
  asked.set_earlyexit(true);
  grpc::ClientContext listening;
  const auto reader = stub_->ListenBuildHistory(&listening, asked);
  control::BuildHistoryEvent event;
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_THAT(event.record().result().attestations(), testing::IsEmpty());
  ASSERT_EQ(event.record().results().size(), 2U);
  for (const auto& [platform, result] : event.record().results()) {
    ASSERT_EQ(result.attestations().size(), 1) << platform;
    EXPECT_EQ(result.attestations(0).annotations().at("in-toto.io/predicate-type"), "https://slsa.dev/provenance/v1");
  }
}

// What is fetched of the client is told, in the steps that BuildKit has for it.
TEST_F(SolveTest, TransfersOfTheClientsFilesAreShown) {
  Start();
  const std::string project = directory_.Child("project");
  ASSERT_TRUE(MakeDirs(project));
  ASSERT_TRUE(WriteFileAtomic(project + "/Dockerfile", "FROM scratch\nCOPY in.txt /\n"));
  ASSERT_TRUE(WriteFileAtomic(project + "/in.txt", "text"));
  ASSERT_TRUE(WriteFileAtomic(project + "/.dockerignore", "*.md\n"));
  session::SessionClientOptions options;
  options.services = session::MakeLocalClientServices({.local_dirs = {{"context", project}, {"dockerfile", project}}});
  options.outputs = {{session::SessionOutput::Kind::kDirectory, directory_.Child("out"), 0}};
  const auto client = session::SessionClient::Open(Channel(), std::move(options));
  ASSERT_TRUE(client) << client.error().message();
  const grpc::Status solved = Solve("shown", {}, nullptr, [&](control::SolveRequest& request) {
    request.clear_definition();
    request.set_session((*client)->id());
    request.set_frontend("dockerfile.v0");
    request.add_exporters()->set_type("local");
  });
  ASSERT_TRUE(solved.ok()) << solved.error_message();
  grpc::ClientContext context;
  control::StatusRequest request;
  request.set_ref("shown");
  const auto reader = stub_->Status(&context, request);
  std::map<std::string, std::string> names;
  std::set<std::string> shown;
  for (const auto& response : ReadAllOf<control::StatusResponse>(*reader)) {
    for (const control::Vertex& vertex : response.vertexes()) {
      names[vertex.digest()] = vertex.name();
    }
    for (const control::VertexStatus& status : response.statuses()) {
      if (status.current() > 0 && status.has_completed()) {
        shown.insert(names[status.vertex()] + ": " + status.id());
      }
    }
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_THAT(shown,
              testing::IsSupersetOf({"[internal] load build definition from Dockerfile: transferring dockerfile:",
                                     "[internal] load .dockerignore: transferring context:",
                                     "[internal] load build context: transferring context:",
                                     "copying files to the client: copying files"}));
}

// A client's own build function asks for an Earthfile's target, as any frontend may ask for another one.
TEST_F(SolveTest, AFrontendMayAskForAnEarthfile) {
  namespace bridge_api = moby::buildkit::v1::frontend;
  Start();
  const std::string project = directory_.Child("project");
  ASSERT_TRUE(MakeDirs(project));
  ASSERT_TRUE(WriteFileAtomic(project + "/in.txt", "of the client"));
  ASSERT_TRUE(WriteFileAtomic(project + "/Earthfile",
                              "VERSION 0.8\nfiles:\n    FROM scratch\n    ARG name=none\n    COPY in.txt $name.txt\n"
                              "    SAVE IMAGE\nbroken:\n    FROM +nothing\n"));
  session::SessionClientOptions options;
  options.services = session::MakeLocalClientServices({.local_dirs = {{"context", project}, {"dockerfile", project}}});
  const auto client = session::SessionClient::Open(Channel(), std::move(options));
  ASSERT_TRUE(client) << client.error().message();
  const auto bridge = bridge_api::LLBBridge::NewStub(Channel());
  grpc::Status whole;
  std::thread build([&] {
    control::SolveRequest request;
    request.set_ref("outer");
    request.set_session((*client)->id());
    grpc::ClientContext context;
    control::SolveResponse response;
    whole = stub_->Solve(&context, request, &response);
  });
  const auto call = [](grpc::ClientContext& context) -> grpc::ClientContext* {
    context.AddMetadata("buildkit-controlapi-buildid", "outer");
    return &context;
  };
  const auto solve = [&](const std::string& target, bridge_api::SolveResponse& response,
                         bool context_is_input = false) {
    grpc::ClientContext context;
    bridge_api::SolveRequest request;
    request.set_frontend("earthfile.v0");
    request.set_allowresultreturn(true);
    request.set_allowresultarrayref(true);
    (*request.mutable_frontendopt())["target"] = target;
    (*request.mutable_frontendopt())["build-arg:name"] = "nested";
    if (context_is_input) {
      (*request.mutable_frontendinputs())["context"] = Files().Make("/in.txt", "of the input").Definition();
    }
    return bridge->Solve(call(context), request, &response);
  };
  bridge_api::SolveResponse response;
  const grpc::Status solved = solve("files", response);
  EXPECT_TRUE(solved.ok()) << solved.error_message();
  grpc::ClientContext reading;
  bridge_api::ReadFileRequest read;
  read.set_ref(response.result().ref().id());
  read.set_filepath("/nested.txt");
  bridge_api::ReadFileResponse text;
  const grpc::Status was_read = bridge->ReadFile(call(reading), read, &text);
  EXPECT_TRUE(was_read.ok()) << was_read.error_message();
  EXPECT_EQ(text.data(), "of the client");
  // A mistake is the answer to that call, and no end of the build.
  bridge_api::SolveResponse none;
  EXPECT_THAT(solve("broken", none).error_message(), HasSubstr("nothing"));
  EXPECT_THAT(solve("files", none, true).error_message(), HasSubstr("needs a directory of the client as its context"));
  grpc::ClientContext returning;
  bridge_api::ReturnRequest returned;
  *returned.mutable_result() = response.result();
  bridge_api::ReturnResponse done;
  EXPECT_TRUE(bridge->Return(call(returning), returned, &done).ok());
  build.join();
  EXPECT_TRUE(whole.ok()) << whole.error_message();
}

TEST_F(SolveTest, EarthfilesAreBuiltInProcess) {
  Start();
  const std::string project = directory_.Child("project");
  ASSERT_TRUE(MakeDirs(project));
  ASSERT_TRUE(WriteFileAtomic(project + "/in.txt", "from the client"));
  ASSERT_TRUE(WriteFileAtomic(project + "/Earthfile",
                              "VERSION 0.8\nfiles:\n    FROM scratch\n    ARG name=none\n"
                              "    COPY in.txt $name.txt\n    SAVE ARTIFACT $name.txt AS LOCAL "
                              "out/$name.txt\n"));
  session::SessionClientOptions options;
  options.services = session::MakeLocalClientServices({.local_dirs = {{"context", project}, {"dockerfile", project}}});
  options.outputs = {{session::SessionOutput::Kind::kDirectory, directory_.Child("out"), 1}};
  const auto client = session::SessionClient::Open(Channel(), std::move(options));
  ASSERT_TRUE(client) << client.error().message();
  const auto solve = [&](const std::string& ref, const std::string& target) {
    control::SolveRequest request;
    request.set_ref(ref);
    request.set_session((*client)->id());
    request.set_frontend("earthfile.v0");
    (*request.mutable_frontendattrs())["target"] = target;
    (*request.mutable_frontendattrs())["build-arg:name"] = "given";
    request.add_exporters()->set_type("local");
    grpc::ClientContext context;
    control::SolveResponse response;
    return stub_->Solve(&context, request, &response);
  };
  const grpc::Status good = solve("good", "files");
  ASSERT_TRUE(good.ok()) << good.error_message();
  EXPECT_EQ(ReadFile(directory_.Child("out/out/given.txt")).value_or("?"), "from the client");
  const grpc::Status missing = solve("missing", "nothing");
  EXPECT_EQ(missing.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_THAT(missing.error_message(), HasSubstr("nothing"));
}

}  // namespace
}  // namespace loam::daemon
