#include "runtime-executor/worker/network_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::worker {
namespace {

TEST(HostsFile, HasTheHostAndTheExtraHosts) {
  EXPECT_EQ(HostsFile("box", {{"a.example", "10.0.0.1"}, {"b", "fe80::1"}}).value(),
            "127.0.0.1\tlocalhost box\n::1\tlocalhost ip6-localhost ip6-loopback\n10.0.0.1\ta.example\nfe80::1\tb\n");
}

TEST(HostsFile, AddressMustBeOne) {
  for (const char* bad : {"", "not-an-ip", "1.2.3", "1.2.3.4\n5.6.7.8 evil"}) {
    auto hosts = HostsFile("box", {{"a", bad}});
    ASSERT_FALSE(hosts) << bad;
    EXPECT_TRUE(hosts.error().Is(ErrorCode::kInvalidArgument));
  }
}

TEST(ResolvConf, KeepsTheHostsServersWithTheHostsNetwork) {
  EXPECT_EQ(ResolvConf("# c\nnameserver 127.0.0.53\n\nsearch lan\noptions ndots:2\n", NetworkMode::kHost),
            "nameserver 127.0.0.53\nsearch lan\noptions ndots:2\n");
}

TEST(ResolvConf, LeavesOutLoopbackServersElsewhere) {
  EXPECT_EQ(ResolvConf("nameserver 127.0.0.53\nnameserver 10.1.1.1\n", NetworkMode::kNone), "nameserver 10.1.1.1\n");
}

TEST(ResolvConf, PublicServersStandInForNone) {
  EXPECT_THAT(ResolvConf("", NetworkMode::kHost), testing::StartsWith("nameserver 8.8.8.8\n"));
  EXPECT_THAT(ResolvConf("nameserver ::1\n", NetworkMode::kNone), testing::StartsWith("nameserver 8.8.8.8\n"));
}

TEST(ResolvConf, SettingsTakeThePlaceOfTheHosts) {
  const DnsOptions dns{{"1.1.1.1", "127.0.0.1"}, {"edns0"}, {"example.com", "lan"}};
  EXPECT_EQ(ResolvConf("nameserver 10.1.1.1\nsearch host\noptions ndots:2\n", NetworkMode::kNone, dns),
            "nameserver 1.1.1.1\nnameserver 127.0.0.1\nsearch example.com lan\noptions edns0\n");
  EXPECT_EQ(ResolvConf("nameserver 10.1.1.1\nsearch host\n", NetworkMode::kNone, {{}, {"edns0"}, {}}),
            "options edns0\nnameserver 10.1.1.1\nsearch host\n");
}

}  // namespace
}  // namespace loam::worker
