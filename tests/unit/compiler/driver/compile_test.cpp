#include "compiler/driver/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "compiler/driver/emit.h"
#include "compiler/ir/text.h"
#include "compiler/sema/json_build_host.h"

namespace loam::driver {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Compiled {
  source::SourceManager sources;
  const source::Buffer* buffer = nullptr;
  diag::CollectingConsumer diagnostics;
  CompileResult result;

  [[nodiscard]] std::string FirstError() const {
    for (const auto& diagnostic : diagnostics.diagnostics()) {
      if (diagnostic.is_error()) {
        return diagnostic.message + (diagnostic.hints.empty() ? "" : " | " + diagnostic.hints.front());
      }
    }
    return {};
  }
  [[nodiscard]] nlohmann::json Config(std::size_t i = 0) const {
    return nlohmann::json::parse(result.platforms.at(i).image_config);
  }
  [[nodiscard]] std::string Ir() const { return ir::PrintModule(result.module, {.metadata = false}); }
};

class CompileTest : public testing::Test {
 protected:
  CompileTest() {
    host_.AddImage("docker.io/library/alpine:latest", "sha256:" + std::string(64, 'a'),
                   R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["x"]},"config":{}})");
    host_.AddImage("docker.io/library/empty:latest", "",
                   R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}})");
    host_.AddImage("docker.io/library/broken:latest", "", "{");
    host_.AddImage("docker.io/library/trigger:latest", "",
                   R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["x"]},)"
                   R"("config":{"OnBuild":["NOPE x"]}})");
    options_.dockerfile.build_platform = "linux/amd64";
    options_.dockerfile.platforms = {"linux/amd64"};
    options_.verify = true;
  }

  std::unique_ptr<Compiled> Run(std::string text) {
    auto out = std::make_unique<Compiled>();
    out->buffer = out->sources.AddText("Dockerfile", std::move(text)).value();
    diag::Emitter emitter(out->diagnostics);
    auto result = Compile(out->sources, *out->buffer, options_, host_, emitter);
    EXPECT_TRUE(result.has_value()) << result.error().message();
    if (result) {
      out->result = std::move(*result);
    }
    return out;
  }

  sema::JsonBuildHost host_;
  CompileOptions options_;
};

TEST_F(CompileTest, EveryMistakeIsNamed) {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"ARG A=1\n", "no stage to build"},
           {"FROM $NOPE\n", "blank"},
           {"FROM Alpine\n", "lower case"},
           {"FROM alpine AS b\nFROM B\n", "lower case"},
           {"FROM ${X\n", "cannot expand"},
           {"FROM --platform=a/b/c/d alpine\n", "bad platform `a/b/c/d`"},
           {"FROM --platform=$NOPE alpine\n", "blank"},
           {"FROM alpine AS a\nCOPY --from=a / /\n", "depends on itself"},
           {"FROM alpine\nCOPY --from=0 / /\n", "`stage-0` depends on itself"},
           {"FROM alpine AS a\nCOPY --from=b / /\nFROM alpine AS b\nCOPY --from=a / /\n", "depends on itself"},
           {"FROM alpine\nARG X\nCOPY --from=$X / /\n", "not supported in `--from=$X`"},
           {"FROM alpine\nCOPY --from=7 / /\n", "no stage number 7"},
           {"FROM alpine AS a\nFROM alpine AS c\nCOPY --from=d / /\nFROM c AS d\n", "used before it is defined"},
           {"FROM alpin\n",
            "cannot resolve image `alpin`: `docker.io/library/alpin:latest` is not among the recorded "
            "images | did you mean `alpine`?"},
           {"FROM broken\n", "bad config"},
           {"FROM alpine\nRUN --mount=type=cach true\n", "no mount type `cach` | did you mean `cache`?"},
           {"FROM alpine\nCOPY --chmod=8 a b\n", "no file mode"},
           {"FROM alpine\nADD --checksum=x a b\n", "bad checksum"},
           {"FROM alpine\nCOPY http://x/y b\n", "COPY cannot fetch"},
           {"FROM alpine\nADD https://x/y.git?a=b c\n", "bad git source"},
           {"FROM alpine\nEXPOSE 1:2:3:4\n", "bad port"},
           {"FROM alpine\nSTOPSIGNAL x\n", "no signal"},
           {"FROM alpine\nVOLUME $X\n", "path is empty"},
           {"FROM alpine\nRUN []\n", "nothing to run"},
           {"# check=skipp=a\nFROM alpine\n", "bad check options: `skipp`"},
           {"# check=error=maybe\nFROM alpine\n", "`maybe` is no boolean"},
           {"FROM trigger\n", ""},
           {"FROM alpine AS a\nONBUILD RUN --bad x\nFROM a\n", ""},
           {"FROM alpine\nENV A=\xff\xfe\n", ""},
       }) {
    const auto out = Run(text);
    if (what.empty()) {
      continue;
    }
    EXPECT_FALSE(out->result.ok) << text;
    EXPECT_THAT(out->FirstError(), HasSubstr(what)) << text;
  }
  EXPECT_FALSE(Run("FROM trigger\n")->result.ok);
  EXPECT_FALSE(Run("FROM alpine AS a\nONBUILD RUN --bad x\nFROM a\n")->result.ok);
}

