#include <gmock/gmock.h>

#include <future>

#include <fmt/format.h>

#include "proto/containerd/services/content/v1/content.grpc.pb.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "tests/unit/runtime-executor/daemon/daemon_under_test.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ControlTest : public DaemonTest {
 protected:
  std::vector<control::UsageRecord> DiskUsage(const std::vector<std::string>& filters = {}) {
    grpc::ClientContext context;
    control::DiskUsageRequest request;
    request.mutable_filter()->Assign(filters.begin(), filters.end());
    control::DiskUsageResponse response;
    const grpc::Status status = stub_->DiskUsage(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {response.record().begin(), response.record().end()};
  }
  std::vector<control::UsageRecord> Prune(const control::PruneRequest& request) {
    grpc::ClientContext context;
    const auto reader = stub_->Prune(&context, request);
    auto records = ReadAllOf<control::UsageRecord>(*reader);
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return records;
  }
  std::vector<control::BuildHistoryEvent> History(control::BuildHistoryRequest request = {}) {
    request.set_earlyexit(true);
    grpc::ClientContext context;
    const auto reader = stub_->ListenBuildHistory(&context, request);
    auto events = ReadAllOf<control::BuildHistoryEvent>(*reader);
    EXPECT_TRUE(reader->Finish().ok());
    return events;
  }
  std::string Blob(const std::string& digest) {
    const auto stub = containerd::services::content::v1::Content::NewStub(
        grpc::CreateChannel("unix:" + socket(), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    containerd::services::content::v1::ReadContentRequest request;
    request.set_digest(digest);
    request.set_size(std::int64_t{1} << 40);  // what there is of it
    const auto reader = stub->Read(&context, request);
    std::string bytes;
    for (const auto& piece : ReadAllOf<containerd::services::content::v1::ReadContentResponse>(*reader)) {
      bytes += piece.data();
    }
    EXPECT_TRUE(reader->Finish().ok());
    return bytes;
  }
};

TEST_F(ControlTest, WorkersAndVersion) {
  Config config;
  config.worker.labels["com.example.rack"] = "7";
  config.worker.platforms = {ParsePlatform("linux/amd64").value(), ParsePlatform("linux/arm64").value()};
  Start(config);
  const auto list = [&](const std::string& filter) {
    grpc::ClientContext context;
    control::ListWorkersRequest request;
    request.add_filter(filter);
    control::ListWorkersResponse response;
    EXPECT_TRUE(stub_->ListWorkers(&context, request, &response).ok());
    return response;
  };
  const auto workers = list("");
  ASSERT_EQ(workers.record_size(), 1);
  EXPECT_EQ(workers.record(0).platforms_size(), 2);
  EXPECT_EQ(workers.record(0).labels().at("com.example.rack"), "7");
  EXPECT_EQ(workers.record(0).labels().at("org.mobyproject.buildkit.worker.executor"), "oci");
  EXPECT_THAT(workers.record(0).buildkitversion().version(), testing::StartsWith("v"));
  EXPECT_EQ(list("id==" + workers.record(0).id()).record_size(), 1);
  EXPECT_EQ(list("id==other").record_size(), 0);
  EXPECT_EQ(list("labels.com.example.rack==7").record_size(), 1);
  EXPECT_EQ(list("labels.\"com.example.rack\"==8").record_size(), 0);

  grpc::ClientContext context;
  control::InfoResponse info;
  ASSERT_TRUE(stub_->Info(&context, {}, &info).ok());
  EXPECT_FALSE(info.buildkitversion().dockerfileversion().empty());
}

TEST_F(ControlTest, Health) {
  Start();
  const auto stub =
      grpc::health::v1::Health::NewStub(grpc::CreateChannel("unix:" + socket(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(stub->Check(&context, {}, &response).ok());
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
}

TEST_F(ControlTest, DiskUsageAndPrune) {
  Start();
  ASSERT_TRUE(Solve("one", Files().Make("/a", std::string(100'000, 'x')).Make("/b", "y").Definition()).ok());
  const auto records = DiskUsage();
  ASSERT_THAT(records, SizeIs(2));
  const auto& base = records[0].parents().empty() ? records[0] : records[1];
  const auto& top = records[0].parents().empty() ? records[1] : records[0];
  EXPECT_GE(base.size(), 100'000);
  EXPECT_EQ(base.recordtype(), "regular");
  EXPECT_THAT(base.description(), HasSubstr("mkfile"));
  EXPECT_TRUE(base.has_lastusedat());
  EXPECT_FALSE(base.inuse());
  ASSERT_EQ(top.parents_size(), 1);
  EXPECT_EQ(top.parents(0), base.id());
  EXPECT_THAT(DiskUsage({"type==exec.cachemount"}), IsEmpty());
  EXPECT_THAT(DiskUsage({"id==" + top.id()}), SizeIs(1));

  control::PruneRequest request;
  request.set_keepduration(std::chrono::nanoseconds(std::chrono::hours(1)).count());
  EXPECT_THAT(Prune(request), IsEmpty()) << "it was just used";
  request.Clear();
  request.add_filter("id==" + base.id());
  EXPECT_THAT(Prune(request), IsEmpty()) << "the other stands on it";
  request.Clear();
  request.set_maxusedspace(50'000);
  const auto freed = Prune(request);
  ASSERT_THAT(freed, SizeIs(2));
  EXPECT_EQ(freed[0].size() + freed[1].size(), base.size() + top.size());
  EXPECT_THAT(DiskUsage(), IsEmpty());
  // And it can be built again.
  EXPECT_TRUE(Solve("two", Files().Make("/a", std::string(100'000, 'x')).Make("/b", "y").Definition()).ok());
  request.Clear();
  request.set_all(true);
  EXPECT_THAT(Prune(request), SizeIs(2));

  grpc::ClientContext context;
  control::DiskUsageRequest malformed;
  malformed.add_filter("a=b");
  control::DiskUsageResponse response;
  EXPECT_EQ(stub_->DiskUsage(&context, malformed, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ControlTest, HistoryOfABuild) {
  Start();
  control::SolveResponse response;
  const auto attributes = [](control::SolveRequest& request) {
    (*request.mutable_frontendattrs())["vcs:source"] = "repo";
    auto& exporter = *request.add_exporters();
    exporter.set_type("image");
    (*exporter.mutable_attrs())["name"] = "example.test/app:1";
  };
  ASSERT_TRUE(Solve("good", Files().Make("/a", "x").Definition(), &response, attributes).ok());
  ASSERT_FALSE(
      Solve("bad", Files().Make("relative/../../..", "x").Definition(), nullptr, [](control::SolveRequest& request) {
        request.add_exporters()->set_type("nonsense");
      }).ok());
  ASSERT_TRUE(Solve("internal", Files().Make("/a", "x").Definition(), nullptr, [](control::SolveRequest& request) {
                request.set_internal(true);
              }).ok());

  const auto events = History();
  ASSERT_THAT(events, SizeIs(2));
  const auto& good = events[0].record().ref() == "good" ? events[0].record() : events[1].record();
  const auto& bad = events[0].record().ref() == "good" ? events[1].record() : events[0].record();
  EXPECT_EQ(good.frontendattrs().at("vcs:source"), "repo");
  EXPECT_EQ(good.exporters(0).type(), "image");
  EXPECT_EQ(good.exporterresponse().at("containerimage.digest"),
            response.exporterresponse().at("containerimage.digest"));
  EXPECT_GE(good.numtotalsteps(), 1);
  EXPECT_EQ(good.numcompletedsteps(), good.numtotalsteps());
  EXPECT_TRUE(good.has_completedat());
  EXPECT_FALSE(good.has_error());
  EXPECT_EQ(good.result().results().at(0).digest(), response.exporterresponse().at("containerimage.digest"));
  EXPECT_THAT(Blob(good.result().results().at(0).digest()), HasSubstr("\"layers\""));
  // What was built is told of every build, asked or not.
  ASSERT_THAT(good.result().attestations(), SizeIs(1));
  EXPECT_EQ(good.result().attestations(0).annotations().at("in-toto.io/predicate-type"),
            "https://slsa.dev/provenance/v1");
  EXPECT_THAT(Blob(good.result().attestations(0).digest()), HasSubstr("\"mkfile\""));
  EXPECT_EQ(bad.error().code(), grpc::StatusCode::UNKNOWN);
  EXPECT_THAT(bad.error().message(), HasSubstr("nonsense"));
  EXPECT_THAT(Blob(bad.externalerror().digest()), HasSubstr("nonsense"));

  control::BuildHistoryRequest failed;
  failed.add_filter("status==error");
  EXPECT_THAT(History(failed), SizeIs(1));

  // Logs are replayed for whoever asks for the status of a build that was.
  grpc::ClientContext context;
  control::StatusRequest status;
  status.set_ref("good");
  const auto reader = stub_->Status(&context, status);
  std::string names;
  for (const auto& message : ReadAllOf<control::StatusResponse>(*reader)) {
    for (const auto& vertex : message.vertexes()) {
      names += vertex.name() + ";";
    }
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_THAT(names, HasSubstr("mkfile"));

  const auto update = [&](const std::string& ref, bool pin, bool remove) {
    grpc::ClientContext update_context;
    control::UpdateBuildHistoryRequest request;
    request.set_ref(ref);
    request.set_pinned(pin);
    request.set_delete_(remove);
    control::UpdateBuildHistoryResponse unused;
    return stub_->UpdateBuildHistory(&update_context, request, &unused).error_code();
  };
  EXPECT_EQ(update("good", true, false), grpc::StatusCode::OK);
  EXPECT_EQ(update("bad", false, true), grpc::StatusCode::OK);
  EXPECT_EQ(update("bad", false, true), grpc::StatusCode::NOT_FOUND);
  Start();  // a new daemon on the same root
  const auto kept = History();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_TRUE(kept[0].record().pinned());
}

TEST_F(ControlTest, ARefRunsOnce) {
  Start();
  std::vector<std::future<grpc::Status>> builds;
  for (int i = 0; i < 8; ++i) {
    builds.push_back(std::async(std::launch::async, [this, i] {
      return Solve("ref-" + std::to_string(i), Files().Make("/same", "x").Make("/other", "y").Definition());
    }));
  }
  for (auto& build : builds) {
    const grpc::Status status = build.get();
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_THAT(DiskUsage(), SizeIs(2)) << "equal steps ran once";
}

TEST_F(ControlTest, PruningWhileBuildsRun) {
  Start();
  std::atomic<bool> done = false;
  auto pruner = std::async(std::launch::async, [&] {
    while (!done) {
      control::PruneRequest request;
      request.set_all(true);
      Prune(request);
    }
  });
  std::vector<std::future<void>> builders;
  for (int b = 0; b < 3; ++b) {
    builders.push_back(std::async(std::launch::async, [this, b] {
      for (int i = 0; i < 8; ++i) {
        Files files;
        for (int f = 0; f < 6; ++f) {
          files.Make(fmt::format("/f{}", f), fmt::format("{}", f < 3 ? 0 : i % 4));
        }
        const grpc::Status status =
            Solve(fmt::format("{}-{}", b, i), files.Definition(), nullptr,
                  [](control::SolveRequest& request) { request.add_exporters()->set_type("image"); });
        EXPECT_TRUE(status.ok()) << status.error_message();
      }
    }));
  }
  for (auto& builder : builders) {
    builder.get();
  }
  done = true;
  pruner.get();
}

TEST_F(ControlTest, ASecondDaemonOnTheSameRootIsRefused) {
  Start();
  Config config;
  config.root = directory_.Child("root");
  config.server.addresses = {"unix://" + directory_.Child("other.sock")};
  const auto second = Daemon::Start(config, log_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr("another instance running?"));
}

TEST_F(ControlTest, ADrainingDaemonRefusesBuilds) {
  Start();
  EXPECT_TRUE(daemon_->Drain({}, {}));
  const grpc::Status status = Solve("late", Files().Make("/a", "x").Definition());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("stopping"));
}

}  // namespace
}  // namespace loam::daemon
