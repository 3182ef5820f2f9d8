#include "base/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam {
namespace {

using ::testing::ElementsAre;

TEST(CsvTest, FieldsAndQuotes) {
  EXPECT_THAT(SplitCsv("a=b,c=d").value(), ElementsAre("a=b", "c=d"));
  EXPECT_THAT(SplitCsv("").value(), ElementsAre(""));
  EXPECT_THAT(SplitCsv(R"("a=1,2",b)").value(), ElementsAre("a=1,2", "b"));
  EXPECT_THAT(SplitCsv(R"("a=""x""",)").value(), ElementsAre(R"(a="x")", ""));
  EXPECT_FALSE(SplitCsv(R"("a)").has_value());
}

}  // namespace
}  // namespace loam
