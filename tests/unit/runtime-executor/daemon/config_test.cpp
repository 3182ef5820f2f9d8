#include "runtime-executor/daemon/config.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "base/file_system.h"

namespace loam::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

Result<Config> Read(std::string_view text) {
  Config config;
  LOAM_TRY(ReadConfig(text, "buildkitd.toml", config));
  return config;
}

Result<Config> Parse(std::vector<std::string> arguments) {
  // No file of the machine plays a part.
  arguments.insert(arguments.begin(), "--config=/nonexistent/buildkitd.toml");
  return LOAM_TRY(ParseArguments("buildkitd", arguments)).config;
}

TEST(ConfigTest, ReadsEverythingThatIsHonoured) {
  const auto config = Read(R"(
root = "/foo/bar"
insecure-entitlements = ["security.insecure"]
proxyNetwork = true
[log]
format = "json"
level = "debug"
[grpc]
address = ["unix:///x.sock", "tcp://127.0.0.1:1"]
uid = 12
gid = 1234
[grpc.tls]
cert = "c.pem"
key = "k.pem"
ca = "a.pem"
[otel]
socketPath = "/tmp/otel.sock"
[cdi]
disabled = true
specDirs = ["/etc/cdi"]
[worker.oci]
enabled = true
snapshotter = "native"
platforms = ["linux/amd64", "linux/arm64"]
gc = false
reservedSpace = "10%"
max-parallelism = 3
defaultCgroupParent = "builds"
[worker.oci.labels]
"aa.bb.cc" = "baz"
[[worker.oci.gcpolicy]]
all = true
filters = ["type==regular"]
keepDuration = 3600
keepBytes = 20
[[worker.oci.gcpolicy]]
keepDuration = "24h"
maxUsedSpace = "80%"
minFreeSpace = "1GB"
[registry."docker.io"]
mirrors = ["hub.example"]
http = true
insecure = true
ca = ["ca.pem"]
tlsconfigdir = ["/etc/x"]
[[registry."docker.io".keypair]]
key = "key.pem"
cert = "cert.pem"
[dns]
nameservers = ["1.1.1.1"]
options = ["edns0"]
searchDomains = ["example.com"]
[history]
maxAge = "1h"
maxEntries = 7
[frontend."dockerfile.v0"]
enabled = false
[frontend."gateway.v0"]
allowedRepositories = ["docker.io/docker/dockerfile"]
[system]
maxRegistryConcurrency = 9
)");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->root, "/foo/bar");
  EXPECT_THAT(config->entitlements, ElementsAre("security.insecure"));
  EXPECT_TRUE(config->log_json);
  EXPECT_EQ(config->log_level, LogLevel::kDebug);
  EXPECT_THAT(config->server.addresses, ElementsAre("unix:///x.sock", "tcp://127.0.0.1:1"));
  EXPECT_EQ(config->server.socket_uid, 12U);
  EXPECT_EQ(config->server.socket_gid, 1234U);
  EXPECT_EQ(config->server.tls.certificate_file, "c.pem");
  EXPECT_EQ(config->server.tls.key_file, "k.pem");
  EXPECT_EQ(config->server.tls.client_ca_file, "a.pem");
  EXPECT_EQ(config->otel_socket, "/tmp/otel.sock");
  EXPECT_TRUE(config->proxy_network);
  EXPECT_TRUE(config->cdi_disabled);
  EXPECT_THAT(config->cdi_spec_dirs, ElementsAre("/etc/cdi"));
  EXPECT_EQ(config->worker.snapshotter, "native");
  EXPECT_EQ(config->worker.platforms.size(), 2U);
  EXPECT_EQ(config->worker.labels.at("aa.bb.cc"), "baz");
  EXPECT_EQ(config->worker.max_parallelism, 3);
  EXPECT_EQ(config->worker.cgroup_parent, "builds");
  EXPECT_FALSE(config->worker.gc.enabled);
  EXPECT_EQ(config->worker.gc.reserved.percent, 10);
  ASSERT_EQ(config->worker.gc.policy.size(), 2U);
  EXPECT_TRUE(config->worker.gc.policy[0].all);
  EXPECT_EQ(config->worker.gc.policy[0].keep_duration, 1h);
  EXPECT_EQ(config->worker.gc.policy[0].reserved.bytes, 20);
  EXPECT_EQ(config->worker.gc.policy[1].keep_duration, 24h);
  EXPECT_EQ(config->worker.gc.policy[1].max_used.percent, 80);
  EXPECT_EQ(config->worker.gc.policy[1].min_free.bytes, 1 << 30);
  const RegistrySettings& registry = config->registries.at("docker.io");
  EXPECT_THAT(registry.mirrors, ElementsAre("hub.example"));
  EXPECT_EQ(registry.http, true);
  EXPECT_TRUE(registry.insecure);
  EXPECT_THAT(registry.ca_files, ElementsAre("ca.pem"));
  EXPECT_EQ(registry.key_pairs.at(0).key_file, "key.pem");
  EXPECT_EQ(registry.key_pairs.at(0).certificate_file, "cert.pem");
  EXPECT_THAT(registry.tls_directories, ElementsAre("/etc/x"));
  ASSERT_TRUE(config->dns);
  EXPECT_THAT(config->dns->nameservers, ElementsAre("1.1.1.1"));
  EXPECT_THAT(config->dns->options, ElementsAre("edns0"));
  EXPECT_THAT(config->dns->search_domains, ElementsAre("example.com"));
  EXPECT_EQ(config->history.max_age, 1h);
  EXPECT_EQ(config->history.max_entries, 7);
  EXPECT_FALSE(config->frontends.dockerfile);
  EXPECT_TRUE(config->frontends.gateway);
  EXPECT_THAT(config->frontends.gateway_repositories, ElementsAre("docker.io/docker/dockerfile"));
  EXPECT_EQ(config->registry_concurrency, 9);
  EXPECT_THAT(config->warnings, ElementsAre());
}

