#include "language-server/server/saved_session.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "base/unique_fd.h"

namespace loam::lsp {
namespace {

TEST(SavedSession, IsReadAsItWasWritten) {
  const UniqueFd file(::memfd_create("session", MFD_CLOEXEC));
  SessionWriter writer(file.get());
  const std::string text("a\0b\n", 4);
  writer.Add(Saved::kText, text);
  writer.Add(Saved::kVersion, -12);
  writer.Add(Saved::kFailed, std::string_view());
  ASSERT_TRUE(writer.ok());
  const auto items = ReadSession(file.get());
  ASSERT_TRUE(items && items->size() == 3);
  EXPECT_EQ((*items)[0].kind, Saved::kText);
  EXPECT_EQ((*items)[0].text, text);
  EXPECT_EQ((*items)[1].number(), -12);
  EXPECT_EQ((*items)[2].kind, Saved::kFailed);
}

TEST(SavedSession, WhatIsCutOffIsAnError) {
  const UniqueFd file(::memfd_create("session", MFD_CLOEXEC));
  SessionWriter writer(file.get());
  writer.Add(Saved::kText, "abc");
  ASSERT_EQ(::ftruncate(file.get(), 18), 0);
  EXPECT_FALSE(ReadSession(file.get()));
  EXPECT_FALSE(ReadSession(-1));
  SessionWriter nowhere(-1);
  nowhere.Add(Saved::kText, "abc");
  EXPECT_FALSE(nowhere.ok());
}

}  // namespace
}  // namespace loam::lsp
