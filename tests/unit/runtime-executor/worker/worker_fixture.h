// A worker with the real crun and runc, on a root filesystem made of busybox; afterwards nothing of it may be left.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/process.h"
#include "runtime-executor/worker/worker.h"
#include "tests/support/own_mounts.h"
#include "tests/support/require.h"

namespace loam::worker {

namespace fs = std::filesystem;
inline UniqueFd DetachedMount(const std::string& path) {
  UniqueFd fd(static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  EXPECT_TRUE(fd.valid()) << path;
  return fd;
}

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::set<std::string> LoamCgroups(const std::string& parent) {
  std::set<std::string> found;
  std::error_code error;
  for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup", error)) {
    for (const auto& entry : fs::directory_iterator(hierarchy.path() / parent, error)) {
      if (entry.is_directory()) {
        found.insert(entry.path());
      }
    }
  }
  return found;
}

// Processes that show `marker` in their command line.
inline int CountProcesses(const std::string& marker) {
  int count = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos && std::stoi(name) != getpid()) {
      count += ReadText(entry.path() / "cmdline").find(marker) != std::string::npos ? 1 : 0;
    }
  }
  return count;
}

class Collect final : public OutputSink {
 public:
  void Write(OutputStream stream, std::string_view bytes) override {
    (stream == OutputStream::kStdout ? out : err).append(bytes);
    if (on_write) {
      on_write(*this);
    }
  }
  std::string out;
  std::string err;
  std::function<void(Collect&)> on_write;
};

// Where a test's temporary files live; a rootfs of busybox in it.
class Playground {
 public:
  Playground() : dir_(TempDir::Create("", "loam-worker-").value()) {
    fs::create_directories(root() + "/bin");
    fs::create_directories(root() + "/etc");
    fs::create_directories(root() + "/tmp");
    fs::copy_file("/bin/busybox", root() + "/bin/busybox");
    for (const char* applet :
         {"sh",    "true", "cat", "echo",     "sleep", "id",   "ls",   "mount",  "unshare",  "chown", "touch",
          "mkdir", "pwd",  "env", "hostname", "ip",    "stat", "dd",   "ulimit", "readlink", "grep",  "rm",
          "stty",  "test", "wc",  "mknod",    "df",    "nc",   "tail", "head",   "kill",     "find",  "ps"}) {
      fs::create_symlink("busybox", root() + "/bin/" + applet);
    }
    std::ofstream(root() + "/etc/passwd") << "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n";
    std::ofstream(root() + "/etc/group") << "root:x:0:\nextra:x:30:app\n";
  }
  [[nodiscard]] std::string root() const { return dir_.path() + "/root"; }
  [[nodiscard]] std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }

 private:
  TempDir dir_;
};

inline constexpr const char* kPath = "PATH=/bin";

class WorkerTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) {
      LOAM_TEST_SKIP("needs root");
    }
    if (!FindProgram(GetParam())) {
      LOAM_TEST_SKIP(std::string(GetParam()) + " is not installed");
    }
    cgroup_parent_ = fmt::format("loam-test-{}", getpid());
    ASSERT_EQ(UnshareMounts(), "");
    mounts_before_ = ReadText("/proc/self/mountinfo");
    auto worker = Worker::Open({playground_.Path("state"), GetParam(), cgroup_parent_});
    ASSERT_TRUE(worker) << worker.error().message();
    worker_ = *std::move(worker);
  }

  void TearDown() override {
    if (!worker_) {
      return;
    }
    EXPECT_THAT(LoamCgroups(cgroup_parent_), testing::IsEmpty());
    worker_.reset();
    EXPECT_EQ(ReadText("/proc/self/mountinfo"), mounts_before_);
    EXPECT_TRUE(fs::is_empty(playground_.Path("state/run")));
    EXPECT_EQ(CountProcesses(playground_.Path("state")), 0);
    std::error_code error;
    for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup", error)) {
      EXPECT_FALSE(fs::exists(hierarchy.path() / cgroup_parent_)) << hierarchy.path();
    }
  }

  ExecSpec Shell(const std::string& script) {
    ExecSpec spec;
    spec.args = {"/bin/sh", "-c", script};
    spec.env = {kPath};
    return spec;
  }

  Result<ExecResult> Run(ExecSpec spec, std::stop_token stop = {}) {
    const UniqueFd root = DetachedMount(playground_.root());
    spec.root_fd = root.get();
    sink_.out.clear();
    sink_.err.clear();
    return worker_->Run(spec, sink_, stop);
  }

  // Standard output of a script that must succeed.
  std::string Out(const ExecSpec& spec) {
    auto result = Run(spec);
    EXPECT_TRUE(result) << result.error().message();
    if (result) {
      EXPECT_EQ(result->exit_code, 0) << sink_.err;
    }
    return sink_.out;
  }
  std::string Out(const std::string& script) { return Out(Shell(script)); }
  int Code(const ExecSpec& spec) {
    auto result = Run(spec);
    EXPECT_TRUE(result) << result.error().message();
    return result ? result->exit_code : -1;
  }

  Playground playground_;
  std::unique_ptr<Worker> worker_;
  std::string cgroup_parent_;
  std::string mounts_before_;
  Collect sink_;
};

}  // namespace loam::worker
