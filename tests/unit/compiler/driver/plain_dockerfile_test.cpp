#include "compiler/driver/plain_dockerfile.h"

#include <gtest/gtest.h>

#include "compiler/driver/compile.h"
#include "compiler/sema/json_build_host.h"

namespace loam::driver {
namespace {

constexpr std::string_view kConfig =
    R"({"os":"linux","architecture":"amd64","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:00"]}})";

struct Made {
  std::string head;
  std::string image;
  std::string printed;
};

class PlainDockerfileTest : public testing::Test {
 protected:
  PlainDockerfileTest() {
    host_.AddImage("docker.io/library/alpine:3.20", "sha256:" + std::string(64, 'a'), std::string(kConfig));
    host_.AddImage("docker.io/library/busybox:latest", "sha256:" + std::string(64, 'b'), std::string(kConfig));
  }

  Made Print(std::string text, bool pin = false) {
    const source::Buffer* const buffer = sources_.AddText("Dockerfile", std::move(text)).value();
    PinCollector pins(buffer->id());
    CompileOptions options;
    options.dockerfile.platforms = {"linux/amd64"};
    options.dockerfile.build_platform = "linux/amd64";
    options.dockerfile.local_unique_id = "x";
    options.parameters = &pins;
    diag::CollectingConsumer diagnostics;
    diag::Emitter emitter(diagnostics);
    const auto result = Compile(sources_, *buffer, options, host_, emitter).value();
    EXPECT_TRUE(result.ok) << buffer->text()
                           << (diagnostics.diagnostics().empty() ? "" : diagnostics.diagnostics()[0].message);
    if (!result.ok) {
      return {};
    }
    return {result.platforms.at(0).definition.head.ToString(), result.platforms[0].image_config,
            PlainDockerfile(result.dockerfile, *buffer, pin ? pins.pins() : std::vector<Pin>())};
  }

  // What is printed builds the same and is printed as itself.
  std::string Printed(const std::string& text, bool pin = false) {
    const Made before = Print(text, pin);
    const Made after = Print(before.printed, pin);
    EXPECT_EQ(before.head, after.head) << before.printed;
    EXPECT_EQ(before.image, after.image) << before.printed;
    EXPECT_EQ(before.printed, after.printed);
    return before.printed;
  }

  source::SourceManager sources_;
  sema::JsonBuildHost host_;
};

TEST_F(PlainDockerfileTest, OneFormForKeywordsCommentsAndBlankLines) {
  EXPECT_EQ(
      Printed("\xEF\xBB\xBF# syntax=docker/dockerfile:1\n# check=skip=all\n\n# about\nfrom scratch as a\n\n  # b\n"
              "  run x \\\n\n   # in between\n   && y\r\nFrom\t a\ncopy   . /x\n"),
      "FROM scratch AS a\nRUN x \\\n   && y\n\nFROM a\nCOPY . /x\n");
}

TEST_F(PlainDockerfileTest, AContinuationThatContinuesNothing) {
  EXPECT_EQ(Printed("FROM scratch\nRUN a \\\n# comment\n\n"), "FROM scratch\nRUN a\n");
}

TEST_F(PlainDockerfileTest, LegacyPairs) {
  EXPECT_EQ(Printed("FROM scratch\nENV A b 'c  d' \"e\" f\\ g\nLABEL l = x\nENV B $A\n"),
            "FROM scratch\nENV A=b\\ 'c  d'\\ \"e\"\\ f\\ g\nLABEL l==\\ x\nENV B=$A\n");
  EXPECT_EQ(Printed("FROM scratch\nENV A b \\\n # no\n   c\nRUN x\n"), "FROM scratch\nENV A=b\\ \\ \\ \\ c\nRUN x\n");
}

TEST_F(PlainDockerfileTest, Heredocs) {
  EXPECT_EQ(Printed("FROM scratch\ncopy <<A <<-\"B\" /d/\n# no comment\n\nA\n\tx\n\tB\nrun <<E\nmake\nE\n# end\n"),
            "FROM scratch\nCOPY <<A <<-\"B\" /d/\n# no comment\n\nA\n\tx\n\tB\nRUN <<E\nmake\nE\n");
}

TEST_F(PlainDockerfileTest, AnotherEscape) {
  EXPECT_EQ(Printed("# escape=`\nFROM scratch\nRUN a `\n  C:\\b\nENV P C:\\d e\n"),
            "# escape=`\nFROM scratch\nRUN a `\n  C:\\b\nENV P=C:\\d` e\n");
}

TEST_F(PlainDockerfileTest, PinnedImages) {
  const std::string alpine = "alpine:3.20@sha256:" + std::string(64, 'a');
  const std::string busybox = "busybox:latest@sha256:" + std::string(64, 'b');
  EXPECT_EQ(
      Printed("ARG V=3.20\nFROM alpine:$V AS a\nFROM busybox\nCOPY --from=a /x /y\nCOPY --from=alpine:3.20 /z /z\n"
              "RUN --mount=from=busybox,target=/b true\n",
              true),
      "ARG V=3.20\n\nFROM " + alpine + " AS a\n\nFROM " + busybox + "\nCOPY --from=a /x /y\nCOPY --from=" + alpine +
          " /z /z\nRUN --mount=from=" + busybox + ",target=/b true\n");
}

}  // namespace
}  // namespace loam::driver