TEST_F(CompileTest, AllMistakesOfAStageAreReported) {
  const auto out = Run("FROM alpine\nSTOPSIGNAL x\nEXPOSE y\nVOLUME $Z\n");
  EXPECT_EQ(out->diagnostics.diagnostics().size(), 3U);
}

TEST_F(CompileTest, WrongEpochAndOptions) {
  options_.dockerfile.build_args["SOURCE_DATE_EPOCH"] = "yesterday";
  EXPECT_THAT(Run("FROM alpine\n")->FirstError(), HasSubstr("bad SOURCE_DATE_EPOCH"));
  options_.dockerfile.build_args["SOURCE_DATE_EPOCH"] = "context";
  EXPECT_TRUE(Run("FROM alpine\n")->result.ok);
  options_.dockerfile.build_args.clear();
  options_.dockerfile.target = "tets";
  EXPECT_THAT(Run("FROM alpine AS test\n")->FirstError(), HasSubstr("no stage named `tets` | did you mean `test`?"));
  options_.dockerfile.target.clear();
  options_.dockerfile.contexts["alpine"] = "gopher://x";
  EXPECT_THAT(Run("FROM alpine\n")->FirstError(), HasSubstr("build context `alpine`"));
}

TEST_F(CompileTest, Target) {
  options_.dockerfile.target = "ONE";
  const auto out = Run("FROM alpine AS one\nRUN first $TARGETSTAGE\nFROM nowhere AS two\nRUN second\n");
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  EXPECT_THAT(out->Ir(), HasSubstr("first"));
  EXPECT_THAT(out->Ir(), Not(HasSubstr("second")));
}

