#include "runtime-executor/content/descriptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace loam::content {
namespace {

using nlohmann::json;

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(Descriptor, PrintsKeysInTheOrderOfTheSpecAndRoundTrips) {
  Descriptor descriptor;
  descriptor.media_type = media_type::kOciManifest;
  descriptor.digest = *Digest::Parse(kDigest);
  descriptor.size = 42;
  descriptor.annotations = {{"b", "2"}, {"a", "1"}};
  descriptor.platform = Platform{"linux", "arm", "v7", "", {}};
  const std::string text = ToJson(descriptor).dump();
  EXPECT_EQ(
      text,
      R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" + kDigest +
          R"(","size":42,"annotations":{"a":"1","b":"2"},"platform":{"architecture":"arm","os":"linux","variant":"v7"}})");
  EXPECT_EQ(*ParseDescriptor(json::parse(text)), descriptor);
}

TEST(Descriptor, RejectsWhatIsNotOne) {
  for (const std::string& text : std::vector<std::string>{
           "[]", "{}", R"({"digest":"sha256:12","size":1})", R"({"digest":")" + kDigest + R"("})",
           R"({"digest":")" + kDigest + R"(","size":-1})", R"({"digest":")" + kDigest + R"(","size":1.5})",
           R"({"digest":")" + kDigest + R"(","size":18446744073709551615})", R"({"digest":7,"size":1})",
           R"({"digest":")" + kDigest + R"(","size":1,"annotations":{"a":1}})",
           R"({"digest":")" + kDigest + R"(","size":1,"platform":"linux"})"}) {
    EXPECT_FALSE(ParseDescriptor(json::parse(text)).has_value()) << text;
  }
}

TEST(Manifest, Parses) {
  const std::string layer =
      R"({"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":")" + kDigest + R"(","size":3})";
  const auto manifest = ParseManifest(R"({"schemaVersion":2,"config":{"mediaType":"c","digest":")" + kDigest +
                                      R"(","size":7},"layers":[)" + layer + "," + layer + "]}");
  ASSERT_TRUE(manifest.has_value()) << manifest.error().message();
  EXPECT_EQ(manifest->config.size, 7U);
  EXPECT_EQ(manifest->layers.size(), 2U);
  EXPECT_FALSE(ParseManifest("{").has_value());
  EXPECT_FALSE(ParseManifest("{}").has_value());
  EXPECT_FALSE(ParseIndex(R"({"manifests":7})").has_value());
  EXPECT_EQ(*DetectMediaType(R"({"manifests":[]})"), media_type::kOciIndex);
  EXPECT_EQ(*DetectMediaType(R"({"config":{}})"), media_type::kOciManifest);
  EXPECT_EQ(*DetectMediaType(R"({"mediaType":"x"})"), "x");
  EXPECT_FALSE(DetectMediaType("{}").has_value());
}

}  // namespace
}  // namespace loam::content
