// The exec and file ops on a real layer store and worker.
#include "runtime-executor/ops/exec_op.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "base/file_system.h"
#include "base/process.h"
#include "base/rooted_fs.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/exec_cache_mount.h"
#include "runtime-executor/ops/file_op.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/session/ssh_forwarder.h"
#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/worker/worker.h"
#include "tests/support/require.h"

namespace loam::ops {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FakeClient final : public session::ClientServices, public session::SecretStore, public session::SshAgents {
 public:
  Result<std::string> Get(std::string_view id, std::stop_token) override {
    const auto found = secrets_by_id.find(std::string(id));
    if (found == secrets_by_id.end()) {
      return Unexpected(ErrorCode::kNotFound, "no secret " + std::string(id));
    }
    return found->second;
  }
  Result<> Check(std::string_view id, std::stop_token) override {
    return id == "default" ? Result<>() : Unexpected(ErrorCode::kNotFound, "no agent " + std::string(id));
  }
  // An agent that says its name and what it hears back.
  Result<UniqueFd> Connect(std::string_view id, std::stop_token) override {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    echoes.emplace_back([fd = UniqueFd(ends[0]), name = std::string(id)] {
      const std::string hello = "agent " + name + "\n";
      EXPECT_EQ(write(fd.get(), hello.data(), hello.size()), static_cast<ssize_t>(hello.size()));
      char buffer[64];
      const ssize_t got = read(fd.get(), buffer, sizeof(buffer));
      if (got > 0) {
        EXPECT_EQ(write(fd.get(), buffer, static_cast<std::size_t>(got)), got);
      }
    });
    return UniqueFd(ends[1]);
  }
  std::shared_ptr<session::SecretStore> secrets() override { return {std::shared_ptr<void>(), this}; }
  std::shared_ptr<session::SshAgents> ssh() override { return {std::shared_ptr<void>(), this}; }
  std::shared_ptr<session::LocalDirs> local_dirs() override { return nullptr; }
  std::shared_ptr<session::OciLayouts> oci_layouts() override { return nullptr; }
  std::shared_ptr<session::RegistryAuth> registry_auth() override { return nullptr; }

  std::map<std::string, std::string> secrets_by_id;
  std::vector<std::jthread> echoes;
};

class FakeJob final : public JobServices {
 public:
  session::ClientServices& client() override { return fake_client; }
  const Entitlements& entitlements() const override { return allowed; }
  Result<snapshot::FsRef> Solve(const pb::Definition&, std::stop_token) override {
    return Unexpected(ErrorCode::kUnimplemented, "no solver here");
  }
  StepProxies* proxies() override { return fake_proxies; }
  FakeClient fake_client;
  Entitlements allowed;
  StepProxies* fake_proxies = nullptr;
};

// Proxies that nobody is behind, in the network of this process.
class FakeProxies final : public StepProxies {
 public:
  Result<std::unique_ptr<StepProxy>> Start(CheckProxied) override { return std::make_unique<Proxy>(); }

 private:
  class Proxy final : public StepProxy {
   public:
    [[nodiscard]] int network_namespace() const override { return network_.get(); }
    [[nodiscard]] const std::string& url() const override { return url_; }
    [[nodiscard]] const std::string& authority() const override { return authority_; }
    ProxyTraffic Stop() override { return {{{"GET", "http://example.com/", "", 200}}, {}, {}}; }

   private:
    const UniqueFd network_ = OpenFile("/proc/self/ns/net", O_RDONLY).value();
    const std::string url_ = "http://127.0.0.1:9";
    const std::string authority_ = "AUTHORITY\n";
  };
};

class FakeContext final : public solver::OpContext, public solver::ProgressWriter {
 public:
  explicit FakeContext(std::shared_ptr<FakeJob> job) : job_(std::move(job)) {}
  std::stop_token stop() const override { return source.get_token(); }
  solver::ProgressWriter& progress() override { return *this; }
  std::shared_ptr<solver::JobContext> job() const override { return job_; }
  const solver::Vertex& vertex() const override { return vertex_; }
  void Status(solver::StatusEvent) override {}
  void Log(solver::LogStream, std::string_view data) override { log += data; }
  void Warning(solver::WarningEvent) override {}

