#include "base/digest.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

constexpr std::string_view kAbc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Digest, OfKnownText) {
  EXPECT_EQ(Digest::Of("abc").ToString(), kAbc);
}

TEST(Digest, ParsesWhatItPrints) {
  const Result<Digest> digest = Digest::Parse(kAbc);
  ASSERT_TRUE(digest.has_value());
  EXPECT_EQ(*digest, Digest::Of("abc"));
  EXPECT_FALSE(digest->empty());
}

TEST(Digest, RejectsWrongText) {
  for (const std::string_view text : {"", "sha256:", "sha256:ba78", "md5:ba78",
                                      "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}) {
    EXPECT_FALSE(Digest::Parse(text).has_value()) << text;
  }
}

TEST(Digest, IncrementalEqualsWhole) {
  Sha256 hash;
  hash.Update("a").Update("bc");
  EXPECT_EQ(hash.Finish().ToString(), kAbc);
  hash.Update("abc");
  EXPECT_EQ(hash.Finish().ToString(), kAbc) << "usable again after Finish";
}

}  // namespace
}  // namespace loam
