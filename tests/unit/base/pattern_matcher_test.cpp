#include "base/pattern_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam {
namespace {

bool Matches(const std::vector<std::string>& patterns, std::string_view path) {
  auto matcher = PatternMatcher::Create(patterns);
  EXPECT_TRUE(matcher.has_value()) << patterns.front();
  return matcher && matcher->MatchesOrParentMatches(path);
}

TEST(PatternMatcher, SinglePatterns) {
  struct Case {
    const char* pattern;
    const char* path;
    bool match;
  };
  const Case cases[] = {
      {"**", "file", true},
      {"**", "dir/file", true},
      {"**/", "dir/file", true},
      {"**/**", "dir/file", true},
      {"dir/**", "dir/file", true},
      {"dir/**", "dir/dir2/file", true},
      {"dir/**", "dir", false},
      {"dir/**", "dir2/x", false},
      {"**/dir2/*", "dir/dir2/file", true},
      {"**/dir2/**", "dir/dir2/dir2/file", true},
      {"**file", "dir/dir/file", true},
      {"**file", "dir/filex", false},
      {"**/file", "dir/file", true},
      {"**/file", "file", true},
      {"**/file", "dirfile", false},
      {"**file*", "dir/file.txt", true},
      {"**/file*", "dir/dir/file.txt", true},
      {"**/file*txt", "dir/dir/file.txt", true},
      {"**/file*.txt*", "dir/dir/file.txt", true},
      {"**/**/*.txt", "dir/dir/file.txt", true},
      {"**/**/*.txt2", "dir/dir/file.txt", false},
      {"a**b", "a/x/b", true},
      {"a**b", "a/x/cb", false},
      {"a**b", "ab", true},
      {"a**b", "ax/b", true},
      {"a**/*.txt", "a/file.txt", true},
      {"a/*.txt", "a/b/file.txt", false},
      {"a/*", "a/b/c", true},  // by its parent a/b
      {"a[b-d]e", "ace", true},
      {"a[b-d]e", "aae", false},
      {"a[^b-d]e", "aze", true},
      {"a[^b-d]e", "ace", false},
      {".*", ".foo", true},
      {".*", "foo", false},
      {"abc.def", "abcdef", false},
      {"abc.def", "abcZdef", false},
      {"abc?def", "abcZdef", true},
      {"abc?def", "abc/def", false},
      {"abc?def",
       "abc\xC3\xA4"
       "def",
       true},
      {"a\\\\", "a\\", true},
      {"a\\*b", "a*b", true},
      {"a\\*b", "axb", false},
      {"**/foo/bar", "foo/bar", true},
      {"**/foo/bar", "dir/foo/bar", true},
      {"abc/**", "abc", false},
      {"**/.foo", "test.foo", false},
      {"a(b)c/def", "a(b)c/def", true},
      {"a.|)$(}+{bc", "a.|)$(}+{bc", true},
      {"*.md", "dir.md/file", true},
      {"dir/*/x", "dir/a/x/y", true},
      {"./foo/", "foo/bar", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Matches({c.pattern}, c.path), c.match) << c.pattern << " on " << c.path;
  }
}

TEST(PatternMatcher, LastMatchDecides) {
  EXPECT_TRUE(Matches({"**", "!util/docker/web"}, "util/docker/web/foo") == false);
  EXPECT_TRUE(Matches({"**", "!util/docker/web", "util/docker/web/foo"}, "util/docker/web/foo"));
  EXPECT_FALSE(Matches({"docs", "!docs/README.md"}, "docs/README.md"));
  EXPECT_TRUE(Matches({"docs", "!docs/README.md"}, "docs/other"));
  EXPECT_FALSE(Matches({"!docs", "x"}, "docs"));
}

TEST(PatternMatcher, ParentResultsAgreeWithWholePaths) {
  const std::vector<std::string> patterns = {"a", "!a/b", "a/b/*.o", "**/tmp", "!x/tmp/keep", "*.log"};
  auto matcher = PatternMatcher::Create(patterns);
  ASSERT_TRUE(matcher);
  for (const char* text :
       {"a", "a/b", "a/b/c.o", "a/b/c.c", "a/c", "x/tmp", "x/tmp/keep", "x/tmp/drop", "q.log/deep/er"}) {
    const std::string path = text;
    PatternMatchInfo parent;
    bool matched = false;
    for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
      PatternMatchInfo info;
      matched = matcher->MatchesUsingParent(path.substr(0, end), parent, &info);
      parent = info;
      if (end == std::string::npos) {
        break;
      }
    }
    EXPECT_EQ(matched, matcher->MatchesOrParentMatches(path)) << path;
  }
}

