#include "runtime-executor/session/remote/file_sync.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_system.h"
#include "base/go_file_mode.h"
#include "proto/fsutil/types/stat.pb.h"
#include "proto/fsutil/types/wire.pb.h"

namespace loam::session {
namespace {

using fsutil::types::Packet;
using testing::HasSubstr;

// One direction of a stream.
class Pipe {
 public:
  void Write(const Packet& packet) {
    const std::lock_guard lock(mutex_);
    packets_.push_back(packet);
    changed_.notify_one();
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }
  bool Read(Packet& packet) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !packets_.empty(); });
    if (packets_.empty()) {
      return false;
    }
    packet = std::move(packets_.front());
    packets_.pop_front();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Packet> packets_;
  bool closed_ = false;
};

class End final : public PacketStream {
 public:
  End(Pipe& in, Pipe& out) : in_(in), out_(out) {}
  bool Read(Packet& packet) override { return in_.Read(packet); }
  bool Write(const Packet& packet) override {
    out_.Write(packet);
    return true;
  }

 private:
  Pipe& in_;
  Pipe& out_;
};

class FileSync : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(MakeDirs(from_)); }

  void Put(const std::string& path, const std::string& text) { ASSERT_TRUE(WriteFileAtomic(from_ + "/" + path, text)); }

  Result<SyncReport> Sync(const ReceiveOptions& options = {}) {
    Pipe to_receiver, to_sender;
    End sender(to_sender, to_receiver), receiver(to_receiver, to_sender);
    std::thread sending([&] {
      sent_ = SendTree(sender, from_, {});
      to_receiver.Close();
    });
    Result<SyncReport> received = ReceiveTree(receiver, to_, {}, {}, options);
    to_sender.Close();
    sending.join();
    return received;
  }

  // What a sender that does as it likes makes of the receiver.
  Result<SyncReport> Receive(const std::vector<Packet>& packets) {
    Pipe to_receiver, to_sender;
    for (const Packet& packet : packets) {
      to_receiver.Write(packet);
    }
    to_receiver.Close();
    End receiver(to_receiver, to_sender);
    return ReceiveTree(receiver, to_, {}, {});
  }

  static Packet File(const std::string& path, std::uint32_t mode = 0644) {
    Packet packet;
    packet.set_type(Packet::PACKET_STAT);
    packet.mutable_stat()->set_path(path);
    packet.mutable_stat()->set_mode(mode);
    return packet;
  }

  std::string Got(const std::string& path) {
    const auto text = ReadFile(to_ + "/" + path);
    return text ? *text : "error: " + text.error().message();
  }

  TempDir dir_ = *TempDir::Create();
  const std::string from_ = dir_.Child("from");
  const std::string to_ = dir_.Child("to");
  Result<> sent_;
};

TEST_F(FileSync, MakesTheSameTree) {
  ASSERT_TRUE(MakeDirs(from_ + "/sub/deep"));
  Put("a", "one");
  Put("sub/deep/b", std::string(1'000'000, 'x'));
  Put("sub/empty", "");
  ASSERT_EQ(::symlink("../a", (from_ + "/sub/link").c_str()), 0);
  ASSERT_EQ(::link((from_ + "/a").c_str(), (from_ + "/hard").c_str()), 0);
  ASSERT_EQ(::chmod((from_ + "/a").c_str(), 04755), 0);
  const auto report = Sync();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(sent_);
  EXPECT_EQ(report->fetched_files, 3U);
  EXPECT_EQ(Got("a"), "one");
  EXPECT_EQ(Got("hard"), "one");
  EXPECT_EQ(Got("sub/link"), "one");
  EXPECT_EQ(Got("sub/deep/b").size(), 1'000'000U);
  struct stat from {
  }, to{}, hard{};
  ASSERT_EQ(::stat((from_ + "/a").c_str(), &from), 0);
  ASSERT_EQ(::stat((to_ + "/a").c_str(), &to), 0);
  ASSERT_EQ(::stat((to_ + "/hard").c_str(), &hard), 0);
  EXPECT_EQ(to.st_mode, from.st_mode);
  EXPECT_EQ(to.st_mtim.tv_nsec, from.st_mtim.tv_nsec);
  EXPECT_EQ(hard.st_ino, to.st_ino);
}

TEST_F(FileSync, FetchesOnlyWhatChanged) {
  ASSERT_TRUE(MakeDirs(from_ + "/gone/below"));
  Put("gone/below/x", "x");
  Put("kept", "kept");
  Put("changed", "before");
  Put("was-file", "f");
  ASSERT_TRUE(Sync());
  ASSERT_TRUE(RemoveTree(from_ + "/gone"));
  ASSERT_TRUE(RemoveTree(from_ + "/was-file"));
  ASSERT_TRUE(MakeDirs(from_ + "/was-file"));
  Put("was-file/in", "in");
  Put("changed", "after, longer");
  const auto report = Sync();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->fetched_files, 2U);
  EXPECT_EQ(Got("changed"), "after, longer");
  EXPECT_EQ(Got("was-file/in"), "in");
  EXPECT_EQ(Got("kept"), "kept");
  EXPECT_NE(::access((to_ + "/gone").c_str(), F_OK), 0);
  const auto again = Sync();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->fetched_files, 0U);
}

