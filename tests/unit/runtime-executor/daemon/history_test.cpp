#include "runtime-executor/daemon/history.h"

#include <gmock/gmock.h>

#include <thread>

#include <fmt/format.h>

#include "base/file_system.h"
#include "runtime-executor/daemon/history_filter.h"
#include "runtime-executor/daemon/wire_time.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;
using testing::ElementsAre;
using namespace std::chrono_literals;

class HandClock final : public Clock {
 public:
  [[nodiscard]] WallTime Now() const override { return now; }
  [[nodiscard]] SteadyTime Steady() const override { return SteadyTime(now.time_since_epoch()); }
  WallTime now = SystemClock().Now();
};

class HistoryTest : public testing::Test {
 protected:
  void Open(HistorySettings settings = {}) {
    history_.reset();
    history_ = BuildHistory::Open(directory_.path(), settings, clock_).value();
  }

  BuildHistory::Record Build(const std::string& ref, const std::string& logs = "log") {
    BuildHistory::Record record;
    record.set_ref(ref);
    *record.mutable_createdat() = ToWire(clock_.now);
    history_->Start(record);
    const BuildHistory::Keep keep(*history_);
    *record.mutable_logs() = history_->AddBlob("text", logs).value();
    *record.mutable_completedat() = ToWire(clock_.now);
    EXPECT_TRUE(history_->Complete(record));
    return record;
  }

  std::vector<std::string> Refs(control::BuildHistoryRequest request = {}) {
    request.set_earlyexit(true);
    std::vector<std::string> refs;
    EXPECT_TRUE(history_->Listen(request,
                                 [&refs](const control::BuildHistoryEvent& event) {
                                   refs.push_back(event.record().ref() + (event.type() == control::STARTED ? "*" : ""));
                                   return true;
                                 },
                                 {}));
    return refs;
  }

  TempDir directory_ = TempDir::Create().value();
  HandClock clock_;
  std::unique_ptr<BuildHistory> history_;
};

TEST_F(HistoryTest, FinishedBuildsSurviveRestart) {
  Open();
  Build("one");
  BuildHistory::Record running;
  running.set_ref("two");
  history_->Start(running);
  EXPECT_THAT(Refs(), ElementsAre("two*", "one"));
  control::BuildHistoryRequest active;
  active.set_activeonly(true);
  EXPECT_THAT(Refs(active), ElementsAre("two*"));
  Open();
  EXPECT_THAT(Refs(), ElementsAre("one"));
  EXPECT_TRUE(history_->Find("one")->has_value());
  EXPECT_FALSE(history_->Find("two")->has_value());
}

TEST_F(HistoryTest, BlobsLiveAsLongAsABuildNamesThem) {
  Open();
  const auto one = Build("one", "same");
  Build("two", "same");
  const Digest digest = Digest::Parse(one.logs().digest()).value();
  ASSERT_TRUE(history_->Delete("one"));
  EXPECT_TRUE(history_->blobs().Contains(digest));
  ASSERT_TRUE(history_->Delete("two"));
  EXPECT_FALSE(history_->blobs().Contains(digest));
  EXPECT_TRUE(history_->Delete("two").error().Is(ErrorCode::kNotFound));
}

TEST_F(HistoryTest, OldOnesGoWhenTheyAreTooMany) {
  Open({.max_age = 1h, .max_entries = 2});
  for (const char* ref : {"a", "b", "c", "d"}) {
    Build(ref);
    clock_.now += 1min;
  }
  ASSERT_TRUE(history_->SetPinned("a", true));
  ASSERT_TRUE(history_->Collect());
  EXPECT_THAT(Refs(), ElementsAre("a", "b", "c", "d")) << "too many, but not old";
  clock_.now += 2h;
  ASSERT_TRUE(history_->Collect());
  EXPECT_THAT(Refs(), ElementsAre("a", "c", "d")) << "a is pinned, c and d are the newest";
}

TEST_F(HistoryTest, ListenersHearWhatHappens) {
  Open();
  std::mutex mutex;
  std::vector<std::string> heard;
  std::stop_source stop;
  std::thread listener([&] {
    EXPECT_TRUE(history_->Listen(
        {},
        [&](const control::BuildHistoryEvent& event) {
          const std::lock_guard lock(mutex);
          heard.push_back(
              fmt::format("{} {} {}", static_cast<int>(event.type()), event.record().ref(), event.record().pinned()));
          return heard.size() < 4;
        },
        stop.get_token()));
  });
  Build("first");
  // However far the listener is, it has heard of the build or will see it.
  while (true) {
    const std::lock_guard lock(mutex);
    if (!heard.empty()) {
      break;
    }
  }
  ASSERT_TRUE(history_->SetPinned("first", true));
  ASSERT_TRUE(history_->Delete("first"));
  Build("second");
  listener.join();
  EXPECT_GE(heard.size(), 4U);
  EXPECT_THAT(heard, testing::Contains("1 first true"));
}

