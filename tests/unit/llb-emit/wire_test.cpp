#include "llb-emit/wire.h"

#include <gtest/gtest.h>

namespace loam::llb {
namespace {

TEST(WireWriter, MessagesOfEveryLengthNest) {
  for (const std::size_t size : {0U, 1U, 100U, 126U, 127U, 128U, 16383U, 16384U, 2097152U}) {
    std::string out;
    WireWriter writer(out);
    const std::string text(size, 'x');
    writer.Message(1, [&] { writer.Message(2, [&] { writer.Bytes(3, text); }); });
    // Unpack by hand.
    std::string_view rest = out;
    for (const unsigned char tag : {0x0aU, 0x12U, 0x1aU}) {
      if (size == 0 && tag == 0x1aU) {
        break;  // the default value is not written
      }
      ASSERT_EQ(static_cast<unsigned char>(rest[0]), tag);
      rest.remove_prefix(1);
      std::size_t length = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(rest[0]);
        rest.remove_prefix(1);
        length |= static_cast<std::size_t>(byte & 0x7f) << shift;
        if (byte < 0x80) {
          break;
        }
      }
      ASSERT_EQ(length, rest.size());
    }
    EXPECT_EQ(rest, text);
  }
}

TEST(WireWriter, NegativeNumbersTakeTenBytes) {
  std::string out;
  WireWriter(out).Int(4, -1);
  EXPECT_EQ(out, "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

TEST(WireWriter, DefaultsAreLeftOutUnlessTheyHavePresence) {
  std::string out;
  WireWriter writer(out);
  writer.Int(1, 0);
  writer.Bool(2, false);
  writer.String(3, "");
  writer.PackedInts(4, std::string_view());
  EXPECT_EQ(out, "");
  writer.AlwaysInt(1, 0);
  writer.AlwaysString(2, "");
  EXPECT_EQ(out, std::string("\x08\x00\x12\x00", 4));
}

TEST(WireWriter, RemembersTextThatIsNotUtf8) {
  std::string out;
  WireWriter writer(out);
  writer.String(1, "caf\xC3\xA9");
  writer.Bytes(2, "caf\xE9");  // bytes may hold anything
  EXPECT_TRUE(writer.valid_utf8());
  writer.String(1, "caf\xE9");
  EXPECT_FALSE(writer.valid_utf8());
}

}  // namespace
}  // namespace loam::llb
