#include "base/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <thread>

#include <fmt/format.h>

#include "base/descriptor_limit.h"
#include "base/file_system.h"

namespace loam {
namespace {

using std::chrono::milliseconds;

Result<ProcessOutput> Shell(const std::string& script, RunOptions options = {}) {
  ProcessSpec spec;
  spec.args = {"sh", "-c", script};
  return RunProcess(std::move(spec), options);
}

TEST(Process, CapturesBothStreamsAndTheExitCode) {
  auto result = Shell("echo out; echo err >&2; exit 7");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->status.code, 7);
  EXPECT_EQ(result->status.signal, 0);
  EXPECT_FALSE(result->status.ok());
}

TEST(Process, TellsTheSignal) {
  auto result = Shell("kill -TERM $$");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status.signal, SIGTERM);
  EXPECT_EQ(result->status.code, 128 + SIGTERM);
}

TEST(Process, FeedsMoreInputThanAPipeHolds) {
  const std::string input(1 << 20, 'x');
  RunOptions options;
  options.input = input;
  auto result = Shell("wc -c", options);
  ASSERT_TRUE(result);
  EXPECT_EQ(std::atoi(result->out.c_str()), 1 << 20);
}

TEST(Process, InputThatIsNotReadIsNoError) {
  const std::string input(1 << 20, 'x');
  RunOptions options;
  options.input = input;
  auto result = Shell("exit 0", options);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_TRUE(result->status.ok());
}

TEST(Process, StandardInputIsNullByDefault) {
  auto result = Shell("cat; readlink /proc/self/fd/0");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "/dev/null\n");
}

TEST(Process, EnvironmentIsReplacedWhenGiven) {
  ProcessSpec spec;
  spec.args = {"/usr/bin/env"};
  spec.env = std::vector<std::string>{"A=1", "B=two words"};
  auto result = RunProcess(std::move(spec));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "A=1\nB=two words\n");
}

TEST(Process, RunsInTheGivenDirectory) {
  ProcessSpec spec;
  spec.args = {"pwd"};
  spec.cwd = "/usr";
  auto result = RunProcess(std::move(spec));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "/usr\n");
}

TEST(Process, ProgramsHaveTheDescriptorLimitFromBeforeItWasRaised) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 200;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  RaiseDescriptorLimit();
  RaiseDescriptorLimit();
  rlimit raised{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &raised), 0);
  EXPECT_EQ(raised.rlim_cur, limit.rlim_max);
  EXPECT_EQ(raised.rlim_max, limit.rlim_max);
  auto result = Shell("ulimit -Sn; ulimit -Hn");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, fmt::format("200\n{}\n", limit.rlim_max == RLIM_INFINITY ? std::string("unlimited")
                                                                                  : std::to_string(limit.rlim_max)));
}

TEST(Process, MissingProgramAndDirectoryAreErrorsOfSpawn) {
  ProcessSpec spec;
  spec.args = {"no-such-program-anywhere"};
  auto missing = Process::Spawn(spec);
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().Is(ErrorCode::kNotFound));
  EXPECT_THAT(missing.error().message(), testing::HasSubstr("no-such-program-anywhere"));
  spec.args = {"true"};
  spec.cwd = "/no/such/dir";
  auto no_dir = Process::Spawn(spec);
  ASSERT_FALSE(no_dir);
  EXPECT_EQ(no_dir.error().sys_errno(), ENOENT);
  EXPECT_THAT(no_dir.error().message(), testing::HasSubstr("/no/such/dir"));
}

TEST(Process, FileThatIsNoProgramIsAnErrorOfSpawn) {
  char path[] = "/tmp/loam-process-XXXXXX";
  const UniqueFd file(mkstemp(path));
  fchmod(file.get(), 0755);
  ASSERT_EQ(write(file.get(),
                  "\x7f"
                  "garbage",
                  8),
            8);
  ProcessSpec spec;
  spec.args = {path};
  auto result = Process::Spawn(spec);
  unlink(path);
  ASSERT_FALSE(result);
}

TEST(Process, PassesOnlyTheNamedDescriptors) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);  // without O_CLOEXEC, on purpose
  ProcessSpec spec;
  spec.args = {"sh", "-c", "ls /proc/self/fd | tr '\\n' ' '; echo hello >&7"};
  spec.fds = {{7, ends[1]}};
  auto result = RunProcess(std::move(spec));
  close(ends[1]);
  char buffer[16] = {};
  const auto got = read(ends[0], buffer, sizeof(buffer));
  close(ends[0]);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "0 1 2 3 7 ");  // 3 is the directory that ls reads
  EXPECT_EQ(std::string_view(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))), "hello\n");
}