TEST_F(HistoryTest, ManifestsAreKeptWithoutLayers) {
  Open();
  const auto store = content::ContentStore::Open(directory_.Child("content")).value();
  const Digest config = store->WriteBlob("{}").value();
  const Digest layer = store->WriteBlob("layer").value();
  const Digest statement = store->WriteBlob("{\"in\":\"toto\"}").value();
  const std::string manifest = fmt::format(
      R"({{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":2}},)"
      R"("layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{}","size":5}},)"
      R"({{"mediaType":"application/vnd.in-toto+json","digest":"{}","size":13,)"
      R"("annotations":{{"in-toto.io/predicate-type":"https://slsa.dev/provenance/v1"}}}}]}})",
      config.ToString(), layer.ToString(), statement.ToString());
  content::Descriptor root;
  root.media_type = content::media_type::kOciManifest;
  root.digest = store->WriteBlob(manifest).value();
  root.size = manifest.size();

  BuildHistory::Record record;
  record.set_ref("image");
  {
    const BuildHistory::Keep keep(*history_);
    const auto kept = history_->AddImage(*store, root).value();
    ASSERT_TRUE(kept);
    (*record.mutable_result()->mutable_results())[0] = kept->root;
    ASSERT_EQ(kept->attestations.size(), 1U);
    EXPECT_EQ(kept->attestations[0].digest(), statement.ToString());
    EXPECT_EQ(kept->attestations[0].annotations().at("in-toto.io/predicate-type"), "https://slsa.dev/provenance/v1");
    ASSERT_TRUE(history_->Complete(record));
  }
  ASSERT_TRUE(history_->Collect());
  EXPECT_TRUE(history_->blobs().Contains(root.digest));
  EXPECT_TRUE(history_->blobs().Contains(config));
  EXPECT_TRUE(history_->blobs().Contains(statement));
  EXPECT_FALSE(history_->blobs().Contains(layer));
}

control::BuildHistoryEvent Event(const std::string& ref, WallTime start, std::optional<std::chrono::minutes> duration,
                                 std::map<std::string, std::string> attributes = {}) {
  control::BuildHistoryEvent event;
  auto& record = *event.mutable_record();
  record.set_ref(ref);
  *record.mutable_createdat() = ToWire(start);
  if (duration) {
    *record.mutable_completedat() = ToWire(start + *duration);
  }
  record.mutable_frontendattrs()->insert(attributes.begin(), attributes.end());
  return event;
}

TEST(HistoryFilterTest, Fields) {
  const WallTime now = SystemClock().Now();
  const WallTime start = now - 24h;
  std::vector<control::BuildHistoryEvent> events = {
      Event("foo123", start, 1min),
      Event("bar456", start + 1h, std::nullopt, {{"context", "https://github.com/user/repo.git#abcdef"}}),
      Event("foo789", start + 2h, 10min, {{"vcs:source", "testrepo"}}),
  };
  events[0].mutable_record()->mutable_error()->set_message("boom");
  const auto select = [&](std::vector<std::string> filters, int limit = 0) {
    std::vector<std::string> refs;
    for (const auto& event : HistoryFilter::Parse(filters, limit, now)->Select(events)) {
      refs.push_back(event.record().ref());
    }
    return refs;
  };
  EXPECT_THAT(select({}), ElementsAre("foo123", "bar456", "foo789"));
  EXPECT_THAT(select({"ref==foo"}), ElementsAre());
  EXPECT_THAT(select({"ref~=foo"}, 2), ElementsAre("foo789", "foo123"));
  EXPECT_THAT(select({"ref!=x"}, 2), ElementsAre("foo789", "bar456"));
  EXPECT_THAT(select({"repository==https://github.com/user/repo.git"}), ElementsAre("bar456"));
  EXPECT_THAT(select({"repository!=testrepo,ref~=foo"}), ElementsAre("foo123"));
  EXPECT_THAT(select({"status==error"}), ElementsAre("foo123"));
  EXPECT_THAT(select({"status==running", "status==completed"}), ElementsAre("bar456", "foo789"));
  EXPECT_THAT(select({"completedAt>23h"}), ElementsAre("foo789"));
  EXPECT_THAT(select({"startedAt<23h"}, 1), ElementsAre("foo123"));
  EXPECT_THAT(select({"duration>5m"}), ElementsAre("foo789"));
  EXPECT_THAT(select({"startedAt>2020-01-02T03:04:05Z,duration<=60s,status!=running"}), ElementsAre("foo123"));
  EXPECT_FALSE(HistoryFilter::Parse({"ref+foo"}, 0, now));
  EXPECT_FALSE(HistoryFilter::Parse({"duration>soon"}, 0, now));
  EXPECT_FALSE(HistoryFilter::Parse({}, -1, now));
}

}  // namespace
}  // namespace loam::daemon
