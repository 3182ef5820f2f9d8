// The worker with the real crun and runc, on a root filesystem made of busybox.
#include "runtime-executor/worker/worker.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/mount.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "base/file_system.h"
#include "base/process.h"
#include "runtime-executor/worker/cgroup.h"
#include "tests/support/require.h"
#include "tests/unit/runtime-executor/worker/worker_fixture.h"

namespace loam::worker {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST_P(WorkerTest, RunsAndTellsStreamsApart) {
  auto result = Run(Shell("echo out; echo err >&2"));
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->exit_code, 0) << sink_.err;
  EXPECT_EQ(sink_.out, "out\n");
  EXPECT_EQ(sink_.err, "err\n");
}

TEST_P(WorkerTest, GivesTheExitCode) {
  EXPECT_EQ(Code(Shell("exit 42")), 42);
  EXPECT_EQ(Code(Shell("kill -9 $$; true")), 0) << "process 1 of a container is immune to its own signals";
  EXPECT_EQ(Code(Shell("sh -c 'kill -TERM $$'; exit $?")), 128 + SIGTERM);
}

TEST_P(WorkerTest, MissingProgramIsAnErrorThatNamesIt) {
  ExecSpec spec;
  spec.args = {"/no/such/program"};
  spec.env = {kPath};
  auto result = Run(spec);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("/no/such/program"));
}

TEST_P(WorkerTest, StandardInputIsEmptyByDefault) {
  EXPECT_EQ(Out("cat; test -t 0 || echo no terminal"), "no terminal\n");
}

TEST_P(WorkerTest, StandardInputCanBeGiven) {
  std::ofstream(playground_.Path("input")) << "hello";
  const UniqueFd input(open(playground_.Path("input").c_str(), O_RDONLY | O_CLOEXEC));
  ExecSpec spec = Shell("cat");
  spec.stdin_fd = input.get();
  EXPECT_EQ(Out(spec), "hello");
}

TEST_P(WorkerTest, EnvironmentIsExactlyWhatIsGivenAndHome) {
  ExecSpec spec = Shell("");
  spec.args = {"/bin/env"};
  spec.env = {kPath, "A=b c", "U=\xc3\xa4"};
  EXPECT_THAT(Out(spec), AllOf(HasSubstr("A=b c\n"), HasSubstr("U=\xc3\xa4\n"), HasSubstr("HOME=/root\n"),
                               Not(HasSubstr("LD_")), Not(HasSubstr("XDG"))));
}

TEST_P(WorkerTest, NonUtf8ArgumentIsRefused) {
  ExecSpec spec = Shell("echo \xff");
  auto result = Run(spec);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().Is(ErrorCode::kInvalidArgument));
}

TEST_P(WorkerTest, UsersByNameAndNumber) {
  ExecSpec spec = Shell("id -u; id -g; id -G; echo $HOME");
  spec.user = "app";
  EXPECT_EQ(Out(spec), "1000\n1001\n1001 30\n/home/app\n");
  spec.user = "7:8";
  EXPECT_THAT(Out(spec), testing::StartsWith("7\n8\n8\n"));
  spec.user = "missing";
  EXPECT_FALSE(Run(spec));
}

TEST_P(WorkerTest, WorkingDirectoryIsMadeForTheUser) {
  ExecSpec spec = Shell("pwd; stat -c %u:%g /work /work/deep");
  spec.cwd = "/work/deep";
  spec.user = "app";
  EXPECT_EQ(Out(spec), "/work/deep\n1000:1001\n1000:1001\n");
}

