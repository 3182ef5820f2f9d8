// Containers that go on while further processes are started in them.
#include <poll.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "base/file_system.h"
#include "tests/unit/runtime-executor/worker/worker_fixture.h"

namespace loam::worker {
namespace {

using testing::HasSubstr;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
Pipe MakePipe() {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

int OpenFds() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

class ContainerTest : public WorkerTest {
 protected:
  std::unique_ptr<Container> Start(ExecSpec spec, const ProcessStreams& streams = {}) {
    root_ = DetachedMount(playground_.root());
    spec.root_fd = root_.get();
    auto container = worker_->Start(spec, streams, {});
    EXPECT_TRUE(container) << container.error().message();
    return container ? *std::move(container) : nullptr;
  }
  static ProcessRequest Script(const std::string& script) { return {{"/bin/sh", "-c", script}, {kPath}, "/", ""}; }
  // What a further process writes.
  static std::string ExecOut(Container& container, const std::string& script) {
    Pipe out = MakePipe();
    auto process = container.Exec(Script(script), {-1, out.write.get(), -1, false});
    EXPECT_TRUE(process) << process.error().message();
    out.write.Reset();
    std::string text = ReadAll(out.read.get(), "output").value();
    if (process) {
      const auto result = (*process)->Wait({});
      EXPECT_TRUE(result) << result.error().message();
      EXPECT_EQ(result ? result->exit_code : -1, 0);
    }
    return text;
  }
  // Reads from a terminal until `wanted` has come.
  static std::string ReadTerminal(int fd, const std::string& wanted) {
    std::string text;
    char buffer[1024];
    while (text.find(wanted) == std::string::npos) {
      pollfd waiting{fd, POLLIN, 0};
      if (poll(&waiting, 1, 10'000) <= 0) {
        ADD_FAILURE() << "no `" << wanted << "` in: " << text;
        break;
      }
      const ssize_t got = read(fd, buffer, sizeof(buffer));
      if (got <= 0) {
        ADD_FAILURE() << "ended without `" << wanted << "`: " << text;
        break;
      }
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }

  UniqueFd root_;
};

TEST_P(ContainerTest, FurtherProcessesShareFilesAndProcesses) {
  auto container = Start(Shell("echo first > /tmp/file; sleep 60"));
  ASSERT_NE(container, nullptr);
  EXPECT_EQ(ExecOut(*container, "while ! test -s /tmp/file; do :; done; cat /tmp/file"), "first\n");
  EXPECT_THAT(ExecOut(*container, "ps"), HasSubstr("sleep 60"));
  Pipe in = MakePipe();
  auto process = container->Exec(Script("cat > /tmp/piped"), {in.read.get(), -1, -1, false});
  ASSERT_TRUE(process) << process.error().message();
  in.read.Reset();
  ASSERT_EQ(write(in.write.get(), "through", 7), 7);
  in.write.Reset();
  EXPECT_EQ((*process)->Wait({}).value().exit_code, 0);
  EXPECT_EQ(ReadText(playground_.root() + "/tmp/piped"), "through");
}

TEST_P(ContainerTest, ExitCodesAndSignals) {
  auto container = Start(Shell("trap 'exit 99' HUP; while true; do sleep 0.05; done"));
  ASSERT_NE(container, nullptr);
  auto failing = container->Exec(Script("exit 7"), {});
  ASSERT_TRUE(failing) << failing.error().message();
  EXPECT_EQ((*failing)->Wait({}).value().exit_code, 7);
  auto trapping = container->Exec(Script("trap 'exit 11' INT; touch /tmp/ready; while true; do sleep 0.05; done"), {});
  ASSERT_TRUE(trapping) << trapping.error().message();
  EXPECT_EQ(ExecOut(*container, "while ! test -e /tmp/ready; do :; done; echo there"), "there\n");
  auto signalled = (*trapping)->Signal(SIGINT);
  EXPECT_TRUE(signalled) << signalled.error().message();
  EXPECT_EQ((*trapping)->Wait({}).value().exit_code, 11);
  signalled = container->Signal(SIGHUP);
  EXPECT_TRUE(signalled) << signalled.error().message();
  EXPECT_EQ(container->Wait({}).value().exit_code, 99);
  EXPECT_FALSE(container->Signal(SIGHUP));
  EXPECT_FALSE(container->Exec(Script("true"), {}));
}

TEST_P(ContainerTest, EndOfTheFirstProcessEndsAll) {
  auto container = Start(Shell("read line"), {});
  // Standard input is /dev/null: it ends at once.
  ASSERT_NE(container, nullptr);
  EXPECT_EQ(container->Wait({}).value().exit_code, 1);

  Pipe in = MakePipe();
  container = Start(Shell("read line"), {in.read.get(), -1, -1, false});
  ASSERT_NE(container, nullptr);
  in.read.Reset();
  auto sleeping = container->Exec(Script("sleep 60"), {});
  ASSERT_TRUE(sleeping) << sleeping.error().message();
  in.write.Reset();
  EXPECT_EQ(container->Wait({}).value().exit_code, 1);
  const auto killed = (*sleeping)->Wait({});
  ASSERT_TRUE(killed) << killed.error().message();
  EXPECT_EQ(killed->exit_code, 137);
}

TEST_P(ContainerTest, StopAndDestructionKill) {
  const int fds = OpenFds();
  {
    auto container = Start(Shell("sleep 61"));
    ASSERT_NE(container, nullptr);
    auto sleeping = container->Exec(Script("sleep 62"), {});
    ASSERT_TRUE(sleeping) << sleeping.error().message();
    // A stop that has been asked for before and one that comes from another thread.
    auto second = container->Exec(Script("sleep 62"), {});
    ASSERT_TRUE(second) << second.error().message();
    for (ContainerProcess* process : {sleeping->get(), second->get()}) {
      std::stop_source stop;
      std::thread stopper([&] { stop.request_stop(); });
      if (process == second->get()) {
        stopper.join();
      }
      const auto stopped = process->Wait(stop.get_token());
      if (stopper.joinable()) {
        stopper.join();
      }
      ASSERT_FALSE(stopped);
      EXPECT_TRUE(stopped.error().Is(ErrorCode::kCanceled));
    }
    EXPECT_EQ(ExecOut(*container, "ps | grep -c 'slee[p] 62' || true"), "0\n");
  }
  root_.Reset();
  EXPECT_EQ(CountProcesses(std::string("sleep") + '\0' + "61"), 0);
  EXPECT_EQ(OpenFds(), fds);
}

TEST_P(ContainerTest, TerminalsOfBothKindsOfProcesses) {
  // The runtime hands a new size on in its own time.
  const auto resized = [](const std::string& to) {
    return "while test \"$(stty size)\" != '" + to + "'; do sleep 0.02; done; stty size; ";
  };
  ExecSpec spec = Shell("stty size; read line; " + resized("40 80") + "echo \"got $line\"; exit 3");
  auto container = Start(spec, {-1, -1, -1, true});
  ASSERT_NE(container, nullptr);
  auto further = container->Exec(Script("test -t 0 && echo yes > /dev/tty; read line; " + resized("50 90") + "exit 4"),
                                 {-1, -1, -1, true});
  ASSERT_TRUE(further) << further.error().message();
  ReadTerminal((*further)->terminal(), "yes");
  ASSERT_TRUE((*further)->Resize(50, 90));
  ASSERT_TRUE(container->Resize(40, 80));
  ASSERT_EQ(write((*further)->terminal(), "x\n", 2), 2);
  ReadTerminal((*further)->terminal(), "50 90");
  EXPECT_EQ((*further)->Wait({}).value().exit_code, 4);
  ASSERT_EQ(write(container->terminal(), "hello\n", 6), 6);
  EXPECT_THAT(ReadTerminal(container->terminal(), "got hello"), HasSubstr("40 80"));
  EXPECT_EQ(container->Wait({}).value().exit_code, 3);
}

TEST_P(ContainerTest, WhatCannotStartSaysWhy) {
  ExecSpec spec = Shell("");
  spec.args = {"/no/such/program"};
  auto container = Start(spec);
  ASSERT_NE(container, nullptr);
  const auto result = container->Wait({});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("/no/such/program"));
}

INSTANTIATE_TEST_SUITE_P(Runtimes, ContainerTest, testing::Values("crun", "runc"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace loam::worker
