#include "runtime-executor/daemon/filter.h"

#include <gmock/gmock.h>

#include <map>

#include "base/strings.h"

namespace loam::daemon {
namespace {

bool Match(std::vector<std::string> filters, const std::map<std::string, std::string>& fields) {
  const auto filter = Filter::Parse(filters);
  EXPECT_TRUE(filter) << (filter ? "" : filter.error().message());
  return filter->Matches([&](std::span<const std::string> path) -> std::optional<std::string> {
    const auto found = fields.find(Join({path.begin(), path.end()}, "."));
    return found == fields.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(FilterTest, NothingMatchesEverything) {
  EXPECT_TRUE(Match({}, {}));
  EXPECT_TRUE(Match({""}, {}));
  EXPECT_TRUE(Match({"a==1", ""}, {}));
}

TEST(FilterTest, Operators) {
  EXPECT_TRUE(Match({"type==exec.cachemount"}, {{"type", "exec.cachemount"}}));
  EXPECT_FALSE(Match({"type==exec.cachemount"}, {{"type", "regular"}}));
  EXPECT_FALSE(Match({"type==regular"}, {}));
  EXPECT_TRUE(Match({"type!=regular"}, {}));
  EXPECT_TRUE(Match({"inuse"}, {{"inuse", ""}}));
  EXPECT_FALSE(Match({"inuse"}, {}));
  EXPECT_TRUE(Match({"description~=^RUN.*make"}, {{"description", "RUN make"}}));
  EXPECT_FALSE(Match({"description~=^COPY"}, {{"description", "RUN make"}}));
  EXPECT_TRUE(Match({"missing~=^$"}, {}));
}

TEST(FilterTest, PartsMustAllHoldAndOneFilterSuffices) {
  const std::map<std::string, std::string> fields{{"a", "1"}, {"b", "2"}};
  EXPECT_TRUE(Match({"a==1,b==2"}, fields));
  EXPECT_FALSE(Match({"a==1,b==3"}, fields));
  EXPECT_TRUE(Match({"a==9", "b==2"}, fields));
}

TEST(FilterTest, PathsAndQuotes) {
  EXPECT_TRUE(Match({R"(labels."com.example/x"=="a, b")"}, {{"labels.com.example/x", "a, b"}}));
  EXPECT_TRUE(Match({"labels.one.two==x"}, {{"labels.one.two", "x"}}));
}

TEST(FilterTest, MalformedIsAnError) {
  for (const char* text : {"ref+foo", "==x", "a==", "a==1,,b==2", "a~=[", "a==\"x", "a=1"}) {
    const auto filter = Filter::Parse(std::vector<std::string>{text});
    ASSERT_FALSE(filter) << text;
    EXPECT_THAT(filter.error().message(), testing::HasSubstr("parse error")) << text;
    EXPECT_TRUE(filter.error().Is(ErrorCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace loam::daemon