TEST_P(WorkerTest, LeavesNothingInTheLayer) {
  for (const char* name : {"proc", "sys", "dev"}) {
    fs::create_directory(playground_.root() + "/" + name);
  }
  const auto time = fs::last_write_time(playground_.root());
  const auto etc_time = fs::last_write_time(playground_.root() + "/etc");
  ExecSpec spec = Shell("cat /etc/hosts /etc/resolv.conf; ls /proc/1 /dev/null /sys >/dev/null; echo x > /mnt/cache/x");
  const std::string cache = playground_.Path("cache");
  fs::create_directory(cache);
  const UniqueFd fd(open(cache.c_str(), O_PATH | O_CLOEXEC));
  spec.mounts.push_back({.kind = MountKind::kHost, .dest = "/mnt/cache", .fd = fd.get()});
  spec.remove_mount_stubs_recursive = true;
  spec.extra_hosts = {{"db.example", "10.9.8.7"}};
  EXPECT_THAT(Out(spec), AllOf(HasSubstr("10.9.8.7\tdb.example\n"), HasSubstr("nameserver")));
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(playground_.root())) {
    names.insert(entry.path().filename());
  }
  EXPECT_THAT(names, testing::ElementsAre("bin", "dev", "etc", "proc", "sys", "tmp"));
  EXPECT_FALSE(fs::exists(playground_.root() + "/etc/hosts"));
  EXPECT_FALSE(fs::exists(playground_.root() + "/etc/resolv.conf"));
  EXPECT_EQ(fs::last_write_time(playground_.root() + "/etc"), etc_time);
  EXPECT_EQ(fs::last_write_time(playground_.root()), time);
  EXPECT_TRUE(fs::exists(cache + "/x"));
}

TEST_P(WorkerTest, StubThatWasUsedStays) {
  ExecSpec spec = Shell("true");
  spec.mounts.push_back({.kind = MountKind::kTmpfs, .dest = "/etc/conf.d/tmp"});
  Out(spec);
  EXPECT_TRUE(fs::is_directory(playground_.root() + "/etc/conf.d")) << "parents stay unless asked for";
  EXPECT_FALSE(fs::exists(playground_.root() + "/etc/conf.d/tmp"));
}

TEST_P(WorkerTest, StubsBehindDanglingLinksAreRemoved) {
  fs::create_directories(playground_.root() + "/run");
  fs::create_symlink("../run/resolve/stub.conf", playground_.root() + "/etc/resolv.conf");
  ExecSpec spec = Shell("cat /etc/resolv.conf");
  spec.remove_mount_stubs_recursive = true;
  EXPECT_THAT(Out(spec), HasSubstr("nameserver"));
  EXPECT_TRUE(fs::is_symlink(playground_.root() + "/etc/resolv.conf"));
  EXPECT_TRUE(fs::is_empty(playground_.root() + "/run"));
}

TEST_P(WorkerTest, DirectoriesThatTheStepChangesKeepTheNewTimes) {
  ExecSpec spec = Shell("touch -d '2001-02-03 04:05:06' /etc");
  Out(spec);
  struct stat info {};
  ASSERT_EQ(stat((playground_.root() + "/etc").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtim.tv_sec, 981173106);
}

TEST_P(WorkerTest, BindsWithSelectorReadOnlyAndWritable) {
  const std::string tree = playground_.Path("tree");
  fs::create_directories(tree + "/sub/dir");
  std::ofstream(tree + "/sub/file") << "content\n";
  fs::create_directory_symlink("/sub", tree + "/link");  // absolute: stays within the tree
  ExecSpec spec =
      Shell("cat /f; touch /ro/new 2>/dev/null && echo writable; touch /rw/new && ls /rw; cat /via-link/file; ls /ro");
  const UniqueFd first = DetachedMount(tree);
  const UniqueFd second = DetachedMount(tree);
  const UniqueFd third = DetachedMount(tree);
  const UniqueFd host(open(tree.c_str(), O_PATH | O_CLOEXEC));
  spec.mounts.push_back({.dest = "/f", .fd = first.get(), .selector = "sub/file", .readonly = true});
  spec.mounts.push_back({.dest = "/ro", .fd = second.get(), .selector = "sub", .readonly = true});
  spec.mounts.push_back({.dest = "/rw", .fd = third.get(), .selector = "/sub/dir"});
  spec.mounts.push_back({.kind = MountKind::kHost, .dest = "/via-link", .fd = host.get(), .selector = "link"});
  EXPECT_EQ(Out(spec), "content\nnew\ncontent\ndir\nfile\n");
}

TEST_P(WorkerTest, MissingSelectorIsAnErrorThatNamesIt) {
  const UniqueFd tree = DetachedMount(playground_.root());
  ExecSpec spec = Shell("true");
  spec.mounts.push_back({.dest = "/x", .fd = tree.get(), .selector = "no/such"});
  auto result = Run(spec);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("no/such"));
}