  std::string log;
  std::stop_source source;

 private:
  std::shared_ptr<FakeJob> job_;
  solver::Vertex vertex_;
};

class ExecOpTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0 || !FindProgram("crun")) {
      LOAM_TEST_SKIP("needs root and crun");
    }
    auto store = snapshot::LayerStore::Open({.root = dir_.path() + "/root"});
    ASSERT_TRUE(store) << store.error().message();
    store_ = *std::move(store);
    auto worker = worker::Worker::Open({dir_.path() + "/worker", "crun", fmt::format("loam-ops-test-{}", getpid())});
    ASSERT_TRUE(worker) << worker.error().message();
    worker_ = *std::move(worker);
    environment_.layers = store_.get();
    environment_.worker = [this]() -> Result<worker::Worker*> { return worker_.get(); };
    environment_.cache_mounts_dir = dir_.path() + "/cache-mounts";
    environment_.tmp_dir = dir_.path();
    auto base = store_->Begin({});
    ASSERT_TRUE(base) << base.error().message();
    ASSERT_EQ(mkdirat(base->fd(), "bin", 0755), 0);
    ASSERT_EQ(mkdirat(base->fd(), "etc", 0755), 0);
    const UniqueFd from = OpenFile("/bin/busybox", O_RDONLY).value();
    const UniqueFd to = OpenFileAt(base->fd(), "bin/busybox", O_WRONLY | O_CREAT, 0755).value();
    ASSERT_TRUE(CopyFileContents(from.get(), to.get()));
    for (const char* applet :
         {"sh", "true", "cat", "echo", "ls", "stat", "nc", "env", "sleep", "touch", "test", "id", "mkdir"}) {
      ASSERT_EQ(symlinkat("busybox", base->fd(), (std::string("bin/") + applet).c_str()), 0);
    }
    auto committed = std::move(*base).Commit();
    ASSERT_TRUE(committed) << committed.error().message();
    base_ = MakeFsResult(*committed);
  }

  static pb::Op Shell(const std::string& script) {
    pb::Op op;
    pb::Meta* meta = op.mutable_exec()->mutable_meta();
    for (const std::string& arg : {std::string("/bin/sh"), std::string("-c"), script}) {
      meta->add_args(arg);
    }
    meta->add_env("PATH=/bin");
    meta->set_cwd("/");
    pb::Mount* root = op.mutable_exec()->add_mounts();
    root->set_dest("/");
    return op;
  }
  static pb::Mount* AddMount(pb::Op& op, const std::string& dest, pb::MountType type, std::int64_t input = -1) {
    pb::Mount* mount = op.mutable_exec()->add_mounts();
    mount->set_dest(dest);
    mount->set_mounttype(type);
    mount->set_input(input);
    mount->set_output(-1);
    return mount;
  }

  Result<std::vector<solver::ResultPtr>> Run(const pb::Op& op, std::vector<solver::ResultPtr> inputs,
                                             FakeContext& context) {
    const LlbPayload payload(std::make_shared<const pb::Op>(op));
    solver::Vertex vertex;
    vertex.inputs.resize(inputs.size());
    auto made = op.has_exec() ? NewExecOp(vertex, payload, environment_) : NewFileOp(vertex, payload, environment_);
    if (!made) {
      return Unexpected(made.error());
    }
    return (*made)->Run(context, inputs);
  }
  // The log of a step that must succeed.
  std::string Log(const pb::Op& op, std::vector<solver::ResultPtr> inputs = {}) {
    if (inputs.empty()) {
      inputs = {base_};
    }
    FakeContext context(job_);
    auto results = Run(op, inputs, context);
    EXPECT_TRUE(results) << results.error().message() << context.log;
    if (results) {
      results_ = *results;
    }
    return context.log;
  }
  Error Failure(const pb::Op& op) {
    FakeContext context(job_);
    auto results = Run(op, {base_}, context);
    EXPECT_FALSE(results);
    return results ? Error(ErrorCode::kUnknown, "") : results.error();
  }

  TempDir dir_ = TempDir::Create().value();
  std::unique_ptr<snapshot::LayerStore> store_;
  std::unique_ptr<worker::Worker> worker_;
  OpEnvironment environment_;
  std::shared_ptr<FakeJob> job_ = std::make_shared<FakeJob>();
  solver::ResultPtr base_;
  std::vector<solver::ResultPtr> results_;
};

