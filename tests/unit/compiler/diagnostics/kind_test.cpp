#include "compiler/diagnostics/kind.h"

#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::diag {
namespace {

TEST(Kinds, CodesAreUniqueAndWellFormed) {
  std::set<std::string_view> codes;
  for (const KindInfo& info : kKinds) {
    EXPECT_TRUE(codes.insert(info.code).second) << info.code << " is used twice";
    ASSERT_EQ(info.code.size(), 6U) << info.name;
    EXPECT_THAT(info.code.substr(0, 2), testing::AnyOf("LC", "LD", "LE")) << info.name;
    EXPECT_EQ(info.code.find_first_not_of("0123456789", 2), std::string_view::npos) << info.code;
    EXPECT_EQ(InfoOf(*KindWithCode(info.code)).name, info.name);
  }
  EXPECT_FALSE(KindWithCode("LD9999"));
}

TEST(Kinds, MessagesFollowTheStyle) {
  for (const KindInfo& info : kKinds) {
    ASSERT_FALSE(info.format.empty()) << info.code;
    EXPECT_NE(info.format.back(), '.') << info.code << " ends with a full stop";
    EXPECT_EQ(info.format.find('\''), info.format.find("'s")) << info.code << ": code goes into backticks";
    EXPECT_EQ(info.slug.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string_view::npos)
        << info.code;
  }
}

// But for those of the meaning of Dockerfiles, whose messages explain themselves.
TEST(Kinds, HaveTheirSectionInTheDocs) {
  std::ifstream in(LOAM_SOURCE_DIR "/docs/diagnostics.md");
  std::stringstream docs;
  docs << in.rdbuf();
  for (const KindInfo& info : kKinds) {
    if (!info.code.starts_with("LD03")) {
      const std::string heading = "## " + std::string(info.slug) + "\n\n`" + std::string(info.code) + "`, ";
      EXPECT_NE(docs.str().find(heading), std::string::npos) << info.code;
    }
  }
}

}  // namespace
}  // namespace loam::diag
