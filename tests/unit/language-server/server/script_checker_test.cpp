#include "language-server/server/script_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace loam::lsp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kNothing = R"({"comments":[]})";

// ShellCheck as a test wants it: each script waits until it is let go, or is stopped.
class FakeShellCheck {
 public:
  Result<std::string> Run(std::string_view input, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    started_.emplace_back(input);
    changed_.notify_all();
    const bool free = changed_.wait(lock, stop, [this] { return open_; });
    if (!free) {
      stopped_.emplace_back(input);
      changed_.notify_all();
      return Unexpected(ErrorCode::kCanceled, "stopped");
    }
    if (input == "broken") {
      return Unexpected(ErrorCode::kNotFound, "no such program");
    }
    return "report on " + std::string(input);
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void WaitForStarted(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return started_.size() >= count; });
  }
  void WaitForStopped(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_.size() >= count; });
  }
  std::vector<std::string> started() {
    const std::lock_guard lock(mutex_);
    return started_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool open_ = false;
  std::vector<std::string> started_;
  std::vector<std::string> stopped_;
};

class ScriptCheckerTest : public ::testing::Test {
 protected:
  // What is shown of these scripts.
  std::vector<std::string> Look(const std::vector<std::string>& scripts, const std::string& uri = "file:///a") {
    const ScriptLook look(&checker_, uri);
    std::vector<std::string> shown;
    for (const std::string& script : scripts) {
      const auto report = look.run()({"shellcheck"}, script);
      shown.push_back(report ? *report : report.error().message());
    }
    return shown;
  }
  void WaitForNews() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return news_ > 0; });
    news_ = 0;
  }

  FakeShellCheck program_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int news_ = 0;
  ScriptChecker checker_{[this](const std::vector<std::string>& /*args*/, std::string_view input,
                                const std::stop_token& stop) { return program_.Run(input, stop); },
                         [this](const std::string& /*uri*/) {
                           const std::lock_guard lock(mutex_);
                           ++news_;
                           changed_.notify_all();
                         },
                         std::chrono::milliseconds(1), std::chrono::hours(1)};
};

TEST_F(ScriptCheckerTest, AnswersAtOnceAndHasTheReportsLater) {
  EXPECT_THAT(Look({"one", "two"}), ElementsAre(kNothing, kNothing));
  program_.Open();
  WaitForNews();
  EXPECT_THAT(Look({"one", "two"}), ElementsAre("report on one", "report on two"));
  EXPECT_THAT(program_.started(), ElementsAre("one", "two"));
}

TEST_F(ScriptCheckerTest, AScriptThatChangedKeepsItsReportUntilTheNextOne) {
  program_.Open();
  Look({"one", "two"});
  WaitForNews();
  EXPECT_THAT(Look({"one", "two!"}), ElementsAre("report on one", "report on two"));
  WaitForNews();
  EXPECT_THAT(Look({"one", "two!"}), ElementsAre("report on one", "report on two!"));
  EXPECT_THAT(program_.started(), ElementsAre("one", "two", "two!"));
}

TEST_F(ScriptCheckerTest, AScriptThatIsGoneIsStopped) {
  Look({"o"});
  program_.WaitForStarted(1);
  Look({"on"});
  program_.WaitForStopped(1);
  program_.Open();
  WaitForNews();
  EXPECT_THAT(Look({"on"}), ElementsAre("report on on"));
}

TEST_F(ScriptCheckerTest, AScriptThatStaysIsNotStartedAgain) {
  Look({"one"});
  program_.WaitForStarted(1);
  EXPECT_THAT(Look({"one"}), ElementsAre(kNothing));
  program_.Open();
  WaitForNews();
  EXPECT_THAT(Look({"one"}), ElementsAre("report on one"));
  EXPECT_THAT(program_.started(), ElementsAre("one"));
}

TEST_F(ScriptCheckerTest, ADocumentThatIsClosedIsForgotten) {
  Look({"one"});
  program_.WaitForStarted(1);
  checker_.Forget("file:///a");
  program_.WaitForStopped(1);
  program_.Open();
  Look({"other"}, "file:///b");
  WaitForNews();
  EXPECT_THAT(program_.started(), ElementsAre("one", "other"));
}

TEST_F(ScriptCheckerTest, FailuresAreToldAndForgotten) {
  program_.Open();
  Look({"broken"});
  WaitForNews();
  EXPECT_THAT(Look({"broken"}), ElementsAre("no such program"));
  checker_.ForgetFailures();
  EXPECT_THAT(Look({"broken"}), ElementsAre(kNothing));
  WaitForNews();
}

}  // namespace
}  // namespace loam::lsp
