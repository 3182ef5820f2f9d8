#include "cli/commands/earthfile/earthly_words.h"

#include <gtest/gtest.h>

#include "compiler/sema/earthfile/failure.h"

namespace loam::cli {
namespace {

using diag::Kind;
using sema::earthfile::MakeDiagnostic;

TEST(EarthlyWords, TakeTheArgumentsOutOfTheMessage) {
  EXPECT_EQ(EarthlyWords(MakeDiagnostic<Kind::kEarthUnknownFlag>({}, "RUN", "--pusch")),
            "invalid RUN arguments: unknown flag `pusch'");
  EXPECT_EQ(EarthlyWords(MakeDiagnostic<Kind::kEarthUnknownTarget>({}, "./a b/Earthfile", "x")), "target x not found");
  EXPECT_EQ(EarthlyWords(MakeDiagnostic<Kind::kEarthRequiredArg>({}, "A")), "value not supplied for required ARG: A");
  EXPECT_EQ(EarthlyWords(MakeDiagnostic<Kind::kEarthBadFlagValue>({}, "x", "--push", "expected bool, true or false")),
            "invalid argument for flag `--push' (expected bool, true or false): x");
  EXPECT_EQ(EarthlyWords(MakeDiagnostic<Kind::kEarthFeatureOff>({}, "RUN --oidc", "run-with-aws-oidc"))->substr(0, 60),
            "RUN --aws-oidc requires the --run-with-aws-oidc feature flag");
}

TEST(EarthlyWords, AFileThatCannotBeParsedIsASyntaxError) {
  EXPECT_EQ(EarthlyWords(MakeDiagnostic<Kind::kEarthUnknownCommand>({}, "RNU")), "syntax error");
  EXPECT_EQ(EarthlyWords(MakeDiagnostic<Kind::kEarthBadName>({}, "$key")),
            "syntax error: invalid env key definition $key");
}

TEST(EarthlyWords, AVersionIsLookedAtInTwoSteps) {
  EXPECT_EQ(EarthlyWords(MakeDiagnostic<Kind::kEarthBadVersion>({}, "1.0")),
            "Earthfile version is invalid, supported versions are 0.6, 0.7, or 0.8");
  for (const char* const word : {"0.5.1", "--try", "8", "0.x", ".8"}) {
    EXPECT_EQ(EarthlyWords(MakeDiagnostic<Kind::kEarthBadVersion>({}, word)),
              "unexpected VERSION arguments; should be VERSION [flags] <major-version>.<minor-version>")
        << word;
  }
}

TEST(EarthlyWords, WhereBothSayTheSameThereAreNone) {
  EXPECT_EQ(EarthlyWords(MakeDiagnostic<Kind::kEarthCycle>({}, "+a")), std::nullopt);
}

TEST(EarthlyWords, RenderPlacesAndHints) {
  source::SourceManager sources;
  const source::Buffer& buffer = **sources.AddText("Earthfile", "VERSION 0.8\n  SET foo = 1\n");
  diag::Diagnostic error = MakeDiagnostic<Kind::kEarthSetArg>(buffer.Range(14, 17), "foo");
  error.hints.emplace_back("declare it");
  diag::Diagnostic warning = MakeDiagnostic<Kind::kEarthFeatureIsDefault>({}, "try", "0.9");
  EXPECT_EQ(RenderEarthlyWords(std::vector{warning, error}, sources),
            "Error: Earthfile:2:2 ARG values cannot be reassigned\nHint: declare it\n");
  const diag::Diagnostic same = MakeDiagnostic<Kind::kEarthUnsafeSave>(buffer.Range(14, 17), "/x", ".");
  EXPECT_EQ(RenderEarthlyWords(std::vector{same}, sources),
            "Error: Earthfile:2:2 unable to save to /x; path must be located under .\n");
}

}  // namespace
}  // namespace loam::cli
