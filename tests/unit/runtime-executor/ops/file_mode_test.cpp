#include "runtime-executor/ops/file_mode.h"

#include <gtest/gtest.h>

namespace loam::ops {
namespace {

struct Case {
  const char* text;
  mode_t before;
  mode_t after;
  bool directory = false;
};

TEST(FileMode, ChangesAsChmodDoes) {
  const Case cases[] = {
      {"0755", 0644, 0755},     {"4711", 0, 04711},        {"0", 0777, 0},
      {"u+x", 0644, 0744},      {"+x", 0644, 0755},        {"a-w", 0666, 0444},
      {"go-rwx", 0777, 0700},   {"u=rw,go=r", 0777, 0644}, {"a+X", 0644, 0644},
      {"a+X", 0744, 0755},      {"a+X", 0644, 0755, true}, {"go=u", 0750, 0777},
      {"g+u", 0640, 0660},      {"o=g", 0754, 0755},       {"u+s", 0755, 04755},
      {"g+s", 0755, 02755},     {"o+s", 0755, 0755},       {"+t", 0777, 01777},
      {"u=", 04755, 0055},      {"=", 06777, 0},           {"u+r-w", 0200, 0400},
      {"u=rX", 0644, 0444},     {"u=rX", 0755, 0555},      {"a=rX,u+w", 0600, 0644},
      {"a=rX,u+w", 0700, 0755}, {"g-s", 02755, 0755},      {"u-g", 0770, 0070},
  };
  for (const Case& c : cases) {
    auto mode = FileMode::Parse(c.text);
    ASSERT_TRUE(mode) << c.text;
    EXPECT_EQ(mode->Apply(c.before, c.directory), c.after) << c.text << " on " << std::oct << c.before;
  }
}

TEST(FileMode, RefusesWhatIsNoMode) {
  for (const char* bad : {"", "9", "0888", "77777", "u", "u+q", "x", "u+x,", ",", "a=rw;"}) {
    EXPECT_FALSE(FileMode::Parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace loam::ops