TEST_P(WorkerTest, NestedMountsInAnyOrder) {
  ExecSpec spec = Shell("grep -c ' /data' /proc/mounts; touch /data/inner/x; df -k /data/inner | tail -1");
  spec.mounts.push_back({.kind = MountKind::kTmpfs, .dest = "/data/inner", .tmpfs_size = 1 << 20});
  spec.mounts.push_back({.kind = MountKind::kTmpfs, .dest = "/data"});
  EXPECT_THAT(Out(spec), AllOf(testing::StartsWith("2\n"), HasSubstr(" 1024 ")));
}

TEST_P(WorkerTest, SecretFilesHaveOwnerAndMode) {
  ExecSpec spec =
      Shell("cat /run/secrets/s; stat -c '%u:%g %a' /run/secrets/s; echo x 2>/dev/null >/run/secrets/s || echo ro");
  spec.mounts.push_back({.kind = MountKind::kFile,
                         .dest = "/run/secrets/s",
                         .readonly = true,
                         .content = "pw\n",
                         .uid = 3,
                         .gid = 4,
                         .mode = 0440});
  spec.remove_mount_stubs_recursive = true;
  EXPECT_EQ(Out(spec), "pw\n3:4 440\nro\n");
  EXPECT_FALSE(fs::exists(playground_.root() + "/run"));
}

TEST_P(WorkerTest, SocketsOfTheHostCanBeBound) {
  const std::string path = playground_.Path("agent.sock");
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const UniqueFd fd(open(path.c_str(), O_PATH | O_CLOEXEC));
  ExecSpec spec = Shell("test -S /run/agent && echo socket");
  spec.mounts.push_back({.kind = MountKind::kHost, .dest = "/run/agent", .fd = fd.get()});
  EXPECT_EQ(Out(spec), "socket\n");
}

TEST_P(WorkerTest, ReadOnlyRoot) {
  fs::create_directories(playground_.root() + "/proc");
  fs::create_directories(playground_.root() + "/sys");
  fs::create_directories(playground_.root() + "/dev");
  std::ofstream(playground_.root() + "/etc/hosts");
  std::ofstream(playground_.root() + "/etc/resolv.conf");
  ExecSpec spec = Shell("touch /x 2>/dev/null || echo refused");
  spec.readonly_root = true;
  EXPECT_EQ(Out(spec), "refused\n");
}

TEST_P(WorkerTest, RootSelector) {
  const UniqueFd parent = DetachedMount(fs::path(playground_.root()).parent_path());
  ExecSpec spec = Shell("ls -d /bin");
  spec.root_fd = parent.get();
  spec.root_selector = "root";
  auto result = worker_->Run(spec, sink_, {});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(sink_.out, "/bin\n") << sink_.err;
}

TEST_P(WorkerTest, HostnameUlimitsAndShm) {
  ExecSpec spec = Shell("hostname; ulimit -n; df -k /dev/shm | tail -1");
  EXPECT_THAT(Out(spec), AllOf(testing::StartsWith("buildkitsandbox\n"), HasSubstr(" 65536 ")));
  spec.hostname = "forge";
  spec.ulimits = {{"nofile", 123, 456}};
  spec.shm_size = 8 << 20;
  EXPECT_THAT(Out(spec), AllOf(testing::StartsWith("forge\n123\n"), HasSubstr(" 8192 ")));
  spec.ulimits = {{"nosuch", 1, 1}};
  EXPECT_FALSE(Run(spec));
  spec.ulimits = {{"nofile", 5, 4}};
  EXPECT_FALSE(Run(spec));
}