TEST_F(ExecOpTest, ResultHoldsWhatTheStepWrote) {
  EXPECT_EQ(Log(Shell("echo content > /file; echo said")), "said\n");
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(FsOf(results_[0]).layers().size(), FsOf(base_).layers().size() + 1);
  auto mounted = store_->Mount(FsOf(results_[0]));
  ASSERT_TRUE(mounted);
  EXPECT_FALSE(OpenInRoot(mounted->fd(), "etc/hosts", O_PATH)) << "what is mounted over leaves nothing behind";
  EXPECT_EQ(Log(Shell("cat /file"), {results_[0]}), "content\n");
}

TEST_F(ExecOpTest, StepsBehindProxies) {
  FakeProxies proxies;
  job_->fake_proxies = &proxies;
  EXPECT_EQ(Log(Shell("mkdir -p /etc/ssl && echo BUNDLE > /etc/ssl/cert.pem; echo $HTTPS_PROXY $no_proxy")),
            "http://127.0.0.1:9 127.0.0.1,localhost,::1\nproxy network requests:\n- GET http://example.com/ -> 200\n");
  // The step trusts the proxy, and nothing of that is left.
  EXPECT_THAT(Log(Shell("cat /etc/ssl/cert.pem; echo MORE >> /etc/ssl/cert.pem"), {results_[0]}),
              testing::StartsWith("BUNDLE\n\n# build proxy: begin\nAUTHORITY\n"));
  job_->fake_proxies = nullptr;
  EXPECT_EQ(Log(Shell("cat /etc/ssl/cert.pem; echo \"[$HTTP_PROXY]\""), {results_[0]}), "BUNDLE\nMORE\n[]\n");
  pb::Op offline = Shell("echo \"[$HTTP_PROXY]\"");
  offline.mutable_exec()->set_network(pb::NONE);
  job_->fake_proxies = &proxies;
  EXPECT_EQ(Log(offline), "[]\n");
}

TEST_F(ExecOpTest, TheCommandOfAnErrorIsQuotedAsGoDoes) {
  EXPECT_EQ(Failure(Shell("echo \"a\\b\" >/none/x\nexit 7")).message(),
            "process \"/bin/sh -c echo \\\"a\\\\b\\\" >/none/x\\nexit 7\" did not complete successfully: exit code: 7");
}

TEST_F(ExecOpTest, ExitCodeIsAnErrorWithDetail) {
  const Error error = Failure(Shell("exit 7"));
  EXPECT_EQ(error.message(), "process \"/bin/sh -c exit 7\" did not complete successfully: exit code: 7");
  ASSERT_NE(error.Detail<solver::ExitErrorDetail>(), nullptr);
  EXPECT_EQ(error.Detail<solver::ExitErrorDetail>()->exit_code, 7);
  pb::Op allowed = Shell("exit 7");
  allowed.mutable_exec()->mutable_meta()->add_validexitcodes(7);
  Log(allowed);
}

