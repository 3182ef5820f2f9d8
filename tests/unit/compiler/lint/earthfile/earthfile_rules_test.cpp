#include <algorithm>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/lint/earthfile/linter.h"
#include "compiler/parse/earthfile.h"

namespace loam::lint {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

struct Checked {
  source::SourceManager sources;
  const source::Buffer* buffer = nullptr;
  std::vector<Warning> warnings;

  explicit Checked(const std::string& text, bool hadolint = false) {
    buffer = *sources.AddText("/project/Earthfile", text);
    diag::CollectingConsumer consumer;
    diag::Emitter emitter(consumer);
    const auto file = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(*buffer, emitter), emitter);
    earthfile::ProjectUses uses;
    uses.Add(sema::earthfile::ReadSymbols(file, *buffer), "/project");
    warnings = CheckEarthfile(file, *buffer, {"/project", &uses, hadolint});
  }
  // "Rule:line", in order.
  [[nodiscard]] std::vector<std::string> Found() const {
    std::vector<std::string> out;
    for (const Warning& warning : warnings) {
      out.push_back(fmt::format("{}:{}", warning.rule->name, warning.lines.first));
    }
    return out;
  }
  [[nodiscard]] std::vector<std::string> Rules() const {
    std::vector<std::string> out;
    for (const Warning& warning : warnings) {
      out.emplace_back(warning.rule->name);
    }
    return out;
  }
  // The text with the first fix of the rule.
  [[nodiscard]] std::string Fixed(std::string_view rule) const {
    for (const Warning& warning : warnings) {
      if (warning.rule->name == rule && !warning.fixes.empty()) {
        std::vector<diag::Edit> edits = warning.fixes.front().edits;
        std::sort(edits.begin(), edits.end(),
                  [](const auto& a, const auto& b) { return a.range.begin > b.range.begin; });
        std::string text(buffer->text());
        for (const diag::Edit& edit : edits) {
          text.replace(edit.range.begin, edit.range.size(), edit.replacement);
        }
        return text;
      }
    }
    return "no fix";
  }
};

// The code blocks of a page.
std::vector<std::string> Examples(const std::string& page) {
  std::ifstream in(std::string(LOAM_SOURCE_DIR) + "/docs/checks/earthfile/" + page + ".md");
  std::stringstream all;
  all << in.rdbuf();
  const std::string text = all.str();
  std::vector<std::string> blocks;
  const std::string fence = "```earthfile\n";
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
    at += fence.size();
    const std::size_t end = text.find("```\n", at);
    blocks.push_back(text.substr(at, end - at));
    at = end;
  }
  return blocks;
}

// Every rule warns of its page's first example and not of its second one.
TEST(EarthfileRules, PagesSayWhatTheyDo) {
  for (const RuleInfo& rule : EarthfileRules()) {
    const std::string page(rule.url.substr(rule.url.rfind('/') + 1));
    const std::vector<std::string> examples = Examples(page);
    ASSERT_EQ(examples.size(), 2U) << page;
    EXPECT_THAT(Checked(examples[0]).Rules(), Contains(rule.name)) << page;
    EXPECT_THAT(Checked(examples[1]).Rules(), Not(Contains(rule.name))) << page;
  }
}

TEST(EarthfileRules, Fixes) {
  EXPECT_EQ(
      Checked("VERSION 0.8\na:\n    BUILD --build-arg x=1 --pass-args +b --y=2\nb:\n    FROM s:1\n    ARG x\n    RUN "
              "$x\n")
          .Fixed("DeprecatedBuildArg"),
      "VERSION 0.8\na:\n    BUILD --pass-args +b --y=2 --x=1\nb:\n    FROM s:1\n    ARG x\n    RUN $x\n");
  EXPECT_EQ(Checked("VERSION 0.8\na:\n    FROM b:1\n    RUN --secret X=+secrets/y z\n").Fixed("DeprecatedSecretPrefix"),
            "VERSION 0.8\na:\n    FROM b:1\n    RUN --secret X=y z\n");
  EXPECT_EQ(Checked("VERSION 0.8\nIMPORT ./x\nFROM b:1\n").Fixed("UnusedImport"), "VERSION 0.8\nFROM b:1\n");
  EXPECT_EQ(Checked("VERSION --try --pass-args 0.8\nFROM b:1\n").Fixed("RedundantVersionFlag"),
            "VERSION --try 0.8\nFROM b:1\n");
  EXPECT_EQ(Checked("VERSION 0.8\nFROM b:1\na:\n    RUN --raw-output x\n").Fixed("MissingFeature"),
            "VERSION --raw-output 0.8\nFROM b:1\na:\n    RUN --raw-output x\n");
  EXPECT_EQ(Checked("VERSION 0.8\nFROM b:1\na:\n    RUN echo $EARTHLY_TARGET\n").Fixed("UndeclaredBuiltin"),
            "VERSION 0.8\nFROM b:1\na:\n    ARG EARTHLY_TARGET\n    RUN echo $EARTHLY_TARGET\n");
}