TEST_P(WorkerTest, NetworkModes) {
  ExecSpec spec = Shell("ls /sys/class/net; readlink /proc/self/ns/net");
  spec.network = NetworkMode::kNone;
  const std::string none = Out(spec);
  EXPECT_THAT(none, testing::StartsWith("lo\n"));
  char host[64] = {};
  ASSERT_GT(readlink("/proc/self/ns/net", host, sizeof(host) - 1), 0);
  EXPECT_THAT(none, Not(HasSubstr(host)));
  spec.network = NetworkMode::kHost;
  EXPECT_THAT(Out(spec), HasSubstr(host));
  // This worker has none of its own.
  spec.network = NetworkMode::kWorker;
  EXPECT_THAT(Out(spec), HasSubstr(host));
}

TEST_P(WorkerTest, SandboxDeniesWhatIsDangerous) {
  EXPECT_NE(Code(Shell("unshare -m true 2>/dev/null")), 0);
  EXPECT_NE(Code(Shell("mount -t tmpfs none /tmp 2>/dev/null")), 0);
  EXPECT_NE(Code(Shell("echo 1 > /proc/sys/kernel/panic")), 0);
  EXPECT_NE(Code(Shell("mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk >/dev/null 2>&1")), 0);
  EXPECT_EQ(Out("mknod /tmp/null c 1 3 && echo x >/tmp/null; ls -A /proc/scsi 2>/dev/null | wc -l"), "0\n");
  EXPECT_EQ(Out("grep -E 'CapEff|CapBnd|CapPrm' /proc/self/status"),
            "CapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n");
  EXPECT_EQ(Out("grep Seccomp: /proc/self/status"), "Seccomp:\t2\n");
  EXPECT_EQ(Out("grep NoNewPrivs /proc/self/status"), "NoNewPrivs:\t0\n");
}

TEST_P(WorkerTest, OrdinaryUserHasNoCapabilities) {
  ExecSpec spec = Shell("grep CapEff /proc/self/status");
  spec.user = "app";
  EXPECT_EQ(Out(spec), "CapEff:\t0000000000000000\n");
}

TEST_P(WorkerTest, InsecureAllowsEverything) {
  ExecSpec spec = Shell("mount -t tmpfs none /tmp && unshare -m true && grep Seccomp: /proc/self/status; ls /dev/fuse");
  spec.security = SecurityMode::kInsecure;
  EXPECT_EQ(Out(spec), "Seccomp:\t0\n/dev/fuse\n");
}

TEST_P(WorkerTest, InsecureStepsMakeCgroupsInTheirOwn) {
  ExecSpec spec = Shell(
      "d=/sys/fs/cgroup; if [ -d $d/cpuset ]; then d=$d/cpuset; fi; "
      "if mkdir $d/loam-inner-test; then echo made; fi");
  spec.security = SecurityMode::kInsecure;
  EXPECT_EQ(Out(spec), "made\n");
  for (const char* const host : {"/sys/fs/cgroup/loam-inner-test", "/sys/fs/cgroup/cpuset/loam-inner-test"}) {
    EXPECT_NE(::access(host, F_OK), 0) << host;
  }
}

TEST_P(WorkerTest, DevicesAreThereAndMayBeUsed) {
  ExecSpec spec = Shell("cat /proc/self/status > /dev/mine && stat -c '%t:%T %a %g' /dev/mine");
  spec.edits.devices.push_back({.path = "/dev/mine", .type = 'c', .major = 1, .minor = 3, .file_mode = 0620, .gid = 7});
  EXPECT_EQ(Out(spec), "1:3 620 7\n");
  ExecSpec groups = Shell("id -G");
  groups.edits.additional_gids = {4711};
  EXPECT_THAT(Out(groups), HasSubstr("4711"));
}

TEST_P(WorkerTest, SeesOnlyItsOwnProcesses) {
  EXPECT_EQ(Out("echo $$; echo /proc/[0-9]*"), "1\n/proc/1\n");
}

TEST_P(WorkerTest, CgroupOfTheStepIsGoneAfterwardsEvenWithLimits) {
  ExecSpec spec = Shell("cat /proc/self/cgroup");
  spec.resources.memory = 64 << 20;
  spec.resources.cpu_shares = 512;
  EXPECT_THAT(Out(spec), HasSubstr(cgroup_parent_ + "/step-"));
}