TEST(Process, SwappedDescriptorsDoNotOverwriteEachOther) {
  int first[2];
  int second[2];
  ASSERT_EQ(pipe2(first, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(second, O_CLOEXEC), 0);
  ProcessSpec spec;
  spec.args = {"sh", "-c", fmt::format("echo a >&{}; echo b >&{}", first[1], second[1])};
  if (first[1] > 9 || second[1] > 9) {
    GTEST_SKIP() << "descriptors above 9 cannot be named by dash";
  }
  spec.fds = {{first[1], second[1]}, {second[1], first[1]}};
  auto result = RunProcess(std::move(spec));
  char a = 0;
  char b = 0;
  ASSERT_EQ(read(second[0], &a, 1), 1);
  ASSERT_EQ(read(first[0], &b, 1), 1);
  EXPECT_EQ(a, 'a');
  EXPECT_EQ(b, 'b');
  for (int fd : {first[0], first[1], second[0], second[1]}) {
    close(fd);
  }
}

TEST(Process, TimeLimitKillsTheWholeGroup) {
  RunOptions options;
  options.timeout = milliseconds(50);
  // The grandchild keeps the pipe open: only killing the group ends this.
  auto result = Shell("sleep 100 & sleep 100", options);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().Is(ErrorCode::kDeadlineExceeded));
}

TEST(Process, StopRequestEndsIt) {
  std::stop_source stop;
  RunOptions options;
  options.stop = stop.get_token();
  std::thread stopper([&] { stop.request_stop(); });
  auto result = Shell("sleep 100", options);
  stopper.join();
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().Is(ErrorCode::kCanceled));
}

TEST(Process, TooMuchOutputIsAnError) {
  RunOptions options;
  options.max_output = 1000;
  auto result = Shell("yes", options);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().Is(ErrorCode::kResourceExhausted));
}

TEST(Process, OutputIsSeenAsItComes) {
  ProcessSpec spec;
  spec.args = {"sh", "-c", "echo out; echo err >&2"};
  std::map<int, std::string> seen;
  RunOptions options;
  options.on_output = [&](int fd, std::string_view bytes) { seen[fd] += bytes; };
  auto result = RunProcess(std::move(spec), options);
  ASSERT_TRUE(result);
  EXPECT_EQ(seen, (std::map<int, std::string>{{1, "out\n"}, {2, "err\n"}}));
  EXPECT_EQ(result->out, "out\n");
}

TEST(Process, FileModeMaskIsThatOfTheSpec) {
  ProcessSpec spec;
  spec.args = {"sh", "-c", "umask"};
  spec.umask = 0027;
  auto result = RunProcess(std::move(spec));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "0027\n");
}

TEST(Process, SilenceEndsItWhereThereIsALimitForIt) {
  ProcessSpec spec;
  spec.args = {"sh", "-c", "echo once; exec sleep 600"};
  RunOptions options;
  options.idle_timeout = std::chrono::milliseconds(50);
  auto result = RunProcess(std::move(spec), options);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().Is(ErrorCode::kDeadlineExceeded));
  EXPECT_THAT(result.error().message(), testing::HasSubstr("no output for 50 ms"));
}

// Also when it has much to say at its end.
TEST(Process, IsAskedToEndBeforeItIsKilled) {
  auto dir = TempDir::Create();
  ASSERT_TRUE(dir);
  const std::string mark = dir->Child("cleaned");
  ProcessSpec spec;
  spec.args = {
      "sh", "-c",
      fmt::format("trap 'head -c 200000 /dev/zero; echo > {}; exit 1' TERM; echo ready; while :; do sleep 1; done",
                  mark)};
  RunOptions options;
  std::stop_source stop;
  options.stop = stop.get_token();
  options.grace = std::chrono::seconds(30);
  options.on_output = [&](int, std::string_view) { stop.request_stop(); };
  auto result = RunProcess(std::move(spec), options);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().Is(ErrorCode::kCanceled));
  EXPECT_EQ(access(mark.c_str(), F_OK), 0);
}

TEST(Process, WaitAfterDeadlineCanGoOn) {
  ProcessSpec spec;
  spec.args = {"sleep", "100"};
  auto process = Process::Spawn(spec);
  ASSERT_TRUE(process);
  auto timeout = process->Wait({}, std::chrono::steady_clock::now() + milliseconds(5));
  ASSERT_FALSE(timeout);
  EXPECT_TRUE(timeout.error().Is(ErrorCode::kDeadlineExceeded));
  EXPECT_TRUE(process->Kill(SIGTERM));
  auto status = process->Wait();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->signal, SIGTERM);
}

TEST(Process, DestructorKills) {
  pid_t pid = -1;
  {
    ProcessSpec spec;
    spec.args = {"sleep", "100"};
    auto process = Process::Spawn(spec);
    ASSERT_TRUE(process);
    pid = process->pid();
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(FindProgram, LooksInPathAndChecksPaths) {
  EXPECT_TRUE(FindProgram("sh"));
  EXPECT_EQ(FindProgram("/bin/sh"), "/bin/sh");
  EXPECT_EQ(FindProgram("/etc/passwd"), std::nullopt);
  EXPECT_EQ(FindProgram("/etc"), std::nullopt);
  EXPECT_EQ(FindProgram(""), std::nullopt);
  EXPECT_EQ(FindProgram("no-such-program-anywhere"), std::nullopt);
}

}  // namespace
}  // namespace loam
