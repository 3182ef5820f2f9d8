#include "compiler/source/source_manager.h"

#include <gtest/gtest.h>

namespace loam::source {
namespace {

TEST(SourceManager, FindsBuffersByTheirId) {
  SourceManager sources;
  const Buffer* a = *sources.AddText("a", "one");
  const Buffer* b = *sources.AddText("b", "\xEF\xBB\xBFtwo\nlines");
  EXPECT_NE(a->id(), b->id());
  EXPECT_EQ(sources.Find(a->id()), a);
  EXPECT_EQ(&sources.buffer(b->id()), b);
  EXPECT_EQ(sources.Find(kNoFile), nullptr);
  EXPECT_EQ(sources.Find(FileId{99}), nullptr);
  EXPECT_EQ(a->bom_size(), 0U);
  EXPECT_EQ(b->bom_size(), 3U);
  EXPECT_EQ(b->TextOf(b->Range(3, 6)), "two");
  EXPECT_EQ(b->LinesOf(b->Range(3, 7)), (LineSpan{1, 1}));
  EXPECT_EQ(b->LinesOf(b->Range(3, 8)), (LineSpan{1, 2}));
}

TEST(SourceManager, MissingFileIsAnErrorWithItsName) {
  SourceManager sources;
  const auto loaded = sources.LoadFile("/nonexistent/Dockerfile");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(loaded.error().message().find("/nonexistent/Dockerfile"), std::string::npos);
}

TEST(SourceManager, TextTooLargeIsRefused) {
  SourceManager sources;
  const auto added = sources.AddText("large", std::string(kMaxBufferBytes + 1, 'x'));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code(), ErrorCode::kResourceExhausted);
}

TEST(SourceRange, CoverIsTheSmallestRangeOfBoth) {
  const FileId file{1};
  EXPECT_EQ(Cover({file, 4, 6}, {file, 1, 2}), (SourceRange{file, 1, 6}));
  EXPECT_EQ(Cover({}, {file, 1, 2}), (SourceRange{file, 1, 2}));
  EXPECT_EQ(Cover({file, 1, 2}, {}), (SourceRange{file, 1, 2}));
}

}  // namespace
}  // namespace loam::source
