#include "base/attest_options.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(AttestOptionsTest, ByKind) {
  const auto attests = ReadAttestOptions({{"attest:provenance", "mode=min,\"x=a,b\""},
                                          {"build-arg:BUILDKIT_ATTEST_SBOM", "generator=host/scan:2,DEPTH=3"},
                                          {"target", "x"}});
  ASSERT_TRUE(attests);
  EXPECT_EQ(attests->size(), 2U);
  EXPECT_EQ(attests->at("provenance").at("x"), "a,b");
  const auto scanner = ReadSbomScanner(attests->at("sbom"));
  ASSERT_TRUE(scanner);
  EXPECT_EQ(scanner->image, "docker.io/host/scan:2");
  EXPECT_EQ(scanner->parameters.at("DEPTH"), "3");
  EXPECT_EQ(ReadSbomScanner({})->image, "docker.io/docker/buildkit-syft-scanner:stable-1");
}

TEST(AttestOptionsTest, MistakesAreSaid) {
  EXPECT_FALSE(ReadAttestOptions({{"attest:horoscope", ""}}));
  EXPECT_FALSE(ReadSbomScanner({{"generator", ""}}));
}

}  // namespace
}  // namespace loam