// Runtimes of languages look there for how much they may use.
TEST_P(WorkerTest, ALimitCanBeReadAndNotChanged) {
  ExecSpec spec = Shell(
      "cd /sys/fs/cgroup; for f in memory/memory.limit_in_bytes memory.max; do "
      "if [ -e $f ]; then cat $f; echo 1 2>/dev/null >$f || echo denied; fi; done");
  spec.resources.memory = 64 << 20;
  EXPECT_EQ(Out(spec), "67108864\ndenied\n");
}

TEST_P(WorkerTest, MemoryLimitKillsAndIsRecognised) {
  if (std::string_view(GetParam()) == "runc") {
    GTEST_SKIP() << "runc removes its cgroup before it can be read";
  }
  ExecSpec spec = Shell("dd if=/dev/zero of=/dev/null bs=100M count=1");
  spec.resources.memory = 32 << 20;
  auto result = Run(spec);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_NE(result->exit_code, 0);
  EXPECT_TRUE(result->oom_killed);
  auto fine = Run(Shell("true"));
  ASSERT_TRUE(fine);
  EXPECT_FALSE(fine->oom_killed);
  EXPECT_GT(fine->peak_memory_bytes, 0);
}

TEST_P(WorkerTest, StopKillsEverything) {
  std::stop_source stop;
  sink_.on_write = [&](Collect&) { stop.request_stop(); };
  // A grandchild in its own session, immune to SIGTERM, dies too.
  auto result = Run(Shell("trap '' TERM; (sleep 1000 &); echo ready; sleep 1000"), stop.get_token());
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().Is(ErrorCode::kCanceled));
}

TEST_P(WorkerTest, StopBeforeTheStart) {
  std::stop_source stop;
  stop.request_stop();
  auto result = Run(Shell("echo ran"), stop.get_token());
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().Is(ErrorCode::kCanceled));
  EXPECT_EQ(sink_.out, "");
}

TEST_P(WorkerTest, SeveralThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    const std::string own = playground_.Path(fmt::format("root-{}", i));
    fs::copy(playground_.root(), own, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    threads.emplace_back([&, i, own] {
      const UniqueFd root = DetachedMount(own);
      ExecSpec spec = Shell(fmt::format("echo {}", i));
      spec.root_fd = root.get();
      Collect sink;
      auto result = worker_->Run(spec, sink, {});
      EXPECT_TRUE(result) << result.error().message();
      EXPECT_EQ(sink.out, fmt::format("{}\n", i)) << sink.err;
      good += result && sink.out == fmt::format("{}\n", i) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(good, 8);
}

TEST_P(WorkerTest, LargeOutputArrivesWhole) {
  EXPECT_EQ(Out("dd if=/dev/zero bs=64k count=64 2>/dev/null").size(), std::size_t{4} << 20);
}

TEST_P(WorkerTest, DeathOfTheCallerEndsTheStep) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  // A process that runs a step and is killed while it runs; the step's output tells when.
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    Collect sink;
    sink.on_write = [&](Collect&) { [[maybe_unused]] const auto n = write(ends[1], "x", 1); };
    auto worker = Worker::Open({playground_.Path("state"), GetParam(), cgroup_parent_});
    ExecSpec spec = Shell("echo ready; sleep 1000");
    const UniqueFd root = DetachedMount(playground_.root());
    spec.root_fd = root.get();
    if (worker) {
      [[maybe_unused]] auto result = (*worker)->Run(spec, sink, {});
    }
    _exit(1);
  }
  close(ends[1]);
  char byte = 0;
  ASSERT_EQ(read(ends[0], &byte, 1), 1);
  EXPECT_GT(CountProcesses(playground_.Path("state")), 0);
  // The supervisor is not our child: its end shows as the end of the pipe that it inherited nothing of, so ask for
  // its pidfd before the kill.
  std::vector<UniqueFd> pidfds;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos &&
        ReadText(entry.path() / "cmdline").find(playground_.Path("state")) != std::string::npos) {
      pidfds.emplace_back(static_cast<int>(syscall(SYS_pidfd_open, std::stoi(name), 0)));
    }
  }
  ASSERT_FALSE(pidfds.empty());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ends[0]);
  for (const UniqueFd& pidfd : pidfds) {
    pollfd ended{pidfd.get(), POLLIN, 0};
    EXPECT_EQ(poll(&ended, 1, 10000), 1);
  }
  EXPECT_EQ(ReadText("/proc/self/mountinfo"), mounts_before_);
  // The cgroup is left; the next start removes it.
  EXPECT_THAT(LoamCgroups(cgroup_parent_), Not(testing::IsEmpty()));
  ASSERT_TRUE(Worker::Open({playground_.Path("state"), GetParam(), cgroup_parent_}));
}