TEST(ConfigTest, NetworksOfSteps) {
  const auto config = Read(
      "[worker.oci]\nnetworkMode = \"bridge\"\ncniConfigPath = \"/c.json\"\ncniBinaryPath = \"/bin/cni\"\n"
      "cniPoolSize = 3\nbridgeName = \"br7\"\nbridgeSubnet = \"10.7.0.0/16\"\n");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_THAT(config->warnings, ElementsAre());
  EXPECT_EQ(config->worker.network, "bridge");
  EXPECT_EQ(config->worker.cni_config_path, "/c.json");
  EXPECT_EQ(config->worker.cni_binary_path, "/bin/cni");
  EXPECT_EQ(config->worker.cni_pool_size, 3);
  EXPECT_EQ(config->worker.bridge_name, "br7");
  EXPECT_EQ(config->worker.bridge_subnet, "10.7.0.0/16");
}

TEST(ConfigTest, UnknownSettingsAreWarnings) {
  const auto config = Read("roott = \"/x\"\n[worker.oci]\nstargzSnapshotter = 3\nx.y = 1\n");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_THAT(config->warnings,
              testing::UnorderedElementsAre("buildkitd.toml:1: unknown setting `roott`",
                                            "buildkitd.toml:3: setting `stargzSnapshotter` has no effect here",
                                            "buildkitd.toml:4: unknown setting `worker.oci.x`"));
}

TEST(ConfigTest, WhatCannotBeHonouredIsAnError) {
  const std::pair<const char*, const char*> cases[] = {
      {"root = 1", "buildkitd.toml:1: `root` is a string"},
      {"root = ", "failed to parse config: buildkitd.toml:1"},
      {"insecure-entitlements = [\"all\"]", "invalid entitlement : all"},
      {"[worker.oci]\nselinux = true", "SELinux is not supported"},
      {"[worker.oci]\nrootless = true", "rootless worker is not supported"},
      {"[cache.gha.verify]\nrequired = true", "the verification of GitHub's caches is not supported"},
      {"[cache.gha.sign]\ncommand = [\"cosign\"]", "the signing of GitHub's caches is not supported"},
      {"[worker.oci]\nnetworkMode = \"wifi\"", "invalid network mode: wifi"},
      {"[worker.oci]\nsnapshotter = \"stargz\"", "snapshotter stargz is not supported"},
      {"[worker.oci]\nenabled = false", "no worker found"},
      {"[worker.containerd]\nenabled = true", "the only worker is the OCI worker"},
      {"[log]\nlevel = \"loud\"", "unknown log level `loud`"},
      {"[log]\nformat = \"xml\"", "unsupported log type"},
      {"[[worker.oci.gcpolicy]]\nreservedSpace = \"x\"", "invalid disk space x"},
      {"[system]\nmaxRegistryConcurrency = 0", "must be greater than zero"},
  };
  for (const auto& [text, message] : cases) {
    const auto config = Read(text);
    ASSERT_FALSE(config) << text;
    EXPECT_THAT(config.error().message(), HasSubstr(message)) << text;
  }
}

