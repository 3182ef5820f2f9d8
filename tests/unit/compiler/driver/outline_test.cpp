#include "compiler/driver/outline_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/describe_report.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::driver {
namespace {

class OutlineTest : public testing::Test {
 protected:
  Outline Collect(std::string text, std::map<std::string, std::string> build_args = {}, std::string target = {}) {
    buffer_ = sources_.AddText("Dockerfile", std::move(text)).value();
    OutlineCollector collector;
    CompileOptions options;
    options.stop_after = StopAfter::kSema;
    options.parameters = &collector;
    options.dockerfile.build_args = std::move(build_args);
    options.dockerfile.target = std::move(target);
    diag::CollectingConsumer diagnostics;
    diag::Emitter emitter(diagnostics);
    sema::UnknownBuildHost host;
    EXPECT_TRUE(Compile(sources_, *buffer_, options, host, emitter).value().ok);
    return collector.Collect();
  }

  source::SourceManager sources_;
  const source::Buffer* buffer_ = nullptr;
};

std::vector<std::string> Shown(const Outline& outline) {
  std::vector<std::string> rows;
  for (const OutlineArg& arg : outline.args) {
    rows.push_back(arg.name + "=" + arg.value + "@" + std::to_string(arg.lines.first));
  }
  return rows;
}

constexpr const char* kStages = R"(# TREE is where the sources are
ARG TREE=src
ARG WHERE=/${TREE}
ARG UNUSED=x${TREE}
ARG SUFFIX=atch
ARG KIND=${SUFFIX}

FROM scr${KIND} AS tools
# LEVEL of optimisation
ARG LEVEL=2
RUN --mount=type=secret,id=token,required=true --mount=type=ssh make
FROM scratch AS other
ARG NOT_NEEDED=1
RUN --mount=type=secret,id=unneeded true
FROM scratch AS base
ARG WHERE
ARG EMPTY
RUN --mount=type=secret,id=key-${WHERE} --mount=type=ssh,id=deploy,required true
# result is what is shipped
FROM base AS result
COPY --from=tools /a /b
)";

TEST_F(OutlineTest, WhatTheTargetAndItsStagesUse) {
  const Outline outline = Collect(kStages, {{"LEVEL", "3"}});
  EXPECT_EQ(outline.name, "result");
  EXPECT_EQ(outline.description, "is what is shipped");
  EXPECT_THAT(Shown(outline), testing::ElementsAre("TREE=src@2", "WHERE=/src@3", "SUFFIX=atch@5", "KIND=atch@6",
                                                   "LEVEL=3@10", "EMPTY=@17"));
  EXPECT_EQ(outline.args[0].description, "is where the sources are");
  EXPECT_EQ(outline.args[4].description, "of optimisation");
  ASSERT_EQ(outline.secrets.size(), 2U);
  EXPECT_EQ(outline.secrets[0].name, "token");
  EXPECT_TRUE(outline.secrets[0].required);
  EXPECT_EQ(outline.secrets[1].name, "key-/src");
  EXPECT_FALSE(outline.secrets[1].required);
  ASSERT_EQ(outline.ssh.size(), 2U);
  EXPECT_EQ(outline.ssh[0].name, "default");
  EXPECT_EQ(outline.ssh[1].name, "deploy");
  EXPECT_TRUE(outline.ssh[1].required);
}

TEST_F(OutlineTest, AnotherTargetHasOtherParameters) {
  const Outline outline = Collect(kStages, {}, "other");
  EXPECT_THAT(Shown(outline), testing::ElementsAre("NOT_NEEDED=1@13"));
  ASSERT_EQ(outline.secrets.size(), 1U);
  EXPECT_EQ(outline.secrets[0].name, "unneeded");
  EXPECT_TRUE(outline.ssh.empty());
}

TEST_F(OutlineTest, AnArgumentThatExtendsItself) {
  const Outline outline =
      Collect("ARG A=1\nARG B=2\nARG C=3\nARG A=${A}${B}\nARG D=$A\nARG A=$A-$D\nFROM scratch\nARG A\n");
  EXPECT_THAT(Shown(outline), testing::ElementsAre("B=2@2", "D=12@5", "A=12-12@6"));
}

TEST_F(OutlineTest, TextAndJson) {
  const Outline outline =
      Collect("FROM scratch AS x\nARG A=<1>\n# LONGER one\nARG LONGER\nRUN --mount=type=secret,id=s,required true\n");
  EXPECT_EQ(OutlineText(outline),
            "TARGET: x\n"
            "\n"
            "BUILD ARG   VALUE   DESCRIPTION\n"
            "A           <1>     \n"
            "LONGER              one\n"
            "\n"
            "SECRET   REQUIRED\n"
            "s        true\n"
            "\n");
  EXPECT_EQ(OutlineJson(outline, *buffer_), R"({
  "name": "x",
  "args": [
    {
      "name": "A",
      "value": "\u003c1\u003e",
      "location": {
        "ranges": [
          {
            "start": {
              "line": 2
            },
            "end": {
              "line": 2
            }
          }
        ]
      }
    },
    {
      "name": "LONGER",
      "description": "one",
      "location": {
        "ranges": [
          {
            "start": {
              "line": 4
            },
            "end": {
              "line": 4
            }
          }
        ]
      }
    }
  ],
  "secrets": [
    {
      "name": "s",
      "required": true,
      "location": {
        "ranges": [
          {
            "start": {
              "line": 5
            },
            "end": {
              "line": 5
            }
          }
        ]
      }
    }
  ],
  "sources": [
    ")" + Base64Encode(buffer_->text()) + R"("
  ]
}
)");
}

TEST(DescribeTest, TextAndJson) {
  EXPECT_EQ(DescribeText(),
            "NAME                 VERSION DESCRIPTION\n"
            "outline              1.0.0   List all parameters current build target supports\n"
            "targets              1.0.0   List all targets current build supports\n"
            "subrequests.describe 1.0.0   List available subrequest types\n");
  const auto json = nlohmann::ordered_json::parse(DescribeJson());
  ASSERT_EQ(json.size(), 3U);
  EXPECT_EQ(
      json[0].dump(),
      R"({"name":"frontend.outline","version":"1.0.0","type":"rpc",)"
      R"("description":"List all parameters current build target supports",)"
      R"("opts":[{"name":"target","description":"Target build stage"}],"inputs":null,)"
      R"("metadata":[{"name":"result.json","description":""},{"name":"result.txt","description":""}],"refs":null})");
  EXPECT_EQ(json[1]["opts"].dump(), "[]");
  EXPECT_TRUE(json[2]["opts"].is_null());
}

}  // namespace
}  // namespace loam::driver
