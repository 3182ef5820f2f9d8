#include "base/image_reference.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace loam {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(ImageReferenceTest, Normalises) {
  const std::pair<std::string, std::string> cases[] = {
      {"alpine", "docker.io/library/alpine"},
      {"alpine:3.20", "docker.io/library/alpine:3.20"},
      {"me/app", "docker.io/me/app"},
      {"docker.io/app", "docker.io/library/app"},
      {"index.docker.io/app:1", "docker.io/library/app:1"},
      {"localhost/app", "localhost/app"},
      {"localhost:5000/app:1", "localhost:5000/app:1"},
      {"[::1]:5000/a/b", "[::1]:5000/a/b"},
      {"example.com/a__b/c-d.e:T_x-1.", "example.com/a__b/c-d.e:T_x-1."},
      {"Host/app", "Host/app"},
      {"app@" + kDigest, "docker.io/library/app@" + kDigest},
      {"app:1@" + kDigest, "docker.io/library/app:1@" + kDigest},
      {"foo:5000", "docker.io/library/foo:5000"},
  };
  for (const auto& [text, expected] : cases) {
    const auto reference = ParseImageReference(text);
    ASSERT_TRUE(reference) << text;
    EXPECT_EQ(reference->ToString(), expected);
  }
}

TEST(ImageReferenceTest, RefusesWhatIsNone) {
  for (const std::string& text :
       {std::string(), std::string("App"), std::string("a/B"), std::string("a:"), std::string("a@sha256:12"),
        std::string("-a"), std::string("a..b"), std::string("a//b"), std::string("a b"), std::string("a:b c"),
        std::string("/a"), std::string("exa mple.com/a"), std::string("a___b"), std::string(64, 'a'),
        "a:" + std::string(129, 't'), std::string(256, 'a'), std::string("a@md5:") + std::string(32, 'a')}) {
    const auto reference = ParseImageReference(text);
    ASSERT_FALSE(reference) << text;
    EXPECT_TRUE(reference.error().Is(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(ImageReferenceTest, OtherForms) {
  EXPECT_EQ(ParseImageReference("app")->WithDefaultTag().ToString(), "docker.io/library/app:latest");
  EXPECT_EQ(ParseImageReference("app@" + kDigest)->WithDefaultTag().tag, "");
  EXPECT_EQ(ParseImageReference("docker.io/library/app:1")->Familiar(), "app:1");
  EXPECT_EQ(ParseImageReference("docker.io/library/a/b:1")->Familiar(), "library/a/b:1");
  EXPECT_EQ(ParseImageReference("docker.io/me/app")->Familiar(), "me/app");
  EXPECT_EQ(ParseImageReference("x.org/library/app")->Familiar(), "x.org/library/app");
}

TEST(Base64Test, EncodesAndDecodes) {
  for (const auto& [plain, encoded] : {std::pair<std::string, std::string>{"", ""},
                                       {"f", "Zg=="},
                                       {"fo", "Zm8="},
                                       {"foo", "Zm9v"},
                                       {"foobar", "Zm9vYmFy"},
                                       {"\xff\xfe", "//4="}}) {
    EXPECT_EQ(Base64Encode(plain), encoded);
    EXPECT_EQ(Base64Decode(encoded), plain);
  }
  EXPECT_EQ(Base64Decode("Zg"), "f");
  EXPECT_EQ(Base64Decode("Z"), std::nullopt);
  EXPECT_EQ(Base64Decode("Zg==x"), std::nullopt);
  EXPECT_EQ(Base64Decode("Z g="), std::nullopt);
}

}  // namespace
}  // namespace loam
