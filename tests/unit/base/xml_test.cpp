#include "base/xml.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(XmlTest, EscapesWhatContentsAndAttributesCannotHold) {
  EXPECT_EQ(XmlEscaped("a<b> & \"c\" é"), "a&lt;b&gt; &amp; &quot;c&quot; é");
  EXPECT_EQ(XmlEscaped("a\nb\tc"), "a&#10;b&#9;c");
  EXPECT_EQ(XmlEscaped(std::string_view("\0\x1b[1m", 5)), "??[1m");
}

}  // namespace
}  // namespace loam