TEST(PatternMatcher, RejectsMalformed) {
  for (const char* bad : {"!", "[", "a[", "[]", "[-]", "[x-]", "[a-", "a\\", "[^]", "[^bc"}) {
    EXPECT_FALSE(PatternMatcher::Create({bad})) << bad;
  }
  EXPECT_TRUE(PatternMatcher::Create({"", "  ", "x]"}));
}

TEST(PatternMatcher, ManyStarsStayCheap) {
  auto matcher = PatternMatcher::Create({"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab"});
  ASSERT_TRUE(matcher);
  EXPECT_FALSE(matcher->MatchesOrParentMatches(std::string(4000, 'a')));
}

TEST(PatternMatcher, IgnoreFile) {
  EXPECT_THAT(
      ParseIgnoreFile("\xEF\xBB\xBF# comment\n\n /abs/path/ \r\n! /keep/../kept\n #not a comment\n!\nfoo//bar\n/"),
      testing::ElementsAre("abs/path", "!kept", "#not a comment", "!", "foo/bar", "/"));
}

TEST(PathMatch, FollowsGo) {
  struct Case {
    const char* pattern;
    const char* name;
    int match;  // -1: malformed
  };
  const Case cases[] = {
      {"abc", "abc", 1},
      {"*", "abc", 1},
      {"*c", "abc", 1},
      {"a*", "a", 1},
      {"a*", "ab/c", 0},
      {"a*/b", "abc/b", 1},
      {"a*/b", "a/c/b", 0},
      {"a*b*c*d*e*/f", "axbxcxdxe/f", 1},
      {"ab[c]", "abc", 1},
      {"ab[b-d]", "abc", 1},
      {"ab[^e-g]", "abc", 1},
      {"ab[^b-d]", "abc", 0},
      {"a\\*b", "a*b", 1},
      {"a\\*b", "ab", 0},
      {"a?b",
       "a\xE2\x98\xBA"
       "b",
       1},
      {"a???b",
       "a\xE2\x98\xBA"
       "b",
       0},
      {"a?b", "a/b", 0},
      {"a*b", "a/b", 0},
      {"[\\]a]", "]", 1},
      {"[\\-x]", "-", 1},
      {"[]a]", "]", -1},
      {"[-]", "-", -1},
      {"[x-]", "x", -1},
      {"[a-b-c]", "a", -1},
      {"[", "a", -1},
      {"a[", "a", -1},
      {"a[", "ab", -1},
      {"a[", "x", -1},
      {"*x", "xxx", 1},
      {"a/b[", "x", -1},
      {"", "", 1},
      {"", "a", 0},
  };
  for (const Case& c : cases) {
    const auto result = PathMatch(c.pattern, c.name);
    EXPECT_EQ(result ? static_cast<int>(*result) : -1, c.match) << c.pattern << " on " << c.name;
  }
}

TEST(Paths, CleanAndSplit) {
  EXPECT_EQ(CleanPath(""), ".");
  EXPECT_EQ(CleanPath("a//b/./c/.."), "a/b");
  EXPECT_EQ(CleanPath("../../a"), "../../a");
  EXPECT_EQ(CleanPath("/../a/"), "/a");
  EXPECT_EQ(CleanRootedPath("../x"), "/x");
  EXPECT_EQ(CleanRootedPath(""), "/");
  EXPECT_EQ(SplitWildcard("/a/b*/c"), (std::pair<std::string, std::string>("/a", "b*/c")));
  EXPECT_EQ(SplitWildcard("/*"), (std::pair<std::string, std::string>("/", "*")));
  EXPECT_EQ(SplitWildcard("/a/b"), (std::pair<std::string, std::string>("/a/b", "")));
  EXPECT_EQ(SplitWildcard("a\\*b/c?"), (std::pair<std::string, std::string>("a\\*b", "c?")));
}

}  // namespace
}  // namespace loam
