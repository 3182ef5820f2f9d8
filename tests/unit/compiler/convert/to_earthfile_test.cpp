#include "compiler/convert/to_earthfile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/parse/parse.h"

namespace loam::convert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Converted {
  ToEarthfileResult result;
  std::vector<std::string> told;
  std::vector<std::string_view> codes;
};

Converted Convert(const std::string& text, const ToEarthfileOptions& options = {}) {
  source::SourceManager sources;
  const source::Buffer* buffer = *sources.AddText("Dockerfile", text);
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const ast::Dockerfile file = ast::BuildDockerfile(parse::ParseDockerfile(*buffer, emitter).tree, *buffer, emitter);
  EXPECT_FALSE(emitter.has_errors()) << text;
  Converted out{ToEarthfile(file, *buffer, options, emitter), {}, {}};
  for (const diag::Diagnostic& diagnostic : consumer.diagnostics()) {
    out.told.push_back(diagnostic.message);
    out.codes.push_back(diag::InfoOf(diagnostic.kind).code);
  }
  return out;
}

// The commands of the last stage.
std::string Body(const std::string& instructions) {
  const Converted converted = Convert("FROM a AS x\n" + instructions);
  EXPECT_EQ(converted.result.kept, 0U) << (converted.told.empty() ? "" : converted.told.front());
  const std::string front = "VERSION 0.8\n\nx:\n    FROM a\n";
  EXPECT_TRUE(converted.result.text.starts_with(front)) << converted.result.text;
  return converted.result.text.substr(std::min(front.size(), converted.result.text.size()));
}

// Why the stage stays a Dockerfile.
std::string Obstacle(const std::string& instructions) {
  const Converted converted = Convert("FROM a AS x\n" + instructions);
  EXPECT_EQ(converted.result.kept, 1U) << converted.result.text;
  return converted.told.empty() ? "" : converted.told.front();
}