TEST(FlagsTest, EveryFlagOfBuildkitd) {
  const auto config = Parse({"--addr",
                             "unix:///a.sock",
                             "--addr=tcp://0.0.0.0:1",
                             "--root",
                             "/state",
                             "--debug",
                             "--log-format=json",
                             "--group",
                             "docker",
                             "--tlscert=c",
                             "--tlskey=k",
                             "--tlscacert=a",
                             "--allow-insecure-entitlement",
                             "network.host",
                             "--allow-insecure-entitlement=security.insecure",
                             "--oci-worker=true",
                             "--containerd-worker=false",
                             "--containerd-worker-addr",
                             "/run/x.sock",
                             "--containerd-worker-gc",
                             "--oci-worker-labels=a=b,c=d",
                             "--oci-worker-snapshotter=overlayfs",
                             "--oci-worker-platform=linux/amd64",
                             "--oci-worker-platform=linux/arm64",
                             "--oci-worker-net=host",
                             "--oci-worker-binary=runc",
                             "--oci-max-parallelism=4",
                             "--oci-worker-gc=false",
                             "--oci-worker-gc-keepstorage=10,20",
                             "--otel-socket-path=/o.sock",
                             "--cdi-disabled",
                             "--cdi-spec-dir=/cdi"});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_THAT(config->server.addresses, ElementsAre("unix:///a.sock", "tcp://0.0.0.0:1"));
  EXPECT_EQ(config->root, "/state");
  EXPECT_EQ(config->log_level, LogLevel::kDebug);
  EXPECT_TRUE(config->log_json);
  EXPECT_EQ(config->server.socket_group, "docker");
  EXPECT_EQ(config->server.tls.certificate_file, "c");
  EXPECT_THAT(config->entitlements, ElementsAre("network.host", "security.insecure"));
  EXPECT_EQ(config->worker.labels.at("a"), "b,c=d");
  EXPECT_EQ(config->worker.platforms.size(), 2U);
  EXPECT_EQ(config->worker.binary, "runc");
  EXPECT_EQ(config->worker.max_parallelism, 4);
  EXPECT_FALSE(config->worker.gc.enabled);
  EXPECT_EQ(config->worker.gc.min_free.bytes, 20'000'000);
  EXPECT_EQ(config->otel_socket, "/o.sock");
  EXPECT_TRUE(config->cdi_disabled);
  EXPECT_THAT(config->cdi_spec_dirs, ElementsAre("/cdi"));
  EXPECT_THAT(config->warnings, ElementsAre(HasSubstr("containerd-worker-addr"), HasSubstr("containerd-worker-gc"),
                                            HasSubstr("/nonexistent/buildkitd.toml")));
}

TEST(FlagsTest, ErrorsSayWhatIsWrong) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"--no-such"}, "flag provided but not defined: -no-such"},
      {{"serve"}, "unexpected argument `serve`"},
      {{"--root"}, "flag needs an argument: --root"},
      {{"--debug=perhaps"}, "`perhaps` is neither true nor false"},
      {{"--oci-worker=false"}, "no worker found"},
      {{"--stop-timeout=soon"}, "--stop-timeout"},
      {{"--containerd-worker=true"}, "the only worker is the OCI worker"},
      {{"--rootless"}, "running without root is not supported"},
      {{"--oci-worker-selinux"}, "SELinux is not supported"},
      {{"--oci-worker-labels=x"}, "invalid value x"},
      {{"--oci-worker-net=wifi"}, "invalid network mode: wifi"},
      {{"--oci-cni-pool-size=some"}, "`some` is no number"},
      {{"--oci-max-parallelism=many"}, "`many` is no number"},
      {{"--allow-insecure-entitlement=all"}, "invalid entitlement : all"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto config = Parse(arguments);
    ASSERT_FALSE(config) << arguments.front();
    EXPECT_THAT(config.error().message(), HasSubstr(message));
  }
}

TEST(FlagsTest, WhatIsOffAnywayMayBeSwitchedOff) {
  EXPECT_TRUE(
      Parse({"--rootless=false", "--oci-worker-selinux=false", "--oci-worker-rootless=false", "--oci-worker=auto"}));
}

TEST(FlagsTest, FlagsComeBeforeTheFile) {
  const TempDir directory = TempDir::Create().value();
  const std::string file = directory.Child("buildkitd.toml");
  ASSERT_TRUE(WriteFileAtomic(file,
                              "root = \"/file\"\ninsecure-entitlements = [\"security.insecure\"]\n"
                              "[grpc]\naddress = [\"unix:///file.sock\"]\n"));
  const auto from_file = ParseArguments("buildkitd", {"--config", file});
  ASSERT_TRUE(from_file);
  EXPECT_EQ(from_file->config.root, "/file");
  EXPECT_THAT(from_file->config.server.addresses, ElementsAre("unix:///file.sock"));
  const auto both = ParseArguments("buildkitd", {"--config", file, "--root=/flag", "--addr=unix:///flag.sock",
                                                 "--allow-insecure-entitlement=network.host"});
  ASSERT_TRUE(both);
  EXPECT_EQ(both->config.root, "/flag");
  EXPECT_THAT(both->config.server.addresses, ElementsAre("unix:///flag.sock"));
  EXPECT_THAT(both->config.entitlements, ElementsAre("network.host"));
}

TEST(FlagsTest, HelpAndVersionAreTexts) {
  EXPECT_THAT(ParseArguments("buildkitd", {"--version"})->text, testing::StartsWith("buildkitd loam v"));
  EXPECT_THAT(ParseArguments("loamd", {"-h"})->text, HasSubstr("--oci-worker-gc-keepstorage VALUE"));
}

}  // namespace
}  // namespace loam::daemon
