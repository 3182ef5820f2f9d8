#include "runtime-executor/exporter/attributes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::exporter {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Attributes, AreTakenAndTheRestStays) {
  Attributes attributes = {{"name", "app"},
                           {"compression", "zstd"},
                           {"compression-level", "19"},
                           {"force-compression", ""},
                           {"oci-mediatypes", "True"},
                           {"rewrite-timestamp", "1"},
                           {"source-date-epoch", "1700000000"},
                           {"annotation.a", "1"},
                           {"tar", "false"},
                           {"something", "else"}};
  const auto result = TakeImageAttributes(attributes);
  ASSERT_TRUE(result.has_value()) << result.error().message();
  EXPECT_EQ(result->name, "app");
  EXPECT_EQ(result->compression.type, content::CompressionType::kZstd);
  EXPECT_EQ(result->compression.level, 19);
  EXPECT_TRUE(result->force_compression);
  EXPECT_TRUE(result->oci_media_types);
  EXPECT_TRUE(result->rewrite_timestamp);
  ASSERT_TRUE(result->epoch.has_value());
  EXPECT_EQ(**result->epoch, 1700000000);
  EXPECT_THAT(attributes, ElementsAre(Pair("something", "else"), Pair("tar", "false")));
}

TEST(Attributes, RejectsBadValues) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"compression", "rar"},
      {"compression-level", "ten"},
      {"compression-level", "10"},
      {"compression-level", "-1"},
      {"oci-mediatypes", ""},
      {"oci-mediatypes", "yes"},
      {"rewrite-timestamp", "maybe"},
      {"source-date-epoch", "now"},
      {"source-date-epoch", "1.5"},
      {"annotation-layer.a", "x"},
      {"annotation[not/a/platform/at/all].a", "x"},
      {"prefer-nondist-layers", "no"},
      {"force-compression", "2"},
  };
  for (const auto& [key, value] : bad) {
    Attributes attributes = {{key, value}};
    const auto result = TakeImageAttributes(attributes);
    ASSERT_FALSE(result.has_value()) << key << "=" << value;
    EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument) << key;
  }
}

TEST(Attributes, DockersTypesHaveZstdToo) {
  Attributes attributes = {{"compression", "zstd"}, {"oci-mediatypes", "false"}};
  const auto result = TakeImageAttributes(attributes);
  ASSERT_TRUE(result.has_value()) << result.error().message();
  EXPECT_FALSE(result->oci_media_types);
}

TEST(Attributes, AnnotationsGoToTheirPlatforms) {
  Attributes attributes = {{"annotation.all", "1"},
                           {"annotation-manifest[linux/amd64].mine", "2"},
                           {"annotation[linux/amd64].all", "3"},
                           {"annotation-manifest-descriptor.d", "4"},
                           {"annotation-index.i", "5"},
                           {"annotation-index-descriptor.x", "6"},
                           {"annotation", "not one"},
                           {"annotation.", "nor this"}};
  const auto result = TakeImageAttributes(attributes);
  ASSERT_TRUE(result.has_value()) << result.error().message();
  const Annotations amd64 = result->annotations.For("linux/amd64");
  EXPECT_THAT(amd64.manifest, ElementsAre(Pair("all", "3"), Pair("mine", "2")));
  EXPECT_THAT(amd64.manifest_descriptor, ElementsAre(Pair("d", "4")));
  const Annotations arm64 = result->annotations.For("linux/arm64");
  EXPECT_THAT(arm64.manifest, ElementsAre(Pair("all", "1")));
  EXPECT_THAT(arm64.index, ElementsAre(Pair("i", "5")));
  EXPECT_THAT(arm64.index_descriptor, ElementsAre(Pair("x", "6")));
  EXPECT_EQ(attributes.size(), 2U);
}

TEST(Attributes, EpochOfTheFrontendUnlessTheExporterHasOne) {
  ExportInput input;
  input.metadata = {{"source.date.epoch/linux/amd64", "7"}};
  EXPECT_EQ(**EpochFor(std::nullopt, input, "linux/amd64"), 7);
  EXPECT_EQ(*EpochFor(std::nullopt, input, "linux/arm64"), std::nullopt);
  input.metadata["source.date.epoch"] = "9";
  EXPECT_EQ(**EpochFor(std::nullopt, input, "linux/arm64"), 9);
  EXPECT_EQ(**EpochFor(std::optional<std::optional<std::int64_t>>(11), input, "linux/arm64"), 11);
  EXPECT_EQ(*EpochFor(std::optional(std::optional<std::int64_t>()), input, "linux/arm64"), std::nullopt);
}

TEST(Attributes, NamesAreNormalised) {
  EXPECT_THAT(*NormalizedNames("app,reg.example:5000/x/y:1.0"),
              ElementsAre("docker.io/library/app:latest", "reg.example:5000/x/y:1.0"));
  EXPECT_FALSE(NormalizedNames("UPPER CASE").has_value());
  EXPECT_FALSE(NormalizedNames("a,,b").has_value());
}

}  // namespace
}  // namespace loam::exporter