TEST_F(CompileTest, BuildArgsAndProxies) {
  options_.dockerfile.build_args = {{"V", "given"}, {"HTTP_PROXY", "http://p"}, {"TARGETARCH", "mine"}};
  const auto out = Run("ARG V=default\nFROM alpine\nARG V\nARG TARGETARCH\nRUN make\n");
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  EXPECT_THAT(out->Ir(), HasSubstr(R"("V=given", "TARGETARCH=mine")"));
  EXPECT_THAT(out->Ir(), HasSubstr(R"(proxy_env={http_proxy="http://p"})"));
  EXPECT_EQ(out->Config()["history"].back()["created_by"], "RUN |2 V=given TARGETARCH=mine /bin/sh -c make # buildkit");
}

TEST_F(CompileTest, LabelsHostnameNetworkResourcesAndLimits) {
  auto& options = options_.dockerfile;
  options.labels = {{"l", "v"}};
  options.hostname = "box";
  options.network = ir::Network::kHost;
  options.extra_hosts = {{"h", "1.2.3.4"}};
  options.ulimits = {{"nofile", 1, 2}};
  options.shm_size = 4096;
  options.cgroup_parent = "/cg";
  options.cache_mount_namespace = "ns";
  options.resources = sema::ResourceOptions{.memory = 7, .cpuset_cpus = {}, .cpuset_mems = {}};
  options.no_cache.emplace();
  const auto out = Run("FROM alpine\nRUN --mount=type=cache,target=/c make\n");
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  EXPECT_EQ(out->Config()["config"]["Labels"]["l"], "v");
  const std::string ir = ir::PrintModule(out->result.module);
  for (const char* part :
       {R"(hostname="box")", "network=host", R"(extra_hosts=[{host="h", ip="1.2.3.4"}])",
        R"(ulimits=[{name="nofile", soft=1, hard=2}])", R"(dest="/dev/shm", tmpfs_size=4096)", R"(cgroup_parent="/cg")",
        R"(cache_id="ns//c")", "linux_resources={memory=7}", "ignore_cache=true"}) {
    EXPECT_THAT(ir, HasSubstr(part));
  }
}

TEST_F(CompileTest, SeveralPlatforms) {
  options_.dockerfile.platforms = {"linux/amd64", "linux/arm/v7"};
  options_.dockerfile.multi_platform = true;
  const auto out = Run("FROM --platform=$BUILDPLATFORM alpine AS b\nRUN cross\nFROM scratch\nCOPY --from=b /a /a\n");
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  ASSERT_EQ(out->result.platforms.size(), 2U);
  EXPECT_EQ(out->result.platforms[1].platform, "linux/arm/v7");
  EXPECT_EQ(out->Config(1)["architecture"], "arm");
  EXPECT_EQ(out->Config(1)["variant"], "v7");
  // Built on the build platform, both are the same steps.
  EXPECT_EQ(out->result.platforms[0].definition.head, out->result.platforms[1].definition.head);
  const auto digests = EmitText(EmitKind::kDigests, out->result, *out->buffer);
  ASSERT_TRUE(digests.has_value());
  EXPECT_THAT(*digests, HasSubstr("# linux/arm/v7\n"));
  EXPECT_FALSE(EmitText(EmitKind::kLlb, out->result, *out->buffer).has_value());
  EXPECT_TRUE(EmitText(EmitKind::kLlb, out->result, *out->buffer, "linux/amd64").has_value());
}

TEST_F(CompileTest, Epoch) {
  options_.dockerfile.build_args["SOURCE_DATE_EPOCH"] = "1700000000";
  const auto out = Run("FROM alpine\nWORKDIR /x\n");
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  EXPECT_EQ(out->result.platforms[0].epoch, 1700000000);
  EXPECT_EQ(out->Config()["history"].back()["created"], "2023-11-14T22:13:20Z");
  EXPECT_THAT(out->Ir(), HasSubstr("timestamp=1700000000000000000"));
}

class TimedHost : public sema::JsonBuildHost {
 public:
  Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) override {
    asked = graph.node(source).As<ir::SourceAttrs>().identifier;
    return 1700000000;
  }
  std::string asked;
};

TEST_F(CompileTest, EpochOfAStage) {
  TimedHost host;
  options_.dockerfile.build_args = {{"SOURCE_DATE_EPOCH", "src"}, {"REF", "v2"}};
  source::SourceManager sources;
  diag::CollectingConsumer diagnostics;
  diag::Emitter emitter(diagnostics);
  const auto compile = [&](std::string text) {
    const source::Buffer* buffer = sources.AddText("Dockerfile", std::move(text)).value();
    return Compile(sources, *buffer, options_, host, emitter).value();
  };
  const auto result = compile(
      "FROM scratch AS src\nARG REF=v1\nADD https://github.com/a/b.git#$REF /\nFROM scratch\nCOPY --from=src / /\n");
  ASSERT_TRUE(result.ok);
  EXPECT_EQ(host.asked, "github.com/a/b.git#v2");
  EXPECT_EQ(result.platforms[0].epoch, 1700000000);
  EXPECT_FALSE(compile("FROM scratch AS src\nCOPY a b\nFROM scratch\nCOPY a b\n").ok);
  EXPECT_THAT(diagnostics.diagnostics().front().message, HasSubstr("one ADD"));
}

TEST_F(CompileTest, ImagesWithoutLayersAreScratch) {
  const auto out = Run("FROM empty\nCOPY a /b\n");
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  EXPECT_THAT(out->Ir(), Not(HasSubstr("source.image")));
}

TEST_F(CompileTest, NamedContexts) {
  auto& options = options_.dockerfile;
  options.session_id = "s";
  options.contexts = {{"base", "docker-image://alpine"},
                      {"files", "local:dir"},
                      {"repo", "https://github.com/a/b.git#main"},
                      {"page", "https://example.com/x"},
                      {"none", "docker-image://scratch"}};
  const auto out =
      Run("FROM base\nCOPY --from=files a b\nCOPY --from=files c d\nCOPY --from=repo e f\nCOPY --from=page g h\n"
          "COPY --from=none i j\n");
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  for (
      const char* part :
      {R"(source.local {id="dir", attrs=[{key="local.followpaths", value="[\"a\"]"}, {key="local.session", value="s"}, {key="local.sharedkeyhint", value="context:files-"}]})",
       // As upstream, every COPY from a context is a source of its own.
       R"(source.local {id="dir", attrs=[{key="local.followpaths", value="[\"c\"]"})",
       R"(source.git {id="github.com/a/b.git#main")", R"(source.http {id="https://example.com/x")",
       R"(source.image {id="docker.io/library/alpine:latest")"}) {
    EXPECT_THAT(out->Ir(), HasSubstr(part));
  }
}

