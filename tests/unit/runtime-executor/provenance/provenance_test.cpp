#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime-executor/provenance/capture.h"
#include "runtime-executor/provenance/predicate.h"
#include "runtime-executor/provenance/request_registry.h"

namespace loam::provenance {
namespace {

using nlohmann::json;

pb::Op Source(const std::string& identifier) {
  pb::Op op;
  op.mutable_source()->set_identifier(identifier);
  return op;
}

Capture Example() {
  Capture capture;
  const std::string digest = Digest::Of("image").ToString();
  EXPECT_TRUE(capture.AddOp(Source("docker-image://docker.io/library/alpine:3@" + digest), digest).has_value());
  EXPECT_TRUE(capture.AddOp(Source("docker-image://docker.io/library/alpine:3@" + digest), digest).has_value());
  EXPECT_TRUE(capture.AddOp(Source("git://github.com/a/b.git#main:dir"), std::string(40, 'a')).has_value());
  EXPECT_TRUE(capture.AddOp(Source("https://user:pw@host/file"), Digest::Of("file").ToString()).has_value());
  pb::Op exec;
  pb::Mount* secret = exec.mutable_exec()->add_mounts();
  secret->set_mounttype(pb::SECRET);
  secret->mutable_secretopt()->set_id("key");
  secret->mutable_secretopt()->set_optional(true);
  exec.mutable_exec()->add_secretenv()->set_id("key");
  exec.mutable_exec()->add_mounts()->set_mounttype(pb::SSH);
  EXPECT_TRUE(capture.AddOp(exec, "").has_value());
  return capture;
}

json Predicate(const Capture& capture, const std::map<std::string, std::string>& attributes) {
  const auto settings = ReadSettings(attributes);
  EXPECT_TRUE(settings.has_value());
  const auto text = MakePredicate(capture, *settings, {});
  EXPECT_TRUE(text.has_value()) << text.error().message();
  return json::parse(*text);
}

TEST(PredicateTest, TellsWhatStepsGotThroughProxies) {
  Capture capture;
  capture.proxy_network = true;
  capture.AddHttp({"http://host/b", Digest::Of("b").ToString()});
  capture.AddHttp({"http://host/b", Digest::Of("other").ToString()});
  EXPECT_EQ(Predicate(capture, {})["runDetails"]["metadata"]["buildkit_metadata"]["network"],
            json({{"mode", "proxy"}}));
  capture.incomplete_materials = true;
  capture.proxy_incomplete.push_back({"sha256:1", "wget x", "POST", "http://host/c", "method"});
  const json predicate = Predicate(capture, {});
  EXPECT_EQ(predicate["runDetails"]["metadata"]["buildkit_metadata"]["network"]["proxy"]["incomplete"],
            json::array({{{"op", "sha256:1"},
                          {"name", "wget x"},
                          {"method", "POST"},
                          {"uri", "http://host/c"},
                          {"reason", "method"}}}));
  ASSERT_EQ(predicate["buildDefinition"]["resolvedDependencies"].size(), 1U);
  EXPECT_EQ(predicate["buildDefinition"]["resolvedDependencies"][0]["uri"], "http://host/b");
  const auto settings = ReadSettings({{"complete-materials", "true"}});
  ASSERT_TRUE(settings);
  const auto refused = MakePredicate(capture, *settings, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("Uncaptured requests:\n  - wget x\n    method: POST"), std::string::npos)
      << refused.error().message();
}

TEST(CaptureTest, KeepsEachFactOnce) {
  Capture capture = Example();
  capture.AddImage({"docker.io/library/alpine:3", {}, Digest::Of("image").ToString(), false});
  capture.Finish();
  ASSERT_EQ(capture.images.size(), 1);  // the one by digest is there by tag
  EXPECT_EQ(capture.images[0].reference, "docker.io/library/alpine:3");
  ASSERT_EQ(capture.git.size(), 1);
  EXPECT_EQ(capture.git[0].url, "https://github.com/a/b.git#main");
  ASSERT_EQ(capture.secrets.size(), 1);
  EXPECT_FALSE(capture.secrets[0].optional);
  ASSERT_EQ(capture.ssh.size(), 1);
  EXPECT_EQ(capture.ssh[0].id, "default");
  EXPECT_TRUE(capture.network_access);
  EXPECT_EQ(capture.http[0].url.find("pw"), std::string::npos);
}

TEST(PredicateTest, Materials) {
  Capture capture = Example();
  capture.frontend = "dockerfile.v0";
  capture.args = {{"context", "https://github.com/a/b.git#main:dir"}, {"filename", "x"}, {"vcs:revision", "r"}};
  capture.Finish();
  const json predicate = Predicate(capture, {});
  const json& definition = predicate["buildDefinition"];
  ASSERT_EQ(definition["resolvedDependencies"].size(), 3);
  EXPECT_EQ(definition["resolvedDependencies"][1]["digest"]["sha1"], std::string(40, 'a'));
  const json& source = definition["externalParameters"]["configSource"];
  EXPECT_EQ(source["uri"], "https://github.com/a/b.git#main:dir");
  EXPECT_EQ(source["digest"]["sha1"], std::string(40, 'a'));
  EXPECT_EQ(source["path"], "x");
  EXPECT_FALSE(definition["externalParameters"]["request"].contains("args"));
  const json& metadata = predicate["runDetails"]["metadata"];
  EXPECT_EQ(metadata["buildkit_metadata"]["vcs"]["revision"], "r");
  EXPECT_EQ(metadata["buildkit_completeness"]["resolvedDependencies"], true);
  EXPECT_FALSE(metadata.contains("buildkit_hermetic"));  // a step had the network
}

TEST(PredicateTest, CompleteMaterialsAreHadOrTheBuildFails) {
  Capture capture;
  EXPECT_TRUE(MakePredicate(capture, *ReadSettings({{"complete-materials", "true"}}), {}).has_value());
  EXPECT_EQ(Predicate(capture, {})["runDetails"]["metadata"]["buildkit_hermetic"], true);
  capture.locals = {"context"};
  EXPECT_FALSE(MakePredicate(capture, *ReadSettings({{"complete-materials", "true"}}), {}).has_value());
}

TEST(PredicateTest, InputsAndRootOfTheRequest) {
  const auto request = [](std::map<std::string, std::string> args) {
    return std::make_shared<Request>(DescribeRequest("dockerfile.v0", std::move(args), {}));
  };
  const auto base = request({{"target", "base"}, {"build-arg:A", "1"}, {"filename", "Dockerfile"}});
  base->inputs["inner"] = request({{"target", "seed"}});
  Capture capture;
  capture.frontend = "dockerfile.v0";
  capture.args = {{"context:linked", "input:base"}};
  capture.inputs["base"] = base;
  capture.root = request({{"root-request", "x"}});
  const json max = Predicate(capture, {})["buildDefinition"]["externalParameters"]["request"];
  EXPECT_EQ(max["inputs"]["base"]["request"]["args"], json({{"target", "base"}, {"build-arg:A", "1"}}));
  EXPECT_EQ(max["inputs"]["base"]["configSource"]["path"], "Dockerfile");
  EXPECT_EQ(max["inputs"]["base"]["request"]["inputs"]["inner"]["request"]["args"]["target"], "seed");
  EXPECT_EQ(max["root"]["request"]["args"]["root-request"], "x");

  const json min = Predicate(capture, {{"mode", "min"}});
  EXPECT_EQ(min["buildDefinition"]["externalParameters"]["request"]["inputs"]["base"]["request"]["args"],
            json({{"target", "base"}}));
  EXPECT_EQ(min["runDetails"]["metadata"]["buildkit_completeness"]["request"], false);
}

TEST(PredicateTest, EnvironmentOfTheBuilder) {
  Capture capture;
  capture.frontend = "dockerfile.v0";
  provenance::Run run;
  run.environment = R"({"rack":{"row":7}})";
  run.dockerfile_version = "1.26.0";
  const auto environment = [&](const std::string& version) {
    const auto text = MakePredicate(capture, *ReadSettings({{"version", version}}), run);
    EXPECT_TRUE(text.has_value());
    const json predicate = json::parse(text.value_or("{}"));
    return version == "v1" ? predicate["buildDefinition"]["internalParameters"]
                           : predicate["invocation"]["environment"];
  };
  for (const std::string version : {"v1", "v0.2"}) {
    EXPECT_EQ(environment(version)["rack"]["row"], 7);
    EXPECT_EQ(environment(version)["dockerfileVersion"], "1.26.0");
  }
  capture.frontend = "gateway.v0";
  EXPECT_FALSE(environment("v1").contains("dockerfileVersion"));
  run.environment = "[]";
  EXPECT_FALSE(MakePredicate(capture, *ReadSettings({}), run).has_value());
}

TEST(RequestRegistryTest, FindsWhatMadeADefinitionWhileItsBuildLives) {
  pb::Definition definition;
  pb::Op result;
  result.add_inputs()->set_digest(Digest::Of("x").ToString());
  definition.add_def(result.SerializeAsString());
  const std::string bytes = definition.SerializeAsString();
  const auto request = [](const std::string& target) {
    auto made = std::make_shared<Request>(DescribeRequest("dockerfile.v0", {{"target", target}}, {}));
    made->root = std::make_shared<Request>();
    return made;
  };
  RequestRegistry registry;
  EXPECT_EQ(registry.Find(bytes), nullptr);
  const auto first = registry.Register(bytes, request("a"));
  ASSERT_NE(registry.Find(bytes), nullptr);
  EXPECT_EQ(registry.Find(bytes)->args.at("target"), "a");
  EXPECT_EQ(registry.Find(bytes)->root, nullptr);
  const auto same = registry.Register(bytes, request("a"));
  EXPECT_NE(registry.Find(bytes), nullptr);
  auto other = registry.Register(bytes, request("b"));
  EXPECT_EQ(registry.Find(bytes), nullptr) << "two different requests made the same";
  other.reset();
  EXPECT_NE(registry.Find(bytes), nullptr);
  EXPECT_EQ(registry.Register(pb::Definition().SerializeAsString(), request("a")), nullptr) << "scratch is nobody's";
}

TEST(SettingsTest, MistakesAreSaid) {
  EXPECT_FALSE(ReadSettings({{"version", "v9"}}).has_value());
  EXPECT_FALSE(ReadSettings({{"mode", "x"}}).has_value());
  EXPECT_FALSE(ReadSettings({{"reproducible", "x"}}).has_value());
  EXPECT_TRUE(ReadSettings({{"inline-only", "x"}}).has_value());
}

TEST(ShownOptionsTest, NothingOfTheHost) {
  const auto shown = ShownOptions({{"attest:provenance", ""},
                                   {"platform", "linux/amd64"},
                                   {"cache-imports", "[]"},
                                   {"context", "https://u:p@host/x.git"},
                                   {"target", "t"}});
  ASSERT_EQ(shown.size(), 2);
  EXPECT_EQ(shown.at("target"), "t");
  EXPECT_EQ(shown.at("context").find("u:p"), std::string::npos);
}

}  // namespace
}  // namespace loam::provenance