TEST_F(ExecOpTest, SecretsAsFilesAndVariables) {
  job_->fake_client.secrets_by_id = {{"a", "file-secret"}, {"b", "env-secret"}};
  pb::Op op = Shell("cat /run/secrets/a; echo; echo $B; test -e /run/secrets/none || echo absent; echo \"[$NONE]\"");
  AddMount(op, "/run/secrets/a", pb::SECRET)->mutable_secretopt()->set_id("a");
  pb::Mount* optional = AddMount(op, "/run/secrets/none", pb::SECRET);
  optional->mutable_secretopt()->set_id("none");
  optional->mutable_secretopt()->set_optional(true);
  pb::SecretEnv* env = op.mutable_exec()->add_secretenv();
  env->set_id("b");
  env->set_name("B");
  pb::SecretEnv* none = op.mutable_exec()->add_secretenv();
  none->set_id("none");
  none->set_name("NONE");
  none->set_optional(true);
  EXPECT_EQ(Log(op), "file-secret\nenv-secret\nabsent\n[]\n");
  optional->mutable_secretopt()->set_optional(false);
  EXPECT_THAT(Failure(op).message(), HasSubstr("none"));
}

TEST_F(ExecOpTest, SshAgentIsForwarded) {
  pb::Op op = Shell("test -S /run/agent; stat -c %a:%u /run/agent");
  pb::Mount* ssh = AddMount(op, "/run/agent", pb::SSH);
  ssh->mutable_sshopt()->set_id("default");
  ssh->mutable_sshopt()->set_mode(0600);
  ssh->mutable_sshopt()->set_uid(7);
  EXPECT_EQ(Log(op), "600:7\n");
  ssh->mutable_sshopt()->set_id("other");
  EXPECT_THAT(Failure(op).message(), HasSubstr("other"));
  ssh->mutable_sshopt()->set_optional(true);
  pb::Op absent = Shell("test -e /run/agent || echo absent");
  *absent.mutable_exec()->add_mounts() = *ssh;
  EXPECT_EQ(Log(absent), "absent\n");
}

TEST(SshForwarder, CarriesBytesBothWays) {
  if (geteuid() != 0) {
    LOAM_TEST_SKIP("needs root");
  }
  FakeClient client;
  auto forwarder =
      session::SshForwarder::Start([&](std::stop_token stop) { return client.Connect("one", stop); }, 1, 2, 0640);
  ASSERT_TRUE(forwarder) << forwarder.error().message();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path =
      fmt::format("/proc/self/fd/{}/{}", (*forwarder)->mount_fd(), session::SshForwarder::kSocketName);
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0640U);
  EXPECT_EQ(info.st_gid, 2U);
  for (int round = 0; round < 2; ++round) {
    const UniqueFd step(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(step.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(write(step.get(), "hello\n", 6), 6);
    std::string heard;
    char byte = 0;
    while (read(step.get(), &byte, 1) == 1) {
      heard += byte;
    }
    EXPECT_EQ(heard, "agent one\nhello\n");
  }
}

TEST_F(ExecOpTest, CacheMountOutlivesTheStep) {
  pb::Op op = Shell("cat /cache/x 2>/dev/null; echo kept > /cache/x");
  AddMount(op, "/cache", pb::CACHE)->mutable_cacheopt()->set_id("id");
  EXPECT_EQ(Log(op), "");
  EXPECT_EQ(Log(op), "kept\n");
  EXPECT_EQ(Log(Shell("test -e /cache/x || echo gone"), {results_[0]}), "gone\n");
}

TEST_F(ExecOpTest, CacheMountStartsFromItsBase) {
  Log(Shell("echo seed > /seed"));
  const solver::ResultPtr seeded = results_[0];
  pb::Op op = Shell("cat /cache/seed; echo changed > /cache/seed");
  AddMount(op, "/cache", pb::CACHE, 1)->mutable_cacheopt()->set_id("id");
  EXPECT_EQ(Log(op, {base_, seeded}), "seed\n");
  EXPECT_EQ(Log(op, {base_, seeded}), "changed\n");
}

TEST_F(ExecOpTest, LockedCacheMountLetsOneStepInAtATime) {
  pb::Op op = Shell("test -e /cache/busy && echo overlap; touch /cache/busy; sleep 0.05; busybox rm /cache/busy");
  pb::Mount* mount = AddMount(op, "/cache", pb::CACHE);
  mount->mutable_cacheopt()->set_id("locked");
  mount->mutable_cacheopt()->set_sharing(pb::LOCKED);
  std::vector<std::string> logs(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& log : logs) {
      threads.emplace_back([&] {
        FakeContext context(job_);
        auto results = Run(op, {base_}, context);
        log = results ? context.log : results.error().message();
      });
    }
  }
  EXPECT_THAT(logs, testing::Each(""));
}

