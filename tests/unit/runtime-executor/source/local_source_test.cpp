#include "runtime-executor/source/local/local_source.h"

#include <gtest/gtest.h>

#include "base/file_system.h"
#include "runtime-executor/session/local_client_services.h"
#include "runtime-executor/solver/progress.h"

namespace loam::source {
namespace {

// A client that transfers 300 bytes, and what it was asked.
class FakeDirs final : public session::LocalDirs {
 public:
  explicit FakeDirs(std::string path) : path_(std::move(path)) {}
  Result<session::LocalDir> Open(const session::LocalDirRequest& request, std::stop_token) override {
    asked = request;
    for (const std::uint64_t bytes : {100U, 200U, 300U}) {
      request.progress(bytes);
    }
    session::LocalDir dir;
    dir.path = path_;
    dir.filtered = true;
    return dir;
  }
  session::LocalDirRequest asked;

 private:
  const std::string path_;
};

class Statuses final : public solver::ProgressWriter {
 public:
  void Status(solver::StatusEvent event) override { events.push_back(std::move(event)); }
  void Log(solver::LogStream, std::string_view) override {}
  void Warning(solver::WarningEvent) override {}
  std::vector<solver::StatusEvent> events;
};

TEST(LocalSourceTest, TellsHowMuchWasTransferredFromWhichSession) {
  const TempDir directory = TempDir::Create().value();
  const auto dirs = std::make_shared<FakeDirs>(directory.path());
  const auto base = session::MakeLocalClientServices({});
  SourceContext context;
  context.client = session::MakeClientServices({.secrets = base->secrets(),
                                                .ssh = base->ssh(),
                                                .local_dirs = dirs,
                                                .oci_layouts = base->oci_layouts(),
                                                .registry_auth = base->registry_auth()});
  Statuses statuses;
  context.progress = &statuses;
  const auto source = MakeLocalSource();
  const auto instance = source->Open({"local://foo", {{"local.session", "other"}}, {}}, "foo");
  ASSERT_TRUE(instance) << instance.error().message();
  ASSERT_TRUE((*instance)->Fetch(context));
  EXPECT_EQ(dirs->asked.session_id, "other");
  ASSERT_FALSE(statuses.events.empty());
  const solver::StatusEvent& last = statuses.events.back();
  EXPECT_EQ(last.id, "transferring foo:");
  EXPECT_EQ(last.action, "transferring");
  EXPECT_EQ(last.current, 300);
  EXPECT_TRUE(last.completed.has_value());
  EXPECT_LT(statuses.events.size(), 4U) << "not every packet is told";
}

}  // namespace
}  // namespace loam::source
