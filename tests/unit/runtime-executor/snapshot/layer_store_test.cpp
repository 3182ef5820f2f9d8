#include "runtime-executor/snapshot/layer_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "base/sqlite.h"
#include "runtime-executor/snapshot/tar_format.h"
#include "tests/support/own_mounts.h"
#include "tests/support/require.h"

namespace loam::snapshot {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum class Mode { kOverlay, kLegacyOverlay, kNative };

#define ASSERT_OK(expr)                                                \
  do {                                                                 \
    const auto& ok_result = (expr);                                    \
    ASSERT_TRUE(ok_result.has_value()) << ok_result.error().message(); \
  } while (false)

template <class T>
T Get(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message();
    std::abort();
  }
  return std::move(*result);
}

class LayerStoreTest : public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      LOAM_TEST_SKIP("needs root: layers hold devices and files of other owners");
    }
    ASSERT_EQ(UnshareMounts(), "");
    dir_.emplace(Get(TempDir::Create("", "loam:te,st\\-")));
    Open();
  }

  LayerStoreOptions Options() const {
    LayerStoreOptions options;
    options.root = dir_->path();
    options.snapshotter = GetParam() == Mode::kNative ? SnapshotterKind::kNative : SnapshotterKind::kOverlay;
    options.legacy_overlay_options = GetParam() == Mode::kLegacyOverlay;
    return options;
  }
  void Open(bool remove_leftovers = false) {
    store_.reset();
    auto options = Options();
    options.remove_leftovers = remove_leftovers;
    store_ = Get(LayerStore::Open(options));
  }

  static void Write(int root, const std::string& path, const std::string& text, mode_t mode = 0644) {
    if (const auto slash = path.rfind('/'); slash != std::string::npos) {
      Get(MakeDirsInRoot(root, path.substr(0, slash)));
    }
    const UniqueFd fd = Get(OpenInRoot(root, path, O_WRONLY | O_CREAT | O_TRUNC, mode));
    ASSERT_OK(WriteAll(fd.get(), text, path));
  }
  static std::string Read(int root, const std::string& path) {
    auto text = ReadFileInRoot(root, path);
    return text ? *text : "<" + std::to_string(text.error().sys_errno()) + ">";
  }
  std::string Read(const FsRef& ref, const std::string& path) {
    const MountedFs view = Get(store_->Mount(ref));
    return Read(view.fd(), path);
  }
  static std::vector<std::string> List(int root, const std::string& path = "/") {
    const UniqueFd fd = Get(OpenInRoot(root, path, O_RDONLY | O_DIRECTORY));
    std::vector<std::string> names;
    for (const DirEntry& entry : Get(ReadDir(fd.get()))) {
      names.push_back(entry.name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::vector<std::string> List(const FsRef& ref, const std::string& path = "/") {
    const MountedFs view = Get(store_->Mount(ref));
    return List(view.fd(), path);
  }
  FsRef Change(const FsRef& parent, const std::function<void(int)>& body) {
    ActiveFs active = Get(store_->Begin(parent));
    body(active.fd());
    return Get(std::move(active).Commit());
  }
  std::string Tar(const LayerRef& layer) {
    content::StringSink sink;
    const auto written = store_->WriteTar(layer, sink);
    EXPECT_TRUE(written) << written.error().message();
    return sink.Take();
  }
  FsRef Apply(const std::string& tar) {
    content::StringSource source(tar);
    return FsRef({Get(store_->ApplyTar(source))});
  }
  std::string MountTable() {
    std::ifstream file("/proc/self/mountinfo");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::optional<TempDir> dir_;
  std::unique_ptr<LayerStore> store_;
};

TEST_P(LayerStoreTest, ScratchIsEmptyAndReadOnly) {
  const MountedFs view = Get(store_->Mount(FsRef()));
  EXPECT_THAT(List(view.fd()), IsEmpty());
  if (GetParam() != Mode::kNative) {
    const auto made = OpenInRoot(view.fd(), "x", O_WRONLY | O_CREAT, 0644);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().sys_errno(), EROFS);
  }
}

TEST_P(LayerStoreTest, LayersStack) {
  const std::string before = MountTable();
  const FsRef one = Change(FsRef(), [](int root) {
    Write(root, "a/x", "1");
    Write(root, "a/gone", "1");
    Write(root, "dir/old", "1");
    Write(root, "b", "1");
  });
  const FsRef two = Change(one, [](int root) {
    Write(root, "a/x", "2");
    EXPECT_EQ(::unlinkat(root, "a/gone", 0), 0);
    ASSERT_OK(RemoveTreeAt(root, "dir"));
    Write(root, "dir/new", "2");
    EXPECT_EQ(::unlinkat(root, "b", 0), 0);
  });
  EXPECT_EQ(MountTable(), before);
  EXPECT_EQ(two.layers().size(), 2U);
  EXPECT_EQ(Read(one, "a/x"), "1");
  EXPECT_EQ(Read(two, "a/x"), "2");
  EXPECT_THAT(List(two), ElementsAre("a", "dir"));
  EXPECT_THAT(List(two, "a"), ElementsAre("x"));
  EXPECT_THAT(List(two, "dir"), ElementsAre("new"));
  EXPECT_THAT(List(one), ElementsAre("a", "b", "dir"));
}

TEST_P(LayerStoreTest, DroppedWritesVanish) {
  {
    ActiveFs active = Get(store_->Begin(FsRef()));
    Write(active.fd(), "x", "1");
  }
  EXPECT_THAT(Get(store_->List()), IsEmpty());
  std::vector<std::string> names;
  for (const auto& name : Get(ListDir(dir_->path() + "/layers"))) {
    if (!name.starts_with('.')) {
      names.push_back(name);
    }
  }
  EXPECT_THAT(names, IsEmpty());
}

TEST_P(LayerStoreTest, EmptyCommit) {
  const FsRef one = Change(FsRef(), [](int root) { Write(root, "x", "1"); });
  ActiveFs same = Get(store_->Begin(one));
  EXPECT_EQ(Get(std::move(same).Commit(false)), one);
  ActiveFs kept = Get(store_->Begin(one));
  EXPECT_EQ(Get(std::move(kept).Commit(true)).layers().size(), 2U);
  ActiveFs changed = Get(store_->Begin(one));
  ASSERT_EQ(::fchmodat(changed.fd(), ".", 0700, 0), 0);
  const FsRef root_changed = Get(std::move(changed).Commit(false));
  ASSERT_EQ(root_changed.layers().size(), 2U);
  const MountedFs view = Get(store_->Mount(root_changed));
  EXPECT_EQ(Get(LstatInRoot(view.fd(), "/"))->st_mode & 07777U, 0700U);
  // The next layer inherits it.
  const FsRef above = Change(root_changed, [](int root) { Write(root, "y", "1"); });
  const MountedFs view2 = Get(store_->Mount(above));
  EXPECT_EQ(Get(LstatInRoot(view2.fd(), "/"))->st_mode & 07777U, 0700U);
}

TEST_P(LayerStoreTest, DirectoriesThatWereOnlyDisturbedDoNotCount) {
  const FsRef one = Change(FsRef(), [](int root) {
    for (const char* const path : {"etc/kept", "etc/deep/kept", "touched/kept", "used/kept"}) {
      Write(root, path, "1");
    }
  });
  ActiveFs active = Get(store_->Begin(one));
  const auto disturb = [&](const std::string& directory, bool restore) {
    const UniqueFd fd = Get(OpenInRoot(active.fd(), directory, O_RDONLY | O_DIRECTORY));
    struct stat before {};
    ASSERT_EQ(::fstat(fd.get(), &before), 0);
    Write(fd.get(), "point", "");
    ASSERT_EQ(::unlinkat(fd.get(), "point", 0), 0);
    const timespec times[2] = {before.st_atim, before.st_mtim};
    if (restore) {
      ASSERT_EQ(::futimens(fd.get(), times), 0);
    }
  };
  disturb("etc/deep", true);
  disturb("etc", true);
  disturb("touched", false);
  Write(active.fd(), "used/new", "2");
  const std::vector<std::string> disturbed = {"/etc/deep", "/etc", "/touched", "/used", "/missing"};
  const FsRef two = Get(std::move(active).Commit(true, disturbed));
  // What the new layer has by itself.
  const FsRef own({two.layers().back()});
  EXPECT_THAT(List(own), ElementsAre("touched", "used"));
  EXPECT_THAT(List(two, "etc"), ElementsAre("deep", "kept"));
  EXPECT_EQ(Read(two, "used/new"), "2");
}

TEST_P(LayerStoreTest, LayersOfBeforeTellTheirTimeInNanoseconds) {
  const WallTime before = SystemClock().Now();
  const FsRef one = Change(FsRef(), [](int root) { Write(root, "x", "1"); });
  const WallTime made = Get(store_->List()).front().created;
  EXPECT_GE(made, before);
  EXPECT_LE(made, SystemClock().Now());
  const std::string text = Get(one.ToText());
  store_.reset();
  {
    // As the first version of the table had it.
    auto db = Get(sqlite::Database::Open(dir_->path() + "/layers.db"));
    ASSERT_OK(db.Execute("UPDATE layers SET created = 1700000000"));
    ASSERT_OK(db.SetUserVersion(1));
  }
  Open();
  EXPECT_EQ(Get(store_->List()).front().created.time_since_epoch(), std::chrono::seconds(1700000000));
  EXPECT_EQ(Read(Get(store_->Load(text)), "x"), "1");
}

TEST_P(LayerStoreTest, NewDirectoriesAreNotOpaque) {
  // A directory made over nothing must not hide what another stack has under the same name.
  const FsRef base = Change(FsRef(), [](int root) { Write(root, "opt/a", "1"); });
  const FsRef other = Change(FsRef(), [](int root) { Write(root, "opt/b", "2"); });
  const FsRef merged = Get(store_->Merge(std::vector<FsRef>{base, other}));
  EXPECT_THAT(List(merged, "opt"), ElementsAre("a", "b"));
  EXPECT_THAT(List(Get(store_->Merge(std::vector<FsRef>{merged, base, base})), "opt"), ElementsAre("a", "b"));
}

TEST_P(LayerStoreTest, TextRoundTripAndMissingLayers) {
  const FsRef one = Change(FsRef(), [](int root) { Write(root, "x", "1"); });
  const FsRef two = Change(one, [](int root) { Write(root, "y", "1"); });
  const std::string text = Get(two.ToText());
  EXPECT_EQ(Get(store_->Load(text)), two);
  EXPECT_EQ(Get(store_->Load("scratch")), FsRef());
  for (const char* bad : {"", "layers:", "layers:1,", "layers:x", "layers:-1", "3"}) {
    EXPECT_FALSE(store_->Load(bad)) << bad;
  }
  const auto missing = store_->Load("layers:7");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
}

TEST_P(LayerStoreTest, SurvivesReopenAndRemovesLeftovers) {
  std::string text;
  {
    const FsRef one = Change(FsRef(), [](int root) { Write(root, "x", "1"); });
    text = Get(one.ToText());
  }
  // What a killed process leaves: a directory without a row.
  ASSERT_OK(MakeDirs(dir_->path() + "/layers/00000000beef/fs/deep"));
  ASSERT_OK(MakeDirs(dir_->path() + "/layers/.work/00000000beef/work"));
  Open(false);
  EXPECT_EQ(::access((dir_->path() + "/layers/00000000beef").c_str(), F_OK), 0);
  Open(true);
  EXPECT_NE(::access((dir_->path() + "/layers/00000000beef").c_str(), F_OK), 0);
  EXPECT_THAT(Get(ListDir(dir_->path() + "/layers/.work")), IsEmpty());
  EXPECT_EQ(Read(Get(store_->Load(text)), "x"), "1");
}

TEST_P(LayerStoreTest, CollectSparesKeptAndLeased) {
  FsRef kept = Change(FsRef(), [](int root) { Write(root, "x", "kept"); });
  FsRef leased = Change(FsRef(), [](int root) { Write(root, "x", "leased"); });
  FsRef loose = Change(FsRef(), [](int root) { Write(root, "x", std::string(100'000, 'l')); });
  const std::string kept_text = Get(kept.ToText());
  const std::string loose_text = Get(loose.ToText());
  const auto keep = kept.layer_ids();
  kept = FsRef();
  const LayerId loose_id = loose.layer_ids().front();
  loose = FsRef();
  const auto removed = Get(store_->Collect(keep));
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_EQ(removed[0].id, loose_id);
  EXPECT_GE(removed[0].bytes.value_or(0), 100'000);
  EXPECT_FALSE(store_->Load(loose_text));
  EXPECT_EQ(Read(leased, "x"), "leased");
  EXPECT_EQ(Read(Get(store_->Load(kept_text)), "x"), "kept");
}

TEST_P(LayerStoreTest, ACollectionThatIsStoppedForgetsAndIsClearedAwayLater) {
  FsRef loose = Change(FsRef(), [](int root) { Write(root, "x", "1"); });
  const std::string text = Get(loose.ToText());
  loose = FsRef();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(Get(store_->Collect({}, stop.get_token())).size(), 1U);
  EXPECT_FALSE(store_->Load(text));
  Open(true);
  store_.reset();  // ends what is cleared away in the background, as well
  Open(true);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const auto layers = [this] {
    auto names = Get(ListDir(dir_->path() + "/layers"));
    std::erase_if(names, [](const std::string& name) { return name.starts_with(".") && !name.starts_with(".trash"); });
    return names;
  };
  while (!layers().empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_THAT(layers(), IsEmpty());
}

TEST_P(LayerStoreTest, LayersKeepTheFirstDescription) {
  const FsRef made = Change(FsRef(), [](int root) { Write(root, "x", "1"); });
  const LayerId id = made.layer_ids().front();
  EXPECT_EQ(Get(store_->Info(id)).description, "");
  ASSERT_OK(store_->Describe(made, "RUN make"));
  ASSERT_OK(store_->Describe(made, "another"));
  ASSERT_OK(store_->Describe(FsRef(), "nothing"));
  EXPECT_EQ(Get(store_->Info(id)).description, "RUN make");
  EXPECT_EQ(Get(store_->List()).front().description, "RUN make");
}

TEST_P(LayerStoreTest, UsageCountsHardLinksOnce) {
  const FsRef one = Change(FsRef(), [](int root) {
    Write(root, "x", std::string(1 << 20, 'x'));
    EXPECT_EQ(::linkat(root, "x", root, "y", 0), 0);
  });
  const DiskUsage usage = Get(store_->Usage(one.layer_ids().front()));
  EXPECT_EQ(usage.files, 2);
  EXPECT_GE(usage.bytes, 1 << 20);
  EXPECT_LT(usage.bytes, 3 << 19);
}

TEST_P(LayerStoreTest, DiffOfPrefixIsTheSuffix) {
  const FsRef one = Change(FsRef(), [](int root) { Write(root, "x", "1"); });
  const FsRef two = Change(one, [](int root) { Write(root, "y", "1"); });
  const FsRef diff = Get(store_->Diff(one, two));
  ASSERT_EQ(diff.layers().size(), 1U);
  EXPECT_EQ(diff.layers()[0]->id(), two.layers()[1]->id());
  EXPECT_TRUE(Get(store_->Diff(two, two)).is_scratch());
}

TEST_P(LayerStoreTest, LayersOnOtherBasesSayOnlyWhatTheyChanged) {
  const FsRef base = Change(FsRef(), [](int root) {
    Write(root, "dir/old", "1");
    Write(root, "moved", "1");
  });
  const FsRef run = Change(base, [](int root) {
    EXPECT_EQ(::renameat(root, "moved", root, "elsewhere"), 0);
    EXPECT_EQ(::renameat(root, "elsewhere", root, "moved"), 0);
    ASSERT_OK(RemoveTreeAt(root, "dir"));
    Write(root, "dir/new", "2");
  });
  const FsRef other = Change(FsRef(), [](int root) {
    Write(root, "dir/old", "3");
    Write(root, "dir/others", "3");
  });
  const FsRef diff = Get(store_->Diff(base, run));
  EXPECT_THAT(List(diff), ElementsAre("dir"));
  // The directory that was made anew hides what it was made in place of, and nothing else.
  const FsRef rebased = Get(store_->Merge(std::vector<FsRef>{other, diff}));
  EXPECT_THAT(List(rebased, "dir"), ElementsAre("new", "others"));
  const FsRef merged = Get(store_->Merge(std::vector<FsRef>{other, run}));
  EXPECT_THAT(List(merged), ElementsAre("dir", "moved"));
  EXPECT_THAT(List(merged, "dir"), ElementsAre("new", "others"));
  EXPECT_EQ(Get(store_->Merge(std::vector<FsRef>{run, diff})).layers().size(), 3U);
}

TEST_P(LayerStoreTest, DiffIsComputedBetweenUnrelatedStacks) {
  const FsRef lower = Change(FsRef(), [](int root) {
    Write(root, "same", "s");
    Write(root, "changed", "old");
    Write(root, "gone", "g");
    Write(root, "dir/gone", "g");
    Write(root, "dir/same", "s");
    Write(root, "type", "file");
  });
  const FsRef upper = Change(Change(lower, [](int root) { Write(root, "zz", "z"); }), [](int root) {
    Write(root, "changed", "new");
    EXPECT_EQ(::unlinkat(root, "gone", 0), 0);
    EXPECT_EQ(::unlinkat(root, "dir/gone", 0), 0);
    EXPECT_EQ(::unlinkat(root, "type", 0), 0);
    Write(root, "type/inside", "t");
    EXPECT_EQ(::linkat(root, "zz", root, "zy", 0), 0);
  });
  // Not a prefix: another layer is on top of the lower one.
  const FsRef other = Change(lower, [](int) {});
  const FsRef diff = Get(store_->Diff(other, upper));
  ASSERT_EQ(diff.layers().size(), 1U);
  EXPECT_EQ(Get(store_->Diff(other, upper)), diff);
  const FsRef rebuilt = Get(store_->Merge(std::vector<FsRef>{lower, diff}));
  EXPECT_THAT(List(rebuilt), ElementsAre("changed", "dir", "same", "type", "zy", "zz"));
  EXPECT_THAT(List(rebuilt, "dir"), ElementsAre("same"));
  EXPECT_EQ(Read(rebuilt, "changed"), "new");
  EXPECT_EQ(Read(rebuilt, "type/inside"), "t");
  // Only what differs is in it.
  EXPECT_THAT(List(diff), ElementsAre("changed", "dir", "type", "zy", "zz"));
  EXPECT_EQ(Read(diff, "dir/gone"), "<2>");
}

TEST_P(LayerStoreTest, DeepStacksAreFlattened) {
  const int depth = GetParam() == Mode::kNative ? 40 : GetParam() == Mode::kOverlay ? 500 : 220;
  FsRef ref;
  for (int i = 0; i < depth; ++i) {
    ref = ref.Stack(Change(FsRef(), [&](int root) {
      Write(root, fmt::format("f{}", i % 50), std::to_string(i));
      Write(root, "last", std::to_string(i));
    }));
  }
  EXPECT_EQ(Read(ref, "last"), std::to_string(depth - 1));
  EXPECT_EQ(Read(ref, "f0"), std::to_string((depth - 1) / 50 * 50));
  const FsRef above = Change(ref, [](int root) { Write(root, "top", "t"); });
  EXPECT_EQ(Read(above, "top"), "t");
  EXPECT_EQ(Read(above, "f7"), Read(ref, "f7"));
}

TEST_P(LayerStoreTest, TarRoundTrip) {
  const std::string long_name = std::string(120, 'n') + "/" + std::string(130, 'm');
  const FsRef base = Change(FsRef(), [](int root) {
    Write(root, "etc/gone", "1");
    Write(root, "old/thing", "1");
  });
  const FsRef ref = Change(base, [&](int root) {
    Write(root, "etc/passwd", "root\n", 0600);
    Write(root, long_name, "long");
    EXPECT_EQ(::unlinkat(root, "etc/gone", 0), 0);
    ASSERT_OK(RemoveTreeAt(root, "old"));
    Write(root, "old/new", "2");
    EXPECT_EQ(::symlinkat("../etc/passwd", root, "link"), 0);
    EXPECT_EQ(::linkat(root, "etc/passwd", root, "hard", 0), 0);
    EXPECT_EQ(::mknodat(root, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
    EXPECT_EQ(::mkfifoat(root, "fifo", 0600), 0);
    Write(root, "\xC3\xA4.txt", "umlaut");
    EXPECT_EQ(::fchownat(root, "etc/passwd", 1000, 3'000'000, 0), 0);
    EXPECT_EQ(::fchmodat(root, "etc/passwd", 04755, 0), 0);
    const UniqueFd big = Get(OpenInRoot(root, "sparse", O_WRONLY | O_CREAT, 0644));
    EXPECT_EQ(::ftruncate(big.get(), 5 << 20), 0);
    EXPECT_EQ(::pwrite(big.get(), "end", 3, (5 << 20) - 3), 3);
    const UniqueFd etc = Get(OpenInRoot(root, "etc", O_RDONLY | O_DIRECTORY));
    EXPECT_EQ(::fsetxattr(etc.get(), "user.note", "a\0b\n", 4, 0), 0);
  });
  const std::string tar = Tar(ref.layers().back());
  EXPECT_EQ(Tar(ref.layers().back()), tar);
  const FsRef applied = base.Stack(Apply(tar));
  EXPECT_EQ(Tar(applied.layers().back()), tar);
  for (const FsRef& fs : {ref, applied}) {
    const MountedFs view = Get(store_->Mount(fs));
    EXPECT_THAT(List(view.fd(), "old"), ElementsAre("new"));
    EXPECT_THAT(List(view.fd(), "etc"), ElementsAre("passwd"));
    EXPECT_EQ(Read(view.fd(), "link"), "root\n");
    EXPECT_EQ(Read(view.fd(), long_name), "long");
    EXPECT_EQ(Read(view.fd(), "\xC3\xA4.txt"), "umlaut");
    const auto passwd = *Get(LstatInRoot(view.fd(), "etc/passwd"));
    EXPECT_EQ(passwd.st_mode & 07777U, 04755U);
    EXPECT_EQ(passwd.st_uid, 1000U);
    EXPECT_EQ(passwd.st_gid, 3'000'000U);
    EXPECT_EQ(passwd.st_ino, Get(LstatInRoot(view.fd(), "hard"))->st_ino);
    EXPECT_EQ(Get(LstatInRoot(view.fd(), "null"))->st_rdev, makedev(1, 3));
    EXPECT_TRUE(S_ISFIFO(Get(LstatInRoot(view.fd(), "fifo"))->st_mode));
    EXPECT_EQ(Get(LstatInRoot(view.fd(), "sparse"))->st_size, 5 << 20);
    const UniqueFd etc = Get(OpenInRoot(view.fd(), "etc", O_RDONLY | O_DIRECTORY));
    EXPECT_EQ(Get(ReadXattrs(etc.get(), "")).at("user.note"), std::string("a\0b\n", 4));
  }
}

TEST_P(LayerStoreTest, WholeFilesystemTarHasNoWhiteouts) {
  const FsRef base = Change(FsRef(), [](int root) { Write(root, "a/gone", "1"); });
  const FsRef ref = Change(base, [](int root) {
    EXPECT_EQ(::unlinkat(root, "a/gone", 0), 0);
    Write(root, "a/b", "2");
  });
  content::StringSink sink;
  ASSERT_OK(store_->WriteTar(ref, sink));
  content::StringSource source(sink.text());
  TarReader reader(source);
  TarEntry entry;
  std::vector<std::string> paths;
  while (Get(reader.Next(&entry))) {
    paths.push_back(entry.path);
  }
  EXPECT_THAT(paths, ElementsAre("a/", "a/b"));
}

// --- hostile and odd tars ---

struct TarText {
  std::string text;
  content::StringSink sink;
  TarWriter writer{sink};

  TarText& Add(char type, const std::string& path, const std::string& link_or_data = "", std::uint32_t mode = 0755,
               const std::map<std::string, std::string>& xattrs = {}) {
    TarEntry entry;
    entry.type = type;
    entry.path = path;
    entry.mode = mode;
    entry.xattrs = xattrs;
    if (type == '0') {
      entry.size = link_or_data.size();
    } else {
      entry.link = link_or_data;
    }
    EXPECT_TRUE(writer.Header(entry));
    if (type == '0') {
      EXPECT_TRUE(sink.Write(link_or_data));
      EXPECT_TRUE(writer.EndData(link_or_data.size()));
    }
    return *this;
  }
  std::string Done() {
    EXPECT_TRUE(writer.Finish());
    return sink.text();
  }
};

TEST_P(LayerStoreTest, TarCannotLeaveTheRoot) {
  const std::string outside = dir_->path() + "/outside";
  ASSERT_OK(MakeDirs(outside));
  TarText tar;
  tar.Add('0', "../../../../escape", "1")
      .Add('0', "/abs", "1")
      .Add('2', "evil", outside)
      .Add('2', "up", "../../../../../../../../..")
      .Add('0', "up/pwned", "1");
  const FsRef ref = Apply(tar.Done());
  EXPECT_THAT(Get(ListDir(outside)), IsEmpty());
  EXPECT_THAT(List(ref), ElementsAre("abs", "escape", "evil", "pwned", "up"));

  TarText through;
  through.Add('2', "evil", outside).Add('0', "evil/file", "1");
  content::StringSource source(through.Done().c_str());
  const std::string text = through.sink.text();
  content::StringSource evil(text);
  const auto applied = store_->ApplyTar(evil);
  EXPECT_THAT(Get(ListDir(outside)), IsEmpty());
  if (applied) {
    // Confined: the link was followed inside the root.
    EXPECT_EQ(Read(FsRef({*applied}), outside + "/file"), "1");
  }
}

TEST_P(LayerStoreTest, TarHardLinksStayInside) {
  TarText good;
  good.Add('0', "a", "text").Add('1', "b", "/../a");
  EXPECT_EQ(Read(Apply(good.Done()), "b"), "text");
  TarText bad;
  bad.Add('1', "x", "/etc/passwd");
  const std::string text = bad.Done();
  content::StringSource source(text);
  const auto applied = store_->ApplyTar(source);
  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().message(), HasSubstr("hard link to `etc/passwd`"));
  EXPECT_THAT(Get(store_->List()).size(), 1U);
}

TEST_P(LayerStoreTest, TarDamage) {
  TarText tar;
  tar.Add('0', "a", std::string(2000, 'x'));
  const std::string whole = tar.Done();
  for (const std::size_t size : {std::size_t{100}, std::size_t{512}, std::size_t{1000}, std::size_t{2000}}) {
    const std::string cut = whole.substr(0, size);
    content::StringSource source(cut);
    EXPECT_FALSE(store_->ApplyTar(source)) << size;
  }
  std::string flipped = whole;
  flipped[3] = 'q';
  content::StringSource source(flipped);
  const auto applied = store_->ApplyTar(source);
  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().message(), HasSubstr("checksum"));
  content::StringSource empty("");
  EXPECT_TRUE(store_->ApplyTar(empty));
}

TEST_P(LayerStoreTest, TarWhiteoutsInAnyOrder) {
  const FsRef base = Change(FsRef(), [](int root) {
    Write(root, "d/below", "1");
    Write(root, "f", "1");
    Write(root, "g", "1");
    Write(root, "o/below", "1");
  });
  TarText tar;
  tar.Add('0', ".wh.f")
      .Add('5', "d")
      .Add('0', "d/above", "2")
      .Add('0', ".wh.d")  // only hides what lies below
      .Add('0', "g", "2")
      .Add('0', ".wh.g")
      .Add('5', "o")
      .Add('0', "o/above", "2")
      .Add('0', "o/.wh..wh..opq")
      .Add('0', ".wh..wh.plnk", "aufs");
  const FsRef ref = base.Stack(Apply(tar.Done()));
  EXPECT_THAT(List(ref), ElementsAre("d", "g", "o"));
  EXPECT_THAT(List(ref, "d"), ElementsAre("above"));
  EXPECT_THAT(List(ref, "o"), ElementsAre("above"));
  EXPECT_EQ(Read(ref, "g"), "2");
  for (const char* bad : {".wh.", "x/.wh..", "x/.wh..."}) {
    TarText evil;
    evil.Add('0', bad);
    const std::string text = evil.Done();
    content::StringSource source(text);
    if (std::string_view(bad) != "x/.wh...") {
      EXPECT_FALSE(store_->ApplyTar(source)) << bad;
    }
  }
}

TEST_P(LayerStoreTest, TarCannotForgeOverlayXattrs) {
  const FsRef base = Change(FsRef(), [](int root) { Write(root, "d/below", "1"); });
  TarText tar;
  tar.Add('5', "d", "", 0755,
          {{"trusted.overlay.opaque", "y"}, {"trusted.overlay.redirect", "/etc"}, {"user.overlay.opaque", "y"}});
  EXPECT_THAT(List(base.Stack(Apply(tar.Done())), "d"), ElementsAre("below"));
}

TEST_P(LayerStoreTest, ImpliedDirectoriesTakeWhatLiesBelow) {
  const FsRef base = Change(FsRef(), [](int root) {
    Write(root, "usr/lib/a", "1");
    EXPECT_EQ(::symlinkat("usr/lib", root, "lib"), 0);
    Get(MakeDirsInRoot(root, "tmp"));
    EXPECT_EQ(::fchmodat(root, "tmp", 01777, 0), 0);
  });
  TarText tar;
  tar.Add('0', "tmp/x", "2").Add('0', "lib/b", "2").Add('0', "new/dir/c", "2");
  const FsRef ref = base.Stack(Apply(tar.Done()));
  const MountedFs view = Get(store_->Mount(ref));
  EXPECT_EQ(Get(LstatInRoot(view.fd(), "tmp"))->st_mode & 07777U, 01777U);
  EXPECT_THAT(List(view.fd(), "usr/lib"), ElementsAre("a", "b"));
  EXPECT_TRUE(S_ISLNK(Get(LstatInRoot(view.fd(), "lib"))->st_mode));
  EXPECT_EQ(Read(view.fd(), "new/dir/c"), "2");
  // The same layer on nothing.
  EXPECT_EQ(Read(FsRef({ref.layers().back()}), "lib/b"), "2");
}

// --- image layers ---

TEST_P(LayerStoreTest, LazyLayersAreUnpackedOnceOnFirstUse) {
  TarText tar;
  tar.Add('0', "x", "lazy");
  const std::string text = tar.Done();
  std::atomic<int> opened = 0;
  ImageLayer image;
  image.diff_id = Digest::Of(text);
  image.blob.digest = Digest::Of("blob");
  image.blob.media_type = "application/vnd.oci.image.layer.v1.tar";
  image.blob.size = text.size();
  image.origin = "example.com/image";
  image.open = [&](const LayerProgress&, std::stop_token) -> Result<std::unique_ptr<content::ByteSource>> {
    ++opened;
    return std::make_unique<content::StringSource>(text);
  };
  const LayerRef layer = Get(store_->AddImageLayer(image));
  EXPECT_EQ(Get(store_->AddImageLayer(image))->id(), layer->id());
  EXPECT_EQ(opened, 0);
  EXPECT_FALSE(Get(store_->Info(layer->id())).unpacked);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(Read(FsRef({layer}), "x"), "lazy"); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(opened, 1);
  EXPECT_TRUE(Get(store_->Info(layer->id())).unpacked);
  const auto blobs = Get(store_->Blobs(layer->id()));
  ASSERT_EQ(blobs.size(), 1U);
  EXPECT_EQ(blobs[0].digest, image.blob.digest);
  EXPECT_EQ(Get(store_->DiffId(layer->id())), image.diff_id);
}

TEST_P(LayerStoreTest, LazyLayerOfAnotherProcessUsesTheOpener) {
  TarText tar;
  tar.Add('0', "x", "lazy");
  const std::string text = tar.Done();
  ImageLayer image;
  image.diff_id = Digest::Of(text);
  image.blob.digest = Digest::Of("blob");
  image.origin = "origin";
  const std::string ref = Get(FsRef({Get(store_->AddImageLayer(image))}).ToText());
  Open();
  const auto failed = store_->Mount(Get(store_->Load(ref)));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::kFailedPrecondition);
  store_->SetLazyOpener([&](const Digest& diff, const content::Descriptor& blob, const std::string& origin,
                            const LayerProgress&, std::stop_token) -> Result<std::unique_ptr<content::ByteSource>> {
    EXPECT_EQ(diff, image.diff_id);
    EXPECT_EQ(blob.digest, image.blob.digest);
    EXPECT_EQ(origin, "origin");
    return std::make_unique<content::StringSource>(text);
  });
  EXPECT_EQ(Read(Get(store_->Load(ref)), "x"), "lazy");
}

TEST_P(LayerStoreTest, KnowsWhenLayersWereMadeToTheNanosecond) {
  ImageLayer image;
  image.diff_id = Digest::Of("tar");
  image.blob.digest = Digest::Of("blob");
  image.created = WallTime(std::chrono::nanoseconds(1'445'412'480'123'456'789));
  const LayerId id = Get(store_->AddImageLayer(image))->id();
  Open();
  EXPECT_EQ(Get(store_->Info(id)).created, *image.created);
}

TEST_P(LayerStoreTest, ReadsTheTimesThatVersion1Wrote) {
  ImageLayer image;
  image.diff_id = Digest::Of("tar");
  image.blob.digest = Digest::Of("blob");
  const LayerId id = Get(store_->AddImageLayer(image))->id();
  store_.reset();
  {
    auto db = Get(sqlite::Database::Open(dir_->path() + "/layers.db"));
    ASSERT_OK(db.Execute("UPDATE layers SET created = 1445412480"));
    ASSERT_OK(db.SetUserVersion(1));
  }
  Open();
  EXPECT_EQ(Get(store_->Info(id)).created, WallTime(std::chrono::seconds(1'445'412'480)));
}

TEST_P(LayerStoreTest, DownloadsAreShownToWhoeverWatches) {
  ImageLayer image;
  TarText tar;
  tar.Add('0', "x", "lazy");
  const std::string text = tar.Done();
  image.diff_id = Digest::Of(text);
  image.blob.digest = Digest::Of("blob");
  image.blob.size = 10;
  image.open = [&](const LayerProgress& progress, std::stop_token) -> Result<std::unique_ptr<content::ByteSource>> {
    progress(image.blob, 4, 10);
    progress(image.blob, 10, 10);
    return std::make_unique<content::StringSource>(text);
  };
  const FsRef ref({Get(store_->AddImageLayer(image))});
  std::vector<std::uint64_t> seen;
  const auto watch = [&](const content::Descriptor& blob, std::uint64_t current, std::uint64_t) {
    EXPECT_EQ(blob.digest, image.blob.digest);
    seen.push_back(current);
  };
  const auto first = store_->Watch(ref, watch);
  auto second = store_->Watch(ref, watch);
  second.reset();
  EXPECT_EQ(Read(ref, "x"), "lazy");
  EXPECT_THAT(seen, testing::ElementsAre(4, 10));
  EXPECT_EQ(store_->Watch(ref, watch), nullptr);  // it is here now
}

TEST_P(LayerStoreTest, LayersThatAPowerCutMayHaveHurtAreForgotten) {
  const auto open_as = [&](const std::string& boot) {
    store_.reset();
    auto options = Options();
    options.boot_id = boot;
    options.remove_leftovers = true;
    store_ = Get(LayerStore::Open(options));
  };
  const auto make = [&](const std::string& text) {
    ActiveFs active = Get(store_->Begin(FsRef()));
    Write(active.fd(), "file", text);
    return Get(Get(std::move(active).Commit()).ToText());
  };
  open_as("one");
  const std::string synced = make("synced");
  ASSERT_OK(store_->Sync());
  const std::string made = make("made");
  TarText tar;
  tar.Add('0', "x", "image");
  const std::string text = tar.Done();
  ImageLayer image;
  image.diff_id = Digest::Of(text);
  image.blob.digest = Digest::Of("blob");
  image.origin = "origin";
  int opened = 0;
  image.open = [&](const LayerProgress&, std::stop_token) -> Result<std::unique_ptr<content::ByteSource>> {
    ++opened;
    return std::make_unique<content::StringSource>(text);
  };
  std::string pulled;
  {
    const FsRef first({Get(store_->AddImageLayer(image))});
    EXPECT_EQ(Read(first, "x"), "image");
    pulled = Get(first.ToText());
  }
  // A process that died is no power cut.
  open_as("one");
  EXPECT_EQ(Read(Get(store_->Load(made)), "file"), "made");
  EXPECT_EQ(Read(Get(store_->Load(pulled)), "x"), "image");
  open_as("two");
  EXPECT_EQ(Read(Get(store_->Load(synced)), "file"), "synced");
  const auto lost = store_->Load(made);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), ErrorCode::kNotFound);
  const FsRef again = Get(store_->Load(pulled));
  EXPECT_FALSE(Get(store_->Info(again.layer_ids()[0])).unpacked);
  const LayerRef same = Get(store_->AddImageLayer(image));
  EXPECT_EQ(same->id(), again.layer_ids()[0]);
  EXPECT_EQ(Read(again, "x"), "image");
  EXPECT_EQ(opened, 2);
  ASSERT_OK(store_->Sync());
  open_as("three");
  EXPECT_EQ(Read(Get(store_->Load(pulled)), "x"), "image");
}

TEST_P(LayerStoreTest, AdoptsADirectory) {
  const std::string made = dir_->path() + "/made";
  ASSERT_OK(MakeDirs(made + "/sub", 0700));
  ASSERT_OK(WriteFileAtomic(made + "/sub/file", "here"));
  const FsRef ref({Get(store_->Adopt(made))});
  EXPECT_EQ(Read(ref, "sub/file"), "here");
  EXPECT_EQ(::access(made.c_str(), F_OK), -1);
  const MountedFs view = Get(store_->Mount(ref));
  EXPECT_EQ(Get(LstatInRoot(view.fd(), "/"))->st_mode & 07777U, 0755U);
  const auto missing = store_->Adopt(made);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().sys_errno(), ENOENT);
}

TEST_P(LayerStoreTest, WrongDiffIdLeavesNothing) {
  TarText tar;
  tar.Add('0', "x", "evil");
  const std::string text = tar.Done();
  ImageLayer image;
  image.diff_id = Digest::Of("something else");
  image.open = [&](const LayerProgress&, std::stop_token) -> Result<std::unique_ptr<content::ByteSource>> {
    return std::make_unique<content::StringSource>(text);
  };
  const LayerRef layer = Get(store_->AddImageLayer(image));
  const auto mounted = store_->Mount(FsRef({layer}));
  ASSERT_FALSE(mounted);
  EXPECT_EQ(mounted.error().code(), ErrorCode::kDataLoss);
  EXPECT_FALSE(Get(store_->Info(layer->id())).unpacked);
  for (const auto& name : Get(ListDir(dir_->path() + "/layers"))) {
    EXPECT_TRUE(name.starts_with('.')) << name;
  }
}

// --- host trees ---

TEST_P(LayerStoreTest, HostTreeIsMaterialisedOnce) {
  const std::string context = dir_->path() + "/context";
  ASSERT_OK(MakeDirs(context + "/src"));
  ASSERT_OK(MakeDirs(context + "/node_modules/x"));
  ASSERT_OK(WriteFileAtomic(context + "/src/main.c", "int main;"));
  ASSERT_OK(WriteFileAtomic(context + "/node_modules/x/y", "no"));
  ASSERT_EQ(::chown((context + "/src/main.c").c_str(), 1000, 1000), 0);
  const FsRef ref(Get(HostTree::Open(context, {.include = {}, .exclude = {"node_modules"}, .follow_paths = {}})));
  const FsRef made = Get(store_->Materialize(ref));
  EXPECT_EQ(Get(store_->Materialize(ref)), made);
  const MountedFs view = Get(store_->Mount(made));
  EXPECT_THAT(List(view.fd()), ElementsAre("src"));
  EXPECT_EQ(Get(LstatInRoot(view.fd(), "src/main.c"))->st_uid, 0U);
  const MountedFs in_place = Get(store_->Mount(ref));
  ASSERT_NE(in_place.host_tree(), nullptr);
  EXPECT_NE(Get(in_place.host_tree()->Find("src/main.c")), nullptr);
  EXPECT_EQ(Get(in_place.host_tree()->Find("node_modules")), nullptr);
  content::StringSink sink;
  ASSERT_OK(store_->WriteTar(ref, sink));
  EXPECT_THAT(sink.text(), testing::Not(HasSubstr("node_modules")));
  EXPECT_FALSE(ref.ToText());
}

TEST_P(LayerStoreTest, AHostTreeThatIsGivenAwayBecomesTheLayer) {
  const std::string context = dir_->path() + "/context";
  ASSERT_OK(MakeDirs(context + "/src"));
  ASSERT_OK(WriteFileAtomic(context + "/src/main.c", "int main;"));
  struct stat before {};
  ASSERT_EQ(::stat((context + "/src/main.c").c_str(), &before), 0);
  std::shared_ptr<void> keep;
  int moves = 0;
  const auto open = [&] {
    HostTreeOptions options;
    options.give_away = [&](const MoveDirectory& move) -> Result<bool> {
      ++moves;
      keep = LOAM_TRY(move(context));
      return true;
    };
    return FsRef(Get(HostTree::OpenWith(context, std::move(options))));
  };
  {
    // Not for a layer that is only read, nor with files of others.
    const FsRef copied = Get(store_->Materialize(open()));
    EXPECT_EQ(Read(copied, "src/main.c"), "int main;");
    ASSERT_EQ(::chown((context + "/src/main.c").c_str(), 1000, 1000), 0);
    EXPECT_EQ(Read(Change(open(), [](int) {}), "src/main.c"), "int main;");
    ASSERT_EQ(::chown((context + "/src/main.c").c_str(), 0, 0), 0);
    ASSERT_EQ(::mknod((context + "/whiteout").c_str(), S_IFCHR, 0), 0);
    Change(open(), [](int) {});
    ASSERT_EQ(::unlink((context + "/whiteout").c_str()), 0);
  }
  EXPECT_EQ(moves, 0);
  const FsRef tree = open();
  const FsRef child = Change(tree, [](int root) { Write(root, "more", "text"); });
  EXPECT_EQ(moves, 1);
  EXPECT_EQ(::access(context.c_str(), F_OK), -1);
  EXPECT_EQ(Read(child, "src/main.c"), "int main;");
  EXPECT_EQ(Read(child, "more"), "text");
  struct stat after {};
  ASSERT_EQ(
      ::fstatat(Get(store_->OpenLayer(child.layers().front()->id())).get(), "src/main.c", &after, AT_SYMLINK_NOFOLLOW),
      0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  // Whoever reads the tree does so where it is now, and it is one layer for all.
  const MountedFs in_place = Get(store_->Mount(tree));
  EXPECT_NE(Get(in_place.host_tree()->Find("src/main.c")), nullptr);
  EXPECT_EQ(Read(in_place.fd(), "src/main.c"), "int main;");
  EXPECT_EQ(Read(Change(tree, [](int) {}), "src/main.c"), "int main;");
  EXPECT_EQ(moves, 1);
}

INSTANTIATE_TEST_SUITE_P(All, LayerStoreTest, testing::Values(Mode::kOverlay, Mode::kLegacyOverlay, Mode::kNative),
                         [](const auto& test) {
                           switch (test.param) {
                             case Mode::kOverlay:
                               return "overlay";
                             case Mode::kLegacyOverlay:
                               return "legacy_overlay";
                             case Mode::kNative:
                               break;
                           }
                           return "native";
                         });

}  // namespace
}  // namespace loam::snapshot
