#include "compiler/convert/to_dockerfile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::convert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Converted {
  std::string text;  // "" after an error
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
  std::vector<std::string_view> codes;  // of all of them
};

Converted Convert(const std::string& text, const std::string& target = "t") {
  source::SourceManager sources;
  const source::Buffer* buffer = *sources.AddText("Earthfile", "VERSION 0.8\n" + text);
  const auto file = sema::earthfile::ParseProjectFile(*buffer, "");
  Converted out;
  if (!file) {
    out.errors.emplace_back(file.error().message());
    return out;
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  out.text = ToDockerfile(*file, target, emitter).value_or("");
  for (const diag::Diagnostic& diagnostic : consumer.diagnostics()) {
    (diagnostic.is_error() ? out.errors : out.warnings).push_back(diagnostic.message);
    out.codes.push_back(diag::InfoOf(diagnostic.kind).code);
  }
  return out;
}

std::string Body(const std::string& commands) {
  const Converted converted = Convert("t:\n    FROM a\n" + commands);
  EXPECT_THAT(converted.errors, IsEmpty());
  const std::string front = "FROM a AS t\n";
  EXPECT_TRUE(converted.text.starts_with(front)) << converted.text;
  return converted.text.substr(std::min(front.size(), converted.text.size()));
}

std::string Error(const std::string& commands) {
  const Converted converted = Convert("t:\n    FROM a\n" + commands);
  EXPECT_EQ(converted.text, "");
  return converted.errors.empty() ? "" : converted.errors.front();
}

TEST(ToDockerfile, TargetsBecomeStages) {
  const Converted converted = Convert(R"(ARG --global V=3.20
FROM alpine:$V
WORKDIR /src
deps:
    RUN make deps
build:
    FROM +deps
    COPY --keep-ts . .
    RUN make
    SAVE ARTIFACT out/app
    SAVE ARTIFACT /src/doc manual AS LOCAL doc
t:
    COPY --keep-ts +build/app /usr/bin/
    COPY --keep-ts +build/manual/index.html ./
    ENTRYPOINT ["app"]
    SAVE IMAGE app:latest
)");
  EXPECT_THAT(converted.errors, IsEmpty());
  EXPECT_EQ(converted.text, R"(ARG V=3.20

FROM alpine:$V AS base
ARG V
WORKDIR /src

FROM base AS deps
RUN make deps

FROM deps AS build
COPY . .
RUN make

FROM base AS t
COPY --from=build /src/out/app /usr/bin/
COPY --from=build /src/doc/index.html ./
ENTRYPOINT ["app"]
)");
  EXPECT_THAT(converted.warnings, ElementsAre(HasSubstr("AS LOCAL"), HasSubstr("the name of the image")));
}

TEST(ToDockerfile, AnArtifactIsAsItWasWhenItWasSaved) {
  const Converted converted = Convert(
      "b:\n    FROM a\n    RUN x\n    SAVE ARTIFACT /f\n    RUN y\n    SAVE ARTIFACT /g\nt:\n    FROM a\n"
      "    COPY --keep-ts +b/f ./\n    COPY --keep-ts +b/g ./\n");
  EXPECT_EQ(
      converted.text,
      "FROM a AS b-1\nRUN x\n\nFROM b-1 AS b\nRUN y\n\nFROM a AS t\nCOPY --from=b-1 /f ./\nCOPY --from=b /g ./\n");
}

TEST(ToDockerfile, CommandsKeepWhatTheyMean) {
  EXPECT_EQ(Body("    RUN a && \\\n        # why\n        b\n"), "RUN a && \\\n        # why\n        b\n");
  EXPECT_EQ(Body("    RUN cat <<EOF\n"), "RUN [\"/bin/sh\", \"-c\", \"cat <<EOF\"]\n");
  EXPECT_EQ(Body("    RUN [\"a b\"]\n"), "RUN [\"a b\"]\n");
  EXPECT_EQ(Body("    RUN --secret A --secret B=c --ssh --privileged --network=none x\n"),
            "RUN --mount=type=secret,id=A,env=A,required=true --mount=type=secret,id=c,env=B,required=true "
            "--network=none --security=insecure --mount=type=ssh,required=true x\n");
  EXPECT_EQ(Body("    CACHE /c\n    RUN x\n"), "RUN --mount=type=cache,target=/c,id=t/c,sharing=locked,mode=0644 x\n");
  EXPECT_EQ(Body("    USER app\n    COPY --keep-ts a b ./c\n    COPY --keep-ts --dir d ./\n"),
            "USER app\nCOPY --chown=app a b ./c/\nCOPY --chown=app d ./d\n");
  EXPECT_EQ(Body("    CMD run it\n    HEALTHCHECK --retries=1 CMD x y\n"),
            "CMD [\"/bin/sh\", \"-c\", \"run it\"]\n"
            "HEALTHCHECK --interval=30s --timeout=30s --start-interval=5s --retries=1 CMD x y\n");
  EXPECT_EQ(Body("    COPY --keep-ts c\\+\\+/x .\n    ENV k=a b\n    LABEL l=v m=\"w x\"\n"),
            "COPY c++/x .\nENV k=\"a b\"\nLABEL l=v\nLABEL m=\"w x\"\n");
}

TEST(ToDockerfile, FunctionsAreWrittenOut) {
  const Converted converted = Convert(
      "t:\n    FROM a\n    DO +F --x=1\nF:\n    FUNCTION\n    ARG x\n    ARG y=2\n    RUN $x $y\n    DO +G\n"
      "G:\n    FUNCTION\n    RUN g\n");
  EXPECT_EQ(converted.text, "FROM a AS t\nARG x=1\nARG y=2\nRUN $x $y\nRUN g\n");
}

TEST(ToDockerfile, WhatCannotBeConvertedIsNamed) {
  EXPECT_THAT(Error("    IF true\n        RUN x\n    END\n"), HasSubstr("`IF` cannot be converted: what it does"));
  EXPECT_THAT(Error("    FOR i IN a\n        RUN x\n    END\n"), HasSubstr("`FOR`"));
  EXPECT_THAT(Error("    WITH DOCKER\n        RUN x\n    END\n"), HasSubstr("`WITH DOCKER`"));
  EXPECT_THAT(Error("    LOCALLY\n"), HasSubstr("outside of the image"));
  EXPECT_THAT(Error("    ENV x=$(id)\n"), HasSubstr("output of a command"));
  EXPECT_THAT(Error("    LET x = 1\n"), HasSubstr("use ARG"));
  EXPECT_THAT(Error("    RUN --no-cache x\n"), HasSubstr("RUN --no-cache"));
  EXPECT_THAT(Error("    COPY --if-exists a b\n"), HasSubstr("COPY --if-exists"));
  EXPECT_THAT(Error("    COPY --dir a b\n"), HasSubstr("end it with"));
  EXPECT_THAT(Error("    GIT CLONE a b\n"), HasSubstr("GIT CLONE"));
  EXPECT_THAT(Error("    FROM DOCKERFILE .\n"), HasSubstr("cannot include"));
  EXPECT_THAT(Error("    ARG EARTHLY_GIT_HASH\n"), HasSubstr("builtin"));
  EXPECT_THAT(Error("    COPY +none/x .\n"), HasSubstr("no target `none`"));
  EXPECT_THAT(Error("    COPY ./lib+x/y .\n"), HasSubstr("another Earthfile"));
  EXPECT_THAT(Error("    FROM +t\n"), HasSubstr("needs itself"));
  EXPECT_THAT(Error("    SAVE ARTIFACT f\n"), HasSubstr("the image alone knows"));
  EXPECT_THAT(Error("    USER\n"), HasSubstr("no arguments"));
  EXPECT_THAT(Error("    WORKDIR\n"), HasSubstr("no arguments"));
  // All of them at once.
  EXPECT_EQ(Convert("t:\n    FROM a\n    LOCALLY\n    HOST a 1.2.3.4\n    IF x\n    END\n").errors.size(), 3U);
}

TEST(ToDockerfile, WhatIsLostIsTold) {
  const auto warnings = [](const std::string& commands) { return Convert("t:\n    FROM a\n" + commands).warnings; };
  EXPECT_THAT(warnings("    COPY a b\n    COPY c d\n"), ElementsAre(HasSubstr("--keep-ts")));
  EXPECT_THAT(warnings("    BUILD +x\n"), ElementsAre(HasSubstr("BUILD does not change the image")));
  EXPECT_THAT(warnings("    ARG --required x\n"), ElementsAre(HasSubstr("cannot insist")));
}

TEST(ToDockerfile, WhatIsToldHasItsOwnCode) {
  const auto codes = [](const std::string& text) { return Convert(text).codes; };
  const std::string target = "t:\n    FROM a\n";
  EXPECT_THAT(codes(target + "    LOCALLY\n"), ElementsAre("LC0001"));
  EXPECT_THAT(codes("t:\n    ARG x=1\n"), ElementsAre("LC0001"));
  EXPECT_THAT(codes(target + "    ARG x\n"), ElementsAre("LC0004"));
  EXPECT_THAT(codes(target + "    ARG --required x\n"), ElementsAre("LC0005"));
  EXPECT_THAT(codes("FROM a\nARG x=1\nt:\n    RUN y\n"), ElementsAre("LC0006"));
  EXPECT_THAT(codes(target + "    ARG x=1\n    DO +F\nF:\n    FUNCTION\n    ARG x=2\n    RUN $x\n"),
              ElementsAre("LC0007"));
  EXPECT_THAT(codes(target + "    BUILD +x\n    RUN y\n    SAVE ARTIFACT /f AS LOCAL g\n"),
              ElementsAre("LC0008", "LC0008"));
  EXPECT_THAT(codes(target + "    SAVE IMAGE x\n"), ElementsAre("LC0009"));
  EXPECT_THAT(codes(target + "    COPY a b\n"), ElementsAre("LC0010"));
}

}  // namespace
}  // namespace loam::convert
