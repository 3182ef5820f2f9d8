#include "compiler/syntax/arena.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace loam::syntax {
namespace {

TEST(Arena, KeepsWhatWasAllocated) {
  Arena arena;
  std::vector<std::string_view> texts;
  std::vector<std::string> expected;
  for (int i = 0; i < 5000; ++i) {
    expected.push_back(std::string(static_cast<std::size_t>(i % 97), static_cast<char>('a' + i % 26)));
    texts.push_back(arena.Copy(expected.back()));
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(texts[i], expected[i]);
  }
}

TEST(Arena, AlignsAndTakesLargeObjects) {
  Arena arena;
  arena.Copy(std::string_view("x"));
  struct alignas(64) Wide {
    char bytes[3 << 20];
  };
  const auto* wide = static_cast<const Wide*>(arena.Allocate(sizeof(Wide), alignof(Wide)));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(wide) % 64, 0U);
  const std::vector<std::uint64_t> numbers = {1, 2, 3};
  const auto copy = arena.Copy(numbers);
  EXPECT_EQ(std::vector<std::uint64_t>(copy.begin(), copy.end()), numbers);
  EXPECT_TRUE(arena.Copy(std::vector<int>{}).empty());
}

}  // namespace
}  // namespace loam::syntax