TEST(EarthfileRules, CommandsOfRunGetTheirPlaces) {
  const std::string text =
      "VERSION 0.8\na:\n    FROM debian:12\n    RUN --no-cache apt-get update && \\\n        # why\n        apt-get "
      "install "
      "-y curl\nb:\n    LOCALLY\n    RUN apt-get install x\n";
  const Checked checked(text, true);
  EXPECT_THAT(checked.Found(), Contains("DL3008:4"));
  EXPECT_THAT(checked.Found(), Contains("DL3015:4"));
  EXPECT_THAT(checked.Found(), Not(Contains("DL3008:9")));
  EXPECT_THAT(checked.Fixed("DL3015"), testing::HasSubstr("apt-get install --no-install-recommends -y curl"));
}

TEST(EarthfileRules, CachesAreMounts) {
  const std::string front = "VERSION 0.8\na:\n    FROM debian:12\n";
  const std::string back = "    RUN apt-get update && apt-get install -y --no-install-recommends curl=8\n";
  EXPECT_THAT(Checked(front + back, true).Found(), Contains("DL3009:4"));
  EXPECT_THAT(Checked(front + "    CACHE /var/lib/apt/lists\n" + back, true).Rules(), Not(Contains("DL3009")));
}

// What is unused beside references with a `$`: of each rule the names behind its colon are told.
std::vector<std::string> Unused(const std::string& body) {
  std::vector<std::string> out;
  const Checked checked("VERSION 0.8\nFROM b:1\n" + body);
  for (const Warning& warning : checked.warnings) {
    if (warning.rule->name.starts_with("Unused")) {
      const std::string_view text = checked.buffer->TextOf(warning.range);
      out.push_back(fmt::format("{}:{}", warning.rule->name, text.substr(0, text.find('\n'))));
    }
  }
  return out;
}

TEST(EarthfileRules, ADynamicReferenceUsesWhatItMayMean) {
  const std::string three =
      "lib-a:\n    SAVE ARTIFACT /a\nlib-b:\n    SAVE ARTIFACT /b\nother:\n    SAVE ARTIFACT /o\n"
      "FUN:\n    FUNCTION\n    RUN f\nall:\n    RUN x\n    ARG x\n";
  EXPECT_THAT(Unused(three), testing::UnorderedElementsAre("UnusedTarget:lib-a", "UnusedTarget:lib-b",
                                                           "UnusedTarget:other", "UnusedFunction:FUN"));
  // A prefix, a suffix, nothing that is fixed.
  EXPECT_THAT(Unused(three + "    BUILD +lib-$x\n"),
              testing::UnorderedElementsAre("UnusedArtifact:SAVE ARTIFACT /a", "UnusedArtifact:SAVE ARTIFACT /b",
                                            "UnusedTarget:other", "UnusedFunction:FUN"));
  EXPECT_THAT(Unused(three + "    COPY +${x}-b/b .\n"),
              testing::UnorderedElementsAre("UnusedTarget:lib-a", "UnusedTarget:other", "UnusedFunction:FUN"));
  EXPECT_THAT(Unused(three + "    COPY +$(echo \"$x/y\")/b .\n"),
              testing::UnorderedElementsAre("UnusedArtifact:SAVE ARTIFACT /a", "UnusedArtifact:SAVE ARTIFACT /o",
                                            "UnusedFunction:FUN"));
  EXPECT_THAT(Unused(three + "    COPY +$x/$x .\n"), ElementsAre("UnusedFunction:FUN"));
  // By kind: DO calls functions, the others lead to targets.
  EXPECT_THAT(Unused(three + "    DO +$x\n"),
              testing::UnorderedElementsAre("UnusedTarget:lib-a", "UnusedTarget:lib-b", "UnusedTarget:other"));
  // Of another directory, an alias, or a variable that may be any project.
  EXPECT_THAT(Unused(three + "    COPY ./sub+$x/b .\n"),
              testing::UnorderedElementsAre("UnusedTarget:lib-a", "UnusedTarget:lib-b", "UnusedTarget:other",
                                            "UnusedFunction:FUN"));
  EXPECT_THAT(Unused("IMPORT ./sub\n" + three + "    COPY sub+$x/b .\n"),
              testing::UnorderedElementsAre("UnusedTarget:lib-a", "UnusedTarget:lib-b", "UnusedTarget:other",
                                            "UnusedFunction:FUN"));
  EXPECT_THAT(Unused(three + "    COPY $x+lib-a/a .\n"),
              testing::UnorderedElementsAre("UnusedTarget:lib-b", "UnusedTarget:other", "UnusedFunction:FUN"));
  EXPECT_THAT(Unused(three + "    COPY ./$x+lib-a/a .\n"),
              testing::UnorderedElementsAre("UnusedTarget:lib-b", "UnusedTarget:other", "UnusedFunction:FUN"));
  EXPECT_THAT(Unused(three + "    COPY ./sub/$x+lib-a/a .\n"),
              testing::UnorderedElementsAre("UnusedTarget:lib-a", "UnusedTarget:lib-b", "UnusedTarget:other",
                                            "UnusedFunction:FUN"));
}