TEST_F(ExecOpTest, HostDirectoryIsBoundWhereItLies) {
  const std::string host = dir_.path() + "/context";
  fs::create_directories(host + "/sub");
  std::ofstream(host + "/sub/file") << "from the host\n";
  auto tree = snapshot::HostTree::Open(host, {});
  ASSERT_TRUE(tree);
  const solver::ResultPtr context = MakeFsResult(snapshot::FsRef(*tree));
  pb::Op op = Shell("cat /src/file; echo x 2>/dev/null > /src/new || echo refused");
  pb::Mount* mount = AddMount(op, "/src", pb::BIND, 1);
  mount->set_readonly(true);
  mount->set_selector("sub");
  EXPECT_EQ(Log(op, {base_, context}), "from the host\nrefused\n");
  mount->set_readonly(false);
  EXPECT_EQ(Log(op, {base_, context}), "from the host\n");
  EXPECT_FALSE(fs::exists(host + "/sub/new"));
  mount->set_readonly(true);
  snapshot::HostTreeFilter filter;
  filter.exclude = {"sub/file"};
  auto filtered = snapshot::HostTree::Open(host, filter);
  ASSERT_TRUE(filtered);
  pb::Op listing = Shell("ls /src");
  *listing.mutable_exec()->add_mounts() = *mount;
  EXPECT_EQ(Log(listing, {base_, MakeFsResult(snapshot::FsRef(*filtered))}), "");
}

TEST_F(ExecOpTest, EntitlementsAreAsked) {
  pb::Op op = Shell("true");
  op.mutable_exec()->set_security(pb::INSECURE);
  const Error error = Failure(op);
  EXPECT_TRUE(error.Is(ErrorCode::kPermissionDenied));
  EXPECT_THAT(error.hint(), HasSubstr("--allow security.insecure"));
  job_->allowed.security_insecure = true;
  Log(op);
}

TEST_F(ExecOpTest, CancelWhileWaitingForALock) {
  const CacheMountRequest request{"key", CacheSharing::kLocked, {}};
  auto held = CacheMount::Open(environment_.cache_mounts_dir, request, {});
  ASSERT_TRUE(held);
  std::stop_source stop;
  std::jthread waiter([&] {
    auto second = CacheMount::Open(environment_.cache_mounts_dir, request, stop.get_token());
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().Is(ErrorCode::kCanceled));
  });
  stop.request_stop();
  waiter.join();
  const CacheMountRequest private_request{"key", CacheSharing::kPrivate, {}};
  auto other = CacheMount::Open(environment_.cache_mounts_dir, private_request, {});
  ASSERT_TRUE(other);
  struct stat a {};
  struct stat b {};
  ASSERT_EQ(fstat(held->fd(), &a), 0);
  ASSERT_EQ(fstat(other->fd(), &b), 0);
  EXPECT_NE(a.st_ino, b.st_ino);
}

