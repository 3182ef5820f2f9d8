#include "cli/flags.h"

#include <gmock/gmock.h>

namespace loam::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Flag kTable[] = {
    {.name = "file", .short_name = 'f', .kind = FlagKind::kString, .value_name = "PATH", .help = "the file"},
    {.name = "output", .short_name = 'o', .kind = FlagKind::kList, .value_name = "OUT", .help = "an output"},
    {.name = "target", .short_name = 0, .kind = FlagKind::kString, .value_name = "STAGE", .help = "the stage"},
    {.name = "push", .short_name = 0, .kind = FlagKind::kBool, .value_name = {}, .help = "push it"},
    {.name = "sbom", .short_name = 0, .kind = FlagKind::kOptional, .value_name = "ATTRS", .help = "sbom"},
};

Flags Parse(const std::vector<std::string>& arguments) {
  Result<Flags> flags = Flags::Parse(kTable, arguments);
  EXPECT_TRUE(flags.has_value()) << flags.error().message();
  return flags.has_value() ? *std::move(flags) : Flags();
}

Error Failure(const std::vector<std::string>& arguments) {
  const Result<Flags> flags = Flags::Parse(kTable, arguments);
  return flags ? Error(ErrorCode::kUnknown, "parsed") : flags.error();
}

TEST(Flags, ValuesInEverySpelling) {
  const Flags flags = Parse({"-f", "a", ".", "-o", "type=docker,dest=-", "--output=type=local,dest=out", "--push"});
  EXPECT_EQ(flags.String("file"), "a");
  EXPECT_THAT(flags.List("output"), ElementsAre("type=docker,dest=-", "type=local,dest=out"));
  EXPECT_TRUE(flags.Bool("push"));
  EXPECT_FALSE(flags.Has("target"));
  EXPECT_THAT(flags.positional(), ElementsAre("."));
}

TEST(Flags, LastStringCounts) {
  EXPECT_EQ(Parse({"--file=a", "--file", "b"}).String("file"), "b");
}

TEST(Flags, BooleansTakeAnEqualsSignOnly) {
  EXPECT_FALSE(Parse({"--push=false"}).Bool("push"));
  const Flags flags = Parse({"--push", "false"});
  EXPECT_TRUE(flags.Bool("push"));
  EXPECT_THAT(flags.positional(), ElementsAre("false"));
}

TEST(Flags, DashIsAnArgument) {
  EXPECT_THAT(Parse({"-"}).positional(), ElementsAre("-"));
}

TEST(Flags, ShortNamesTakeAnEqualsSignToo) {
  EXPECT_EQ(Parse({"-f=a=b"}).String("file"), "a=b");
  EXPECT_THAT(Parse({"-o=type=docker,dest=-", "-oout"}).List("output"), ElementsAre("type=docker,dest=-", "out"));
}

TEST(Flags, WordsOfACommandThatIsPassedOnAreNoFlags) {
  const auto parse = [](const std::vector<std::string>& words) {
    return *Flags::Parse(kTable, words, Flags::AfterFirst::kWords);
  };
  const Flags flags = parse({"-f", "a", "image", "sh", "-c", "exit 7", "--push", "--", "--help"});
  EXPECT_EQ(flags.String("file"), "a");
  EXPECT_FALSE(flags.Has("push"));
  EXPECT_FALSE(flags.help());
  EXPECT_THAT(flags.positional(), ElementsAre("image", "sh", "-c", "exit 7", "--push", "--", "--help"));
  EXPECT_THAT(parse({"--push", "--", "image", "-x"}).positional(), ElementsAre("image", "-x"));
  EXPECT_TRUE(parse({"--help"}).help());
}

TEST(Flags, OptionalValue) {
  EXPECT_EQ(Parse({"--sbom"}).String("sbom"), "true");
  EXPECT_EQ(Parse({"--sbom=false"}).String("sbom"), "false");
}

TEST(Flags, HelpWinsOverMistakes) {
  EXPECT_TRUE(Parse({"--tagret", "x", "--help"}).help());
}

TEST(Flags, UnknownFlagNamesTheNearest) {
  const Error error = Failure({"--tagret", "x"});
  EXPECT_THAT(error.message(), HasSubstr("`--tagret`"));
  EXPECT_EQ(error.hint(), "did you mean `--target`?");
}

TEST(Flags, MissingValue) {
  EXPECT_THAT(Failure({"--target"}).message(), HasSubstr("needs a value"));
}

TEST(Flags, WrongBoolean) {
  EXPECT_THAT(Failure({"--push=maybe"}).message(), HasSubstr("`maybe`"));
}

}  // namespace
}  // namespace loam::cli