TEST_P(WorkerTest, StartKillsWhatIsLeftOfADeadOwner) {
  const pid_t owner = fork();
  if (owner == 0) {
    _exit(0);
  }
  waitpid(owner, nullptr, 0);
  const fs::path hierarchy = fs::exists("/sys/fs/cgroup/memory") ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
  const fs::path cgroup = hierarchy / cgroup_parent_ / fmt::format("step-{}-1-1", owner);
  fs::create_directories(cgroup);
  const pid_t left = fork();
  if (left == 0) {
    pause();
    _exit(0);
  }
  std::ofstream(cgroup / "cgroup.procs") << left << std::flush;
  ASSERT_EQ(ReadText(cgroup / "cgroup.procs"), fmt::format("{}\n", left));
  ASSERT_TRUE(Worker::Open({playground_.Path("state"), GetParam(), cgroup_parent_}));
  EXPECT_FALSE(fs::exists(cgroup));
  int status = 0;
  ASSERT_EQ(waitpid(left, &status, 0), left);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST_P(WorkerTest, InvalidRootIsAnError) {
  const std::string file = playground_.Path("plain-file");
  std::ofstream(file) << "x";
  const UniqueFd fd = DetachedMount(file);
  ExecSpec spec = Shell("true");
  spec.root_fd = fd.get();
  auto result = worker_->Run(spec, sink_, {});
  EXPECT_FALSE(result);
}

TEST_P(WorkerTest, DescribesTheRuntime) {
  EXPECT_THAT(worker_->Describe(), testing::StartsWith(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Runtimes, WorkerTest, testing::Values("crun", "runc"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST(WorkerOpen, MissingRuntimeSaysWhatToDo) {
  const auto dir = TempDir::Create().value();
  auto worker = Worker::Open({dir.path(), "/no/such/crun", "loam-test"});
  ASSERT_FALSE(worker);
  EXPECT_TRUE(worker.error().Is(ErrorCode::kFailedPrecondition));
  if (geteuid() == 0) {
    EXPECT_THAT(worker.error().hint(), HasSubstr("apt-get install crun"));
  }
}

TEST(WorkerOpen, OrdinaryUserIsToldToBecomeRoot) {
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) != 0) {
      _exit(3);
    }
    auto worker = Worker::Open({"/tmp/none", "", "loam-test"});
    const bool good = !worker && worker.error().Is(ErrorCode::kFailedPrecondition) &&
                      worker.error().hint().find("root") != std::string::npos;
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(RemoveStaleCgroups, KeepsThoseOfLivingProcesses) {
  const CgroupHost host = DetectCgroups();
  if (geteuid() != 0 || host.version != CgroupVersion::kV1) {
    LOAM_TEST_SKIP("needs root and cgroups v1");
  }
  const std::string parent = "/sys/fs/cgroup/memory/loam-stale-test";
  fs::create_directories(parent + "/step-1-1-1/step");       // pid 1 did not start at tick 1
  fs::create_directories(parent + "/" + StepCgroupName(5));  // ours
  fs::create_directories(parent + "/other");
  RemoveStaleCgroups(host, "loam-stale-test");
  EXPECT_FALSE(fs::exists(parent + "/step-1-1-1"));
  EXPECT_TRUE(fs::exists(parent + "/" + StepCgroupName(5)));
  EXPECT_TRUE(fs::exists(parent + "/other"));
  rmdir((parent + "/" + StepCgroupName(5)).c_str());
  rmdir((parent + "/other").c_str());
  rmdir(parent.c_str());
}

}  // namespace
}  // namespace loam::worker