TEST_F(FileSync, FetchesEverythingWhereMetadataIsNotTrusted) {
  Put("a", "one");
  struct stat before {};
  ASSERT_EQ(::stat((from_ + "/a").c_str(), &before), 0);
  ASSERT_TRUE(Sync());
  Put("a", "two");
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, (from_ + "/a").c_str(), times, 0), 0);
  ASSERT_TRUE(Sync());
  EXPECT_EQ(Got("a"), "one") << "size and time are the same";
  const auto report = Sync({.refetch = true, .wanted = {}});
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->fetched_files, 1U);
  EXPECT_EQ(Got("a"), "two");
}

TEST_F(FileSync, TakesSomeFilesAndTheMetadataOfAll) {
  ASSERT_TRUE(MakeDirs(from_ + "/dir/deep"));
  ASSERT_TRUE(MakeDirs(from_ + "/none"));
  for (const char* const path :
       {"dir/deep/wanted", "dir/deep/other", "dir/x", "none/y", "wanted", kMetadataFile.data()}) {
    Put(path, path);
  }
  const ReceiveOptions options{.refetch = false,
                               .wanted = [](const std::string& path) { return path.ends_with("wanted"); }};
  const auto stats = [&] {
    std::vector<std::string> paths;
    std::string text = Got(std::string(kMetadataFile));
    while (text.size() > 4) {
      const auto size = static_cast<std::size_t>(static_cast<unsigned char>(text[0])) |
                        static_cast<std::size_t>(static_cast<unsigned char>(text[1])) << 8U;
      fsutil::types::Stat stat;
      EXPECT_TRUE(stat.ParseFromString(text.substr(4, size)));
      paths.push_back(stat.path());
      text.erase(0, 4 + size);
    }
    return paths;
  };
  const auto report = Sync(options);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->fetched_files, 2U);
  EXPECT_EQ(Got("dir/deep/wanted"), "dir/deep/wanted");
  EXPECT_EQ(Got("wanted"), "wanted");
  EXPECT_NE(::access((to_ + "/dir/x").c_str(), F_OK), 0);
  EXPECT_NE(::access((to_ + "/none").c_str(), F_OK), 0);
  EXPECT_THAT(stats(), testing::ElementsAre("dir", "dir/deep", "dir/deep/other", "dir/deep/wanted", "dir/x", "none",
                                            "none/y", "wanted"));
  ASSERT_TRUE(RemoveTree(from_ + "/dir"));
  ASSERT_TRUE(Sync(options));
  EXPECT_NE(::access((to_ + "/dir").c_str(), F_OK), 0);
  EXPECT_THAT(stats(), testing::ElementsAre("none", "none/y", "wanted"));
}

TEST_F(FileSync, AHardLinkFollowsItsChangedFile) {
  Put("a", "one");
  ASSERT_EQ(::link((from_ + "/a").c_str(), (from_ + "/b").c_str()), 0);
  ASSERT_TRUE(Sync());
  ASSERT_TRUE(RemoveTree(from_ + "/a"));
  ASSERT_TRUE(RemoveTree(from_ + "/b"));
  Put("a", "two, longer");
  ASSERT_EQ(::link((from_ + "/a").c_str(), (from_ + "/b").c_str()), 0);
  ASSERT_TRUE(Sync());
  EXPECT_EQ(Got("b"), "two, longer");
}

TEST_F(FileSync, WithoutItsListTheDirectoryIsMadeAnew) {
  Put("a", "one");
  ASSERT_TRUE(Sync());
  ASSERT_TRUE(RemoveTree(to_ + ".manifest"));
  ASSERT_TRUE(WriteFileAtomic(to_ + "/left-over", "?"));
  const auto report = Sync();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->fetched_files, 1U);
  EXPECT_NE(::access((to_ + "/left-over").c_str(), F_OK), 0);
}

TEST_F(FileSync, RefusesPathsThatLeaveTheDirectory) {
  for (const char* path : {"../x", "/x", "a/../../x", "", "a//b", "."}) {
    const auto received = Receive({File(path)});
    ASSERT_FALSE(received) << path;
    EXPECT_THAT(received.error().message(), HasSubstr("bad path")) << path;
  }
  EXPECT_NE(::access(dir_.Child("x").c_str(), F_OK), 0);
}

TEST_F(FileSync, RefusesFilesBelowALink) {
  Packet link = File("l", go_file_mode::kSymlink | 0777);
  link.mutable_stat()->set_linkname("/tmp");
  const auto received = Receive({link, File("l/x")});
  ASSERT_FALSE(received);
  EXPECT_THAT(received.error().message(), HasSubstr("lies in no directory"));
}

TEST_F(FileSync, RefusesDisorder) {
  const auto received = Receive({File("b"), File("a")});
  ASSERT_FALSE(received);
  EXPECT_THAT(received.error().message(), HasSubstr("out of order"));
}

TEST_F(FileSync, ASenderThatGoesAwayIsAnError) {
  const auto received = Receive({File("a")});
  ASSERT_FALSE(received);
  EXPECT_THAT(received.error().message(), HasSubstr("went away"));
}

TEST_F(FileSync, TellsTheSendersError) {
  Packet error;
  error.set_type(Packet::PACKET_ERR);
  error.set_data("no access");
  const auto received = Receive({error});
  ASSERT_FALSE(received);
  EXPECT_THAT(received.error().message(), HasSubstr("no access"));
}

}  // namespace
}  // namespace loam::session
