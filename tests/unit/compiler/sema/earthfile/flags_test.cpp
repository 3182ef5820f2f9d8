#include "compiler/sema/earthfile/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::sema::earthfile {
namespace {

using diag::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Word> Words(const std::vector<std::string>& texts) {
  std::vector<Word> words;
  for (const std::string& text : texts) {
    words.push_back({text, {}});
  }
  return words;
}

const Features kNewest = Features::OfVersion(0, 8);

template <class Flags>
class Parsed {
 public:
  explicit Parsed(const std::vector<std::string>& texts, FlagParsing parsing = {.features = &kNewest, .expand = {}}) {
    auto parsed = ParseFlags(Words(texts), parsing, flags);
    if (parsed) {
      rest = TextsOf(*parsed);
    } else {
      kind = parsed.error().diagnostics().front().kind;
      hints = parsed.error().diagnostics().front().hints;
      message = parsed.error().message();
    }
  }
  Flags flags;
  std::vector<std::string> rest;
  std::optional<Kind> kind;
  std::vector<std::string> hints;
  std::string message;
};

TEST(EarthFlags, ValuesWithEqualsAndAfter) {
  const Parsed<CopyFlags> copy({"--chown=a:b", "--platform", "linux/arm64", "--dir", "src", "--keep-ts", "dst"});
  EXPECT_EQ(copy.flags.chown, "a:b");
  EXPECT_EQ(copy.flags.platform, "linux/arm64");
  EXPECT_TRUE(copy.flags.dir);
  EXPECT_FALSE(copy.flags.keep_ts);
  EXPECT_THAT(copy.rest, ElementsAre("src", "--keep-ts", "dst"));
  EXPECT_TRUE(copy.flags.IsGiven("dir"));
  EXPECT_FALSE(copy.flags.IsGiven("keep-ts"));
}

TEST(EarthFlags, LastTextWinsAndListsGather) {
  const Parsed<BuildFlags> build({"--platform=a", "--platform=b", "--build-arg", "K=V", "+t", "--X=1"});
  EXPECT_THAT(build.flags.platforms, ElementsAre("a", "b"));
  EXPECT_THAT(build.flags.build_args, ElementsAre("K=V"));
  EXPECT_THAT(build.rest, ElementsAre("+t", "--X=1"));
  EXPECT_EQ((Parsed<FromFlags>({"--platform=a", "--platform=b", "x"}).flags.platform), "b");
}

TEST(EarthFlags, Booleans) {
  for (const char* yes : {"--push", "--push=true", "--push=1", "--push=T", "--push="}) {
    EXPECT_TRUE(Parsed<RunFlags>({yes, "x"}).flags.push) << yes;
  }
  for (const char* no : {"--push=false", "--push=0", "--push=FALSE"}) {
    EXPECT_FALSE(Parsed<RunFlags>({no, "x"}).flags.push) << no;
  }
  EXPECT_EQ(Parsed<RunFlags>({"--push=maybe", "x"}).kind, Kind::kEarthBadFlagValue);
  // Without `=` the word is the command.
  const Parsed<RunFlags> run({"--no-cache", "false"});
  EXPECT_TRUE(run.flags.no_cache);
  EXPECT_THAT(run.rest, ElementsAre("false"));
}

TEST(EarthFlags, BooleanValuesAreExpanded) {
  FlagParsing parsing{.features = &kNewest, .expand = [](const Word& value) -> Checked<std::string> {
                        return value.text == "$X" ? std::string("false") : value.text;
                      }};
  EXPECT_FALSE(Parsed<RunFlags>({"--privileged=$X", "--network=none", "x"}, parsing).flags.privileged);
}

TEST(EarthFlags, DoubleDashEnds) {
  const Parsed<RunFlags> run({"--push", "--", "--ssh", "x"});
  EXPECT_FALSE(run.flags.ssh);
  EXPECT_THAT(run.rest, ElementsAre("--ssh", "x"));
  EXPECT_THAT((Parsed<RunFlags>({"-", "x"}).rest), ElementsAre("-", "x"));
}

TEST(EarthFlags, QuotesJoinAndAreRemovedFromWholeValues) {
  const Parsed<WithDockerFlags> with({"--load=img=(+t", "--A=b)", "--pull", "\"a\\tb\""});
  EXPECT_THAT(with.flags.loads, ElementsAre("img=(+t --A=b)"));
  EXPECT_THAT(with.flags.pulls, ElementsAre("a\tb"));
  EXPECT_EQ(Parsed<WithDockerFlags>({"--pull=\"a\"b\""}).kind, Kind::kEarthBadFlagValue);
  EXPECT_THAT((Parsed<WithDockerFlags>({"--pull='a b'"}).flags.pulls), ElementsAre("'a b'"));
}

TEST(EarthFlags, Letters) {
  EXPECT_EQ((Parsed<FromDockerfileFlags>({"-f", "D", "."}).flags.file), "D");
  EXPECT_EQ((Parsed<FromDockerfileFlags>({"-fD", "."}).flags.file), "D");
  EXPECT_EQ((Parsed<FromDockerfileFlags>({"-f=D", "."}).flags.file), "D");
  EXPECT_EQ(Parsed<FromDockerfileFlags>({"-f"}).kind, Kind::kEarthFlagWithoutValue);
}

TEST(EarthFlags, Mistakes) {
  const Parsed<RunFlags> unknown({"--privileges", "x"});
  EXPECT_EQ(unknown.kind, Kind::kEarthUnknownFlag);
  EXPECT_THAT(unknown.hints, ElementsAre(HasSubstr("--privileged")));
  const Parsed<RunFlags> one_dash({"-push", "x"});
  EXPECT_EQ(one_dash.kind, Kind::kEarthUnknownFlag);
  EXPECT_THAT(one_dash.hints, ElementsAre(HasSubstr("--push")));
  EXPECT_EQ(Parsed<RunFlags>({"--secret"}).kind, Kind::kEarthFlagWithoutValue);
  EXPECT_EQ(Parsed<RunFlags>({"--secret", "--push", "x"}).kind, Kind::kEarthFlagWithoutValue);
  EXPECT_EQ(Parsed<RunFlags>({"--secret", "--"}).kind, Kind::kEarthFlagWithoutValue);
  EXPECT_THAT((Parsed<LetFlags>({"--x", "a"}).hints), ElementsAre(HasSubstr("LET has no flags")));
}

TEST(EarthFlags, FeaturesGate) {
  const Features old = Features::OfVersion(0, 7);
  const Parsed<RunFlags> network({"--network=none", "x"}, {.features = &old, .expand = {}});
  EXPECT_EQ(network.kind, Kind::kEarthFeatureOff);
  EXPECT_THAT(network.message, HasSubstr("no-network"));
  EXPECT_THAT(network.hints, ElementsAre(HasSubstr("0.8")));
  EXPECT_EQ(Parsed<RunFlags>({"--raw-output", "x"}).kind, Kind::kEarthFeatureOff);
  EXPECT_FALSE(Parsed<RunFlags>({"--raw-output", "x"}, {.features = nullptr, .expand = {}}).kind);
}

TEST(EarthFlags, DurationsAndNumbers) {
  const Parsed<HealthcheckFlags> plain({"CMD", "x"});
  EXPECT_EQ(plain.flags.interval, std::chrono::seconds(30));
  EXPECT_EQ(plain.flags.start_period, std::chrono::seconds(0));
  EXPECT_EQ(plain.flags.start_interval, std::chrono::seconds(5));
  EXPECT_EQ(plain.flags.retries, 3);
  const Parsed<HealthcheckFlags> given({"--interval=1m30s", "--retries", "-1", "CMD"});
  EXPECT_EQ(given.flags.interval, std::chrono::seconds(90));
  EXPECT_EQ(given.flags.retries, -1);
  EXPECT_EQ(Parsed<HealthcheckFlags>({"--interval=5", "CMD"}).kind, Kind::kEarthBadFlagValue);
  EXPECT_EQ(Parsed<HealthcheckFlags>({"--retries=x", "CMD"}).kind, Kind::kEarthBadFlagValue);
}

TEST(EarthFlags, Tables) {
  EXPECT_THAT(FlagsOf("LET"), IsEmpty());
  EXPECT_THAT(FlagsOf("NONSENSE"), IsEmpty());
  EXPECT_EQ(FlagsOf("RUN").size(), 14U);
  for (const FlagInfo& flag : FlagsOf("CACHE")) {
    EXPECT_TRUE(flag.feature.empty() || FeatureWithFlag(flag.feature)) << flag.name;
  }
  EXPECT_EQ(CacheFlags().chmod, "0644");
  EXPECT_EQ(ForFlags().separators, "\n\t ");
}

TEST(EarthFlags, ArgDeclarations) {
  const auto arg = [](const std::vector<std::string>& texts, bool base = false, int minor = 8) {
    return ParseArg(Words(texts), Features::OfVersion(0, minor), base, {});
  };
  const auto kind = [](const Checked<ArgDeclaration>& result) { return result.error().diagnostics().front().kind; };
  EXPECT_EQ(arg({"A"})->name, "A");
  EXPECT_FALSE(arg({"A"})->value);
  EXPECT_EQ(arg({"A", "=", "b c"})->value->text, "b c");
  EXPECT_TRUE(arg({"--required", "A"})->required);
  EXPECT_TRUE(arg({"--global", "A"}, true)->global);
  EXPECT_FALSE(arg({"A"}, true)->global);
  EXPECT_TRUE(arg({"A"}, true, 6)->global);
  EXPECT_FALSE(arg({"A"}, false, 6)->global);
  EXPECT_EQ(kind(arg({"--global", "A"}, false)), Kind::kEarthGlobalNotInBase);
  EXPECT_EQ(kind(arg({"--global", "A"}, true, 6)), Kind::kEarthFeatureOff);
  EXPECT_EQ(kind(arg({"--required", "A", "=", "b"})), Kind::kEarthRequiredDefault);
  EXPECT_EQ(kind(arg({"A", "b"})), Kind::kEarthBadArguments);
  EXPECT_EQ(kind(arg({})), Kind::kEarthBadArguments);
}

TEST(EarthFlags, Assignments) {
  EXPECT_EQ(ParseLet(Words({"a", "=", "b"}), kNewest, {})->value.text, "b");
  EXPECT_EQ(ParseSet(Words({"a", "=", "b"}), kNewest, {})->name, "a");
  EXPECT_FALSE(ParseLet(Words({"a"}), kNewest, {}));
  EXPECT_EQ(ParseSet(Words({"a", "=", "b"}), Features::OfVersion(0, 7), {}).error().diagnostics()[0].kind,
            Kind::kEarthFeatureOff);
}

}  // namespace
}  // namespace loam::sema::earthfile