TEST(EarthfileRules, AValueMayBeAReference) {
  EXPECT_THAT(Unused("lib:\n    SAVE ARTIFACT /a\nmore:\n    SAVE ARTIFACT /b\nall:\n    RUN x\n    ARG from=+lib/a\n"
                     "    COPY $from .\n"),
              ElementsAre("UnusedTarget:more"));
}

TEST(EarthfileRules, PragmasSwitchRulesOff) {
  const std::string front = "VERSION 0.8\na:\n";
  EXPECT_THAT(Checked(front + "    FROM b\n    RUN x\n").Found(), ElementsAre("UntaggedBaseImage:3"));
  EXPECT_THAT(Checked(front + "    # loam: ignore=UntaggedBaseImage\n    FROM b\n    RUN x\n").Found(), IsEmpty());
  EXPECT_THAT(Checked(front + "    FROM b # loam: ignore=UntaggedBaseImage\n    RUN x\n").Found(), IsEmpty());
  EXPECT_THAT(Checked(front + "    # loam: ignore=all\n    # why\n    FROM b\n    RUN x\n").Found(), IsEmpty());
  EXPECT_THAT(Checked(front + "    FROM b\n    RUN x\n# loam: ignore-file=UntaggedBaseImage\n").Found(), IsEmpty());
  EXPECT_THAT(Checked(front + "    # loam: ignore=Other\n    FROM b\n    RUN x\n").Found(),
              ElementsAre("UntaggedBaseImage:4"));
}

TEST(EarthfileRules, HalfTypedFilesAreRead) {
  for (const std::string text :
       {"VERSION", "VERSION 0.8\na:\n    COPY +", "VERSION 0.8\na:\n    BUILD --", "VERSION 0.8\na:\n    RUN \"",
        "IMPORT", "VERSION 0.8\na:\n    FOR x IN\n", "a:\n  IF"}) {
    const Checked checked(text, true);
    EXPECT_LT(checked.warnings.size(), 10U) << text;
  }
}

TEST(EarthfileRules, ShellcheckFindingsGetTheirPlaces) {
  source::SourceManager sources;
  const std::string text = "VERSION 0.8\na:\n    FROM b:1\n    RUN x && \\\n        echo $y\n";
  const source::Buffer* buffer = *sources.AddText("Earthfile", text);
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto file = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(*buffer, emitter), emitter);
  const auto run = [](const std::vector<std::string>&, std::string_view script) -> Result<std::string> {
    // Line 1 is the prelude; the script is one line.
    const std::size_t line = script.find('\n') + 1;
    const std::size_t column = script.find("$y") - line + 1;
    EXPECT_EQ(script.find('\n', line), script.size() - 1);
    return fmt::format(R"({{"comments":[{{"line":2,"endLine":2,"column":{},"endColumn":{},"level":"info","code":2086,)"
                       R"("message":"quote it","fix":null}}]}})",
                       column, column + 2);
  };
  const auto warnings = CheckShell(file, *buffer, run);
  ASSERT_TRUE(warnings) << warnings.error().message();
  ASSERT_EQ(warnings->size(), 1U);
  EXPECT_EQ(buffer->TextOf(warnings->front().range), "$y");
  EXPECT_EQ(warnings->front().lines.first, 5U);
}

}  // namespace
}  // namespace loam::lint