TEST(ToEarthfile, StagesBecomeTargetsAndCopiedPathsArtifacts) {
  const Converted converted = Convert(
      "# compiles it\nFROM golang:1.22 AS Build\nWORKDIR /src\nCOPY go.mod .\nRUN go mod download\nCOPY . .\n"
      "RUN go build -o /out/app\n\nFROM alpine:3.20\nCOPY --from=build /out/app /usr/bin/app\n"
      "COPY --from=build /out/app /etc/*.conf /x/\nCOPY --from=docker:27 /usr/bin/docker /usr/bin/\nCMD [\"app\"]\n",
      {.image = "app:latest"});
  EXPECT_THAT(converted.told, IsEmpty());
  EXPECT_EQ(converted.result.stages, 2U);
  EXPECT_EQ(converted.result.text, R"(VERSION 0.8

files-of-docker:
    FROM docker:27
    SAVE ARTIFACT --keep-ts /usr/bin/docker 1/docker

# compiles it
build:
    FROM golang:1.22
    WORKDIR /src
    COPY --keep-ts go.mod .
    RUN go mod download
    COPY --keep-ts . .
    RUN go build -o /out/app
    SAVE ARTIFACT --keep-ts /out/app 1/app
    SAVE ARTIFACT --keep-ts /etc/*.conf 2/

image:
    FROM alpine:3.20
    COPY --keep-ts +build/1/app /usr/bin/app
    COPY --keep-ts +build/1/app +build/2/*.conf /x/
    COPY --keep-ts +files-of-docker/1/docker /usr/bin/
    CMD ["app"]
    SAVE IMAGE app:latest
)");
}

TEST(ToEarthfile, RunKeepsItsLinesAndComments) {
  EXPECT_EQ(Body("RUN apt-get update && \\\n  # the compiler\n  apt-get install -y \\\n     gcc \\\n\n     make\n"),
            "    RUN apt-get update && \\\n        # the compiler\n        apt-get install -y \\\n        gcc \\\n"
            "        make\n");
  // Blanks in quotes would be lost on a line of their own.
  EXPECT_EQ(Body("RUN echo \"a \\\n   b\"\n"), "    RUN echo \"a    b\"\n");
  EXPECT_EQ(Body("RUN [\"a b\", \"c\"]\n"), "    RUN [\"a b\", \"c\"]\n");
  EXPECT_EQ(Body("RUN --mount=type=cache,target=/c --network=none make\n"),
            "    RUN --network=none --mount=type=cache,target=/c,id=/c,sharing=shared,mode=0755 make\n");
  EXPECT_EQ(Body("RUN --mount=type=secret,id=k,required=true cat /run/secrets/k\n"),
            "    RUN --mount=type=secret,id=k,target=/run/secrets/k,mode=0400 cat /run/secrets/k\n");
  EXPECT_EQ(Body("RUN --security=insecure x\n"), "    RUN --privileged x\n");
}

TEST(ToEarthfile, DefaultsThatDifferAreWritten) {
  EXPECT_EQ(Body("CMD echo $HOME && true\n"), "    CMD [\"/bin/sh\", \"-c\", \"echo $HOME && true\"]\n");
  EXPECT_EQ(Body("HEALTHCHECK --interval=5s CMD curl -f \"http://x\"\n"),
            "    HEALTHCHECK --interval=5s --timeout=0s --start-period=0s --start-interval=0s --retries=0 CMD "
            "'curl -f \"http://x\"'\n");
  EXPECT_EQ(Body("USER app\nCOPY a b\nWORKDIR /w\nUSER root\nCOPY a b\n"),
            "    USER app\n    COPY --keep-ts --chown=0:0 a b\n    WORKDIR /w\n    USER root\n"
            "    COPY --keep-ts a b\n");
  EXPECT_EQ(Body("COPY libstdc++/x /c+d b\n"), "    COPY --keep-ts libstdc\\+\\+/x c\\+d b\n");
  EXPECT_EQ(Body("ENV a=1 b=\"x y\"\nENV c some words\nLABEL l=v \"m\"=w\nEXPOSE 80 90/udp\nVOLUME [\"/a b\"]\n"),
            "    ENV a=1\n    ENV b=\"x y\"\n    ENV c=some words\n    LABEL l=v\n    LABEL m=w\n    EXPOSE 80 90/udp\n"
            "    VOLUME \"/a b\"\n");
}

TEST(ToEarthfile, ScopesOfArgs) {
  const Converted converted = Convert("ARG V=1\nARG IMG=alpine:$V\nFROM $IMG AS a\nRUN x\nFROM a AS b\nARG V\nRUN y\n");
  EXPECT_EQ(converted.result.kept, 0U);
  // The ARGs of the FROM line are not seen by RUN x.
  EXPECT_THAT(converted.result.text,
              HasSubstr("a-from:\n    ARG V=1\n    ARG IMG=alpine:$V\n    FROM $IMG\n\na:\n    FROM +a-from\n"));
  EXPECT_THAT(converted.result.text, HasSubstr("b:\n    FROM +a\n    ARG V=1\n    RUN y\n"));
  // Those of a stage are also those of the stages that continue it.
  EXPECT_THAT(Convert("FROM a AS x\nARG V=1\nFROM x\nRUN y\n").result.text,
              HasSubstr("image:\n    FROM +x\n    ARG V=1\n    RUN y\n"));
  EXPECT_THAT(Convert("FROM a\nARG V\n").told, ElementsAre(HasSubstr("without a value the ARG `V`")));
  EXPECT_THAT(Convert("FROM --platform=$BUILDPLATFORM a\nRUN x\n").result.text,
              HasSubstr("FROM --platform=native a\n"));
}

TEST(ToEarthfile, WhatHasNoCounterpartStaysADockerfile) {
  EXPECT_THAT(Obstacle("ADD x y\n"), HasSubstr("`+x` builds the stage by FROM DOCKERFILE: Earthfiles have no "
                                               "counterpart of ADD"));
  EXPECT_THAT(Obstacle("SHELL [\"bash\", \"-c\"]\nRUN x\n"), HasSubstr("SHELL"));
  EXPECT_THAT(Obstacle("ONBUILD RUN x\n"), HasSubstr("ONBUILD"));
  EXPECT_THAT(Obstacle("STOPSIGNAL 9\n"), HasSubstr("STOPSIGNAL"));
  EXPECT_THAT(Obstacle("RUN <<EOF\nx\nEOF\n"), HasSubstr("heredocs"));
  EXPECT_THAT(Obstacle("RUN --mount=target=/x y\n"), HasSubstr("type bind"));
  EXPECT_THAT(Obstacle("RUN --mount=type=secret,id=x y\n"), HasSubstr("may be missing"));
  EXPECT_THAT(Obstacle("RUN --mount=type=cache,target=/c,uid=1 y\n"), HasSubstr("`uid`"));
  EXPECT_THAT(Obstacle("RUN --network=host x\n"), HasSubstr("--network=host"));
  EXPECT_THAT(Obstacle("COPY --exclude=a . .\n"), HasSubstr("--exclude"));
  EXPECT_THAT(Obstacle("COPY --from=b / /x\n"), HasSubstr("root directory"));
  EXPECT_THAT(Obstacle("ENV x=$(id)\n"), HasSubstr("read in another way"));
  EXPECT_THAT(Obstacle("ENV x=1 y=$x\n"), HasSubstr("in one ENV"));
  EXPECT_THAT(Obstacle("ARG x=1\nENV x=2\n"), HasSubstr("precedence"));
  EXPECT_THAT(Obstacle("ARG EARTHLY_CI\n"), HasSubstr("name of an ARG"));
  EXPECT_THAT(Obstacle("LABEL dev.earthly.x=1\n"), HasSubstr("key of a LABEL"));
  EXPECT_THAT(Obstacle("HEALTHCHECK CMD [\"x\"]\n"), HasSubstr("exec form"));
  const Converted kept =
      Convert("ARG V=1\nFROM a AS first\nADD x y\nFROM first\nARG V\nRUN z\n", {.dockerfile = "docker/app"});
  EXPECT_EQ(kept.result.kept, 1U);
  EXPECT_THAT(kept.result.text,
              HasSubstr("first:\n    ARG V=1\n    FROM DOCKERFILE --build-arg V -f docker/app --target first .\n"));
  EXPECT_THAT(kept.result.text, HasSubstr("image:\n    FROM +first\n    ARG V=1\n    RUN z\n"));
  // What a stage is for all that continue it.
  EXPECT_EQ(Convert("FROM a AS x\nSHELL [\"b\"]\nFROM x\nRUN y\n").result.kept, 2U);
}

TEST(ToEarthfile, WhatIsToldHasItsOwnCode) {
  const auto codes = [](const std::string& text) { return Convert(text).codes; };
  EXPECT_THAT(codes("FROM a\nADD x y\n"), ElementsAre("LC0002"));
  EXPECT_THAT(codes("FROM a\nARG V=1\nADD x y\nFROM b\nARG V=2\nADD x y\n"),
              ElementsAre("LC0002", "LC0003", "LC0002", "LC0003"));
  EXPECT_THAT(codes("FROM a\nARG V\nRUN x\n"), ElementsAre("LC0004"));
}

TEST(ToEarthfile, NamesOfTargets) {
  const std::string text = Convert("FROM a AS base\nFROM a AS x_y\nFROM a\nFROM a AS X-Y\nFROM a\n").result.text;
  EXPECT_THAT(text, HasSubstr("\nbase-stage:\n"));
  EXPECT_THAT(text, HasSubstr("\nx-y:\n"));
  EXPECT_THAT(text, HasSubstr("\nstage-2:\n"));
  EXPECT_THAT(text, HasSubstr("\nx-y-2:\n"));
  EXPECT_THAT(text, Not(HasSubstr("_")));
}

}  // namespace
}  // namespace loam::convert