TEST_F(CompileTest, RemoteContext) {
  options_.dockerfile.remote_context = "https://github.com/a/b.git#main";
  options_.dockerfile.context_subdir = "sub";
  const auto out = Run("FROM scratch\nCOPY a b\n");
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  EXPECT_THAT(out->Ir(), HasSubstr("source.git"));
  EXPECT_THAT(out->Ir(), HasSubstr(R"(source="/sub")"));
  EXPECT_THAT(out->Ir(), Not(HasSubstr("source.local")));
}

TEST_F(CompileTest, UsedPathsOfTheContext) {
  const auto out =
      Run("FROM scratch AS a\nCOPY z /\nFROM scratch\nCOPY --from=a / /\nCOPY b ./c/../a /\nADD http://x/y /\n");
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  EXPECT_THAT(out->Ir(), HasSubstr(R"(value="[\"a\",\"b\",\"z\"]")"));
  const auto all = Run("FROM scratch\nCOPY b /\nCOPY . /\n");
  EXPECT_THAT(all->Ir(), Not(HasSubstr("followpaths")));
}

TEST_F(CompileTest, LargeInputsTakeLinearTime) {
  std::string text = "FROM alpine\n";
  for (int i = 0; i < 20000; ++i) {
    text += "ENV K" + std::to_string(i) + "=v\n";
  }
  text += "RUN x\n";
  const auto out = Run(text);
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  EXPECT_EQ(out->Config()["config"]["Env"].size(), 20001U);
}

TEST_F(CompileTest, LongChainsOfStagesShareWhatTheyInherit) {
  std::string text = "FROM alpine AS s0\n";
  for (int i = 0; i < 500; ++i) {
    text +=
        "FROM s" + std::to_string(i) + " AS s" + std::to_string(i + 1) + "\nENV K" + std::to_string(i) + "=v\nARG A\n";
  }
  text += "FROM s1\nCOPY --from=s500 /a /a\nRUN x\n";
  const auto out = Run(text);
  ASSERT_TRUE(out->result.ok) << out->FirstError();
  // s1 gave its settings to two stages, and s500 its files to the last.
  EXPECT_EQ(out->Config()["config"]["Env"].size(), 2U);
  EXPECT_EQ(out->Config()["history"].size(), 4U);
}

}  // namespace
}  // namespace loam::driver
