#include "compiler/driver/frontend/dockerfile_frontend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "compiler/sema/unknown_build_host.h"

namespace loam::driver {
namespace {

// Has files beside the Dockerfile and knows nothing else.
class FilesHost : public sema::UnknownBuildHost {
 public:
  explicit FilesHost(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override {
    const auto found = files_.find(std::string(path));
    if (found == files_.end()) {
      return Unexpected(ErrorCode::kNotFound, "no such file");
    }
    return found->second;
  }

 private:
  const std::map<std::string, std::string> files_;
};

Result<DockerfileAnswer> Ask(const std::string& dockerfile, std::map<std::string, std::string> options,
                             DockerfileFrontendReport& report, bool forwards = false) {
  DockerfileRequest request;
  request.options = std::move(options);
  DockerfileFrontendHost host;
  host.forwards = forwards;
  host.make = [&](const auto&) {
    return std::make_unique<FilesHost>(std::map<std::string, std::string>{{"Dockerfile", dockerfile}});
  };
  return RunDockerfileFrontend(request, host, report);
}
Result<DockerfileAnswer> Ask(const std::string& dockerfile, std::map<std::string, std::string> options,
                             bool forwards = false) {
  DockerfileFrontendReport report;
  return Ask(dockerfile, std::move(options), report, forwards);
}

TEST(DockerfileFrontend, CompilesForABuild) {
  auto answer = Ask("FROM scratch\nCOPY a /\n", {});
  ASSERT_TRUE(answer) << answer.error().message();
  const auto& made = std::get<CompiledDockerfile>(*answer);
  EXPECT_EQ(made.compiled.platforms.size(), 1U);
}

TEST(DockerfileFrontend, TellsWhatAScannerIsToLookAt) {
  const std::string file = R"(ARG BUILDKIT_SBOM_SCAN_CONTEXT=true
FROM scratch AS file
ARG BUILDKIT_SBOM_SCAN_STAGE=true
COPY a /
FROM scratch AS named
ARG BUILDKIT_SBOM_SCAN_STAGE=other,named
COPY --from=file /a /b
FROM scratch AS unused
ARG BUILDKIT_SBOM_SCAN_STAGE=true
FROM named
ARG BUILDKIT_SBOM_SCAN_STAGE=true
COPY --from=file /a /c
)";
  const auto scans = [&](std::map<std::string, std::string> options) {
    auto answer = Ask(file, std::move(options));
    EXPECT_TRUE(answer) << answer.error().message();
    std::vector<std::string> names;
    if (answer) {
      for (const auto& [name, definition] : std::get<CompiledDockerfile>(*answer).compiled.platforms.at(0).scans) {
        EXPECT_FALSE(definition.empty()) << name;
        names.push_back(name);
      }
    }
    return names;
  };
  EXPECT_THAT(scans({}), testing::IsEmpty()) << "nobody scans";
  EXPECT_THAT(scans({{"attest:sbom", ""}}), testing::ElementsAre("context", "file", "named"));
  EXPECT_THAT(scans({{"attest:sbom", ""},
                     {"build-arg:BUILDKIT_SBOM_SCAN_STAGE", "false"},
                     {"build-arg:BUILDKIT_SBOM_SCAN_CONTEXT", "0"}}),
              testing::IsEmpty());
}

TEST(DockerfileFrontend, AnswersQuestions) {
  const std::string file = "FROM scratch AS a\nARG X=1\nFROM a AS b\nCOPY c /\n";
  for (const auto& [question, text] : std::map<std::string, std::string>{{"frontend.targets", "b (default)"},
                                                                         {"frontend.outline", "X"},
                                                                         {"frontend.subrequests.describe", "outline"},
                                                                         {"frontend.lint", ""}}) {
    auto answer = Ask(file, {{"requestid", question}});
    ASSERT_TRUE(answer) << question << ": " << answer.error().message();
    auto& metadata = std::get<SubrequestAnswer>(*answer).metadata;
    EXPECT_TRUE(nlohmann::json::accept(metadata["result.json"])) << question;
    EXPECT_THAT(metadata["result.txt"], testing::HasSubstr(text)) << question;
    EXPECT_EQ(metadata["version"], "1.0.0") << question;
  }
  EXPECT_EQ(Ask(file, {{"requestid", "frontend.other"}}).error().code(), ErrorCode::kUnimplemented);
}

TEST(DockerfileFrontend, LintTellsMistakesAsItsAnswer) {
  auto answer = Ask("FROM scratch\nBOGUS\n", {{"requestid", "frontend.lint"}});
  ASSERT_TRUE(answer) << answer.error().message();
  auto& metadata = std::get<SubrequestAnswer>(*answer).metadata;
  EXPECT_EQ(metadata["result.statuscode"], "1");
  EXPECT_TRUE(nlohmann::json::parse(metadata["result.json"]).contains("buildError"));
}

TEST(DockerfileFrontend, ReportsMistakes) {
  DockerfileFrontendReport report;
  const auto answer = Ask("FROM scratch\nBOGUS\n", {}, report);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kInvalidArgument);
  ASSERT_EQ(report.diagnostics.size(), 1U);
  EXPECT_EQ(report.buffer->LinesOf(report.diagnostics[0].range).first, 2U);
}

// What tools look for in errors of BuildKit's frontend.
TEST(DockerfileFrontend, WordsMistakesAsBuildKitDoes) {
  const auto said = [](const std::string& text, std::map<std::string, std::string> options = {}) {
    DockerfileFrontendReport report;
    EXPECT_FALSE(Ask(text, std::move(options), report));
    return MistakesOf(report.diagnostics, report.buffer).message;
  };
  EXPECT_EQ(said("FROM scratch AS build\n", {{"target", "bulid"}}),
            "target stage \"bulid\" could not be found (did you mean build?)");
  EXPECT_EQ(said("FROM scratch\nFNTRYPOINT x\n"),
            "dockerfile parse error on line 2: unknown instruction: FNTRYPOINT (did you mean ENTRYPOINT?)");
  EXPECT_EQ(said("FROM scratch\nRUN --mont=x y\n"),
            "dockerfile parse error on line 2: unknown flag: --mont (did you mean mount?)");
  EXPECT_EQ(said("FROM scratch\nRUN --mount=type=tmp,target=/x y\n"),
            "dockerfile parse error on line 2: unsupported mount type \"tmp\" (did you mean tmpfs?)");
  EXPECT_THAT(said("FROM scratch\nRUN --mount=typ=tmpfs,target=/x y\n"),
              testing::AllOf(testing::HasSubstr("unexpected key 'typ'"), testing::HasSubstr("did you mean type?")));
  EXPECT_THAT(said("FROM scratch\nRUN --mount=from=$x,target=/x y\n"),
              testing::HasSubstr("'from' doesn't support variable expansion, define alias stage instead"));
  EXPECT_EQ(said("ARG MY_ARCH=amd64\nFROM --platform=linux/${MYARCH} scratch\n"),
            "failed to parse platform linux/${MYARCH}: \"\" is an invalid component of \"linux/\": platform specifier "
            "component "
            "must match \"^[A-Za-z0-9_.-]+$\": invalid argument (did you mean MY_ARCH?)");
  EXPECT_EQ(said("ARG x\n"), "dockerfile contains no stages to build");
}

TEST(DockerfileFrontend, ForwardsWhatIsForAnotherFrontend) {
  const std::string file = "# syntax=example.com/other:1 more\nFROM scratch\n";
  auto answer = Ask(file, {}, true);
  ASSERT_TRUE(answer);
  auto& forwarded = std::get<ForwardedBuild>(*answer);
  EXPECT_EQ(forwarded.source, "example.com/other:1");
  EXPECT_EQ(forwarded.cmdline, "example.com/other:1 more");
  EXPECT_EQ(forwarded.lines.first, 1U);
  // That frontend itself.
  EXPECT_TRUE(std::holds_alternative<CompiledDockerfile>(*Ask(file, {{"cmdline", "example.com/other:1"}}, true)));
  EXPECT_TRUE(std::holds_alternative<CompiledDockerfile>(*Ask(file, {}, false)));
  auto by_argument = Ask("FROM scratch\n", {{"build-arg:BUILDKIT_SYNTAX", "x/y"}}, true);
  EXPECT_EQ(std::get<ForwardedBuild>(*by_argument).source, "x/y");
}

TEST(DockerfileFrontend, RefusesCapabilitiesItDoesNotHave) {
  EXPECT_TRUE(Ask("FROM scratch\n", {{"frontend.caps", "moby.buildkit.frontend.inputs"}}));
  EXPECT_EQ(Ask("FROM scratch\n", {{"frontend.caps", "some.cap"}}).error().code(), ErrorCode::kUnimplemented);
  EXPECT_FALSE(Ask("FROM scratch\n", {{"frontend.caps", "some.cap+forward"}}, true));
  EXPECT_TRUE(Ask("# syntax=x\nFROM scratch\n", {{"frontend.caps", "some.cap+forward"}}, true));
}

}  // namespace
}  // namespace loam::driver