TEST_F(ExecOpTest, FileOpChainsActionsIntoOneLayer) {
  pb::Op op;
  for (int i = 0; i < 3; ++i) {
    pb::FileAction* action = op.mutable_file()->add_actions();
    action->set_input(i == 0 ? 0 : i);
    action->set_secondaryinput(-1);
    action->set_output(i == 2 ? 0 : -1);
    action->mutable_mkfile()->set_path(fmt::format("/etc/f{}", i));
    action->mutable_mkfile()->set_mode(0644);
    action->mutable_mkfile()->set_timestamp(-1);
    action->mutable_mkfile()->set_data("x");
  }
  Log(op);
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(FsOf(results_[0]).layers().size(), FsOf(base_).layers().size() + 1);
  EXPECT_EQ(Log(Shell("ls /etc/f*"), {results_[0]}), "/etc/f0\n/etc/f1\n/etc/f2\n");
  op.mutable_file()->mutable_actions(0)->set_input(3);
  const Error loop = Failure(op);
  EXPECT_THAT(loop.message(), HasSubstr("loop"));
}

TEST_F(ExecOpTest, FileOpOwnerByName) {
  pb::Op passwd;
  pb::FileAction* action = passwd.mutable_file()->add_actions();
  action->set_input(0);
  action->set_secondaryinput(-1);
  action->set_output(0);
  action->mutable_mkfile()->set_path("/etc/passwd");
  action->mutable_mkfile()->set_mode(0644);
  action->mutable_mkfile()->set_timestamp(-1);
  action->mutable_mkfile()->set_data("app:x:12:34::/:/bin/sh\n");
  Log(passwd);
  pb::Op op = passwd;
  pb::FileActionMkFile* file = op.mutable_file()->mutable_actions(0)->mutable_mkfile();
  file->set_path("/owned");
  file->mutable_owner()->mutable_user()->mutable_byname()->set_name("app");
  const std::vector<solver::ResultPtr> with_passwd = {results_[0]};
  Log(op, with_passwd);
  EXPECT_EQ(Log(Shell("stat -c %u:%g /owned"), {results_[0]}), "12:34\n");
}

// Timing, on request: --gtest_also_run_disabled_tests --gtest_filter='*Timing*'.
TEST_F(ExecOpTest, DISABLED_TimingOfHundredSteps) {
  solver::ResultPtr fs = base_;
  Log(Shell("true"));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) {
    Log(Shell("true"), {fs});
    fs = results_[0];
  }
  const auto end = std::chrono::steady_clock::now();
  fmt::print("RUN true with mount and commit: {:.2f} ms\n",
             std::chrono::duration<double, std::milli>(end - start).count() / 100);
}

TEST_F(ExecOpTest, DISABLED_TimingOfCopyFromHost) {
  const std::string host = dir_.path() + "/context";
  for (int i = 0; i < 20000; ++i) {
    const std::string dir = fmt::format("{}/d{}", host, i / 100);
    if (i % 100 == 0) {
      fs::create_directories(dir);
    }
    std::ofstream(fmt::format("{}/f{}", dir, i)) << std::string(static_cast<std::size_t>(i % 3000), 'x');
  }
  auto tree = snapshot::HostTree::Open(host, {});
  ASSERT_TRUE(tree);
  ASSERT_TRUE((*tree)->Entries());
  pb::Op op;
  pb::FileAction* action = op.mutable_file()->add_actions();
  action->set_input(0);
  action->set_secondaryinput(1);
  action->set_output(0);
  action->mutable_copy()->set_src("/");
  action->mutable_copy()->set_dest("/app/");
  action->mutable_copy()->set_mode(-1);
  action->mutable_copy()->set_timestamp(-1);
  action->mutable_copy()->set_createdestpath(true);
  action->mutable_copy()->set_dircopycontents(true);
  const auto start = std::chrono::steady_clock::now();
  Log(op, {base_, MakeFsResult(snapshot::FsRef(*tree))});
  const auto end = std::chrono::steady_clock::now();
  fmt::print("COPY of 20,000 files: {:.0f} ms\n", std::chrono::duration<double, std::milli>(end - start).count());
}

}  // namespace
}  // namespace loam::ops
