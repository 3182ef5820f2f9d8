#include "cli/config.h"

#include <gmock/gmock.h>

namespace loam::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Config, Registries) {
  const Result<Config> config = ParseConfig(R"(
root = "/srv/loam"
[registry."docker.io"]
mirrors = ["a.example", "b.example/prefix"]
[registry."r.example:5000"]
http = true
insecure = true
ca = ["/ca.pem"]
keypair = [{key = "/key.pem", cert = "/cert.pem"}]
)",
                                            "config.toml");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->root, "/srv/loam");
  EXPECT_THAT(config->registries.at("docker.io").mirrors, ElementsAre("a.example", "b.example/prefix"));
  const registry::HostConfig& host = config->registries.at("r.example:5000");
  EXPECT_EQ(host.plain_http, true);
  EXPECT_TRUE(host.insecure);
  EXPECT_EQ(host.ca_file, "/ca.pem");
  EXPECT_EQ(host.client_key_file, "/key.pem");
  EXPECT_EQ(host.client_cert_file, "/cert.pem");
}

TEST(Config, MistakesNameTheirLine) {
  for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
           {"root = 1", "c:1: `root` is a string"},
           {"\n[registry.\"x\"]\nhttp = \"yes\"", "c:3: `http` is true or false"},
           {"[registry.\"x\"]\nmirror = []", "c:2: unknown key `mirror`"},
           {"rot = \"/\"", "c:1: unknown key `rot`"},
           {"root = ", "c:1: "},
           {"[registry]\nx = 1", "a registry is a table"},
           {"[registry.\"x\"]\nkeypair = []", "`keypair` is a list of one"}}) {
    const Result<Config> config = ParseConfig(text, "c");
    ASSERT_FALSE(config.has_value()) << text;
    EXPECT_THAT(config.error().message(), HasSubstr(message));
  }
}

}  // namespace
}  // namespace loam::cli
