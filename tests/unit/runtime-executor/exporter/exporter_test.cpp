#include "runtime-executor/exporter/exporter.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/file_system.h"
#include "runtime-executor/content/compression.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/source/image_store.h"
#include "tests/support/require.h"

namespace loam::exporter {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;

constexpr const char* kConfig =
    R"({"os":"linux","architecture":"amd64","config":{"Cmd":["/bin/hello"]},"history":[{"created_by":"one"},{"created_by":"two"}]})";

class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime Now() const override { return WallTime(std::chrono::seconds(1'600'000'000)); }
  [[nodiscard]] SteadyTime Steady() const override { return SteadyTime(); }
};

bool HasTool(const std::string& tool) {
  return std::system(("command -v " + tool + " >/dev/null 2>&1").c_str()) == 0;
}

int Shell(const std::string& command) {
  return std::system((command + " >/dev/null").c_str());
}

// One state root.
struct Root {
  explicit Root(const std::string& path) {
    snapshot::LayerStoreOptions options;
    options.root = path;
    EXPECT_TRUE(MakeDirs(path).has_value());
    content = *content::ContentStore::Open(path + "/content");
    auto opened = snapshot::LayerStore::Open(options);
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    layers = std::move(*opened);
    images = *source::ImageStore::Open(path + "/images.db", *content);
  }

  [[nodiscard]] ExporterServices Services() {
    ExporterServices services;
    services.content = content.get();
    services.layers = layers.get();
    services.codecs = &codecs;
    services.images = images.get();
    services.clock = &clock;
    return services;
  }

  // A layer on `parent` with the files; "name -> target" makes a symlink, a name that ends with '/' a directory.
  snapshot::FsRef Add(const snapshot::FsRef& parent, const std::map<std::string, std::string>& files) {
    auto active = layers->Begin(parent);
    EXPECT_TRUE(active.has_value()) << active.error().message();
    for (const auto& [name, data] : files) {
      if (name.ends_with('/')) {
        EXPECT_EQ(::mkdirat(active->fd(), name.c_str(), 0755), 0) << name;
      } else if (data.starts_with("-> ")) {
        EXPECT_EQ(::symlinkat(data.c_str() + 3, active->fd(), name.c_str()), 0) << name;
      } else {
        const auto fd = OpenFileAt(active->fd(), name, O_WRONLY | O_CREAT, 0755);
        EXPECT_TRUE(fd.has_value()) << fd.error().message();
        EXPECT_TRUE(WriteAll(fd->get(), data, name).has_value());
      }
    }
    auto committed = std::move(*active).Commit();
    EXPECT_TRUE(committed.has_value()) << committed.error().message();
    return *committed;
  }

  FixedClock clock;
  content::CodecPool codecs{3};
  std::unique_ptr<content::ContentStore> content;
  std::unique_ptr<snapshot::LayerStore> layers;
  std::unique_ptr<source::ImageStore> images;
};

class ExporterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      LOAM_TEST_SKIP("layers are made as root here");
    }
    dir_.emplace(*TempDir::Create());
    root_.emplace(dir_->Child("root"));
  }
  void TearDown() override { root_.reset(); }

  std::string Path(std::string_view name) { return dir_->Child(name); }

  static ExportInput OneImage(Root& root) {
    const snapshot::FsRef lower = root.Add({}, {{"bin/", ""}, {"bin/hello", "#!/bin/sh\necho hello\n"}});
    const snapshot::FsRef upper =
        root.Add(lower, {{"etc/", ""}, {"etc/big", std::string(3'000'000, 'b') + "end"}, {"link", "-> bin/hello"}});
    ExportInput input;
    input.platforms.push_back({"linux/amd64", {"linux", "amd64", "", "", {}}, upper, kConfig, ""});
    return input;
  }

  Result<Response> Export(const std::string& type, const Attributes& attributes, const ExportInput& input) {
    return Export(*root_, type, attributes, input);
  }
  static Result<Response> Export(Root& root, const std::string& type, const Attributes& attributes,
                                 const ExportInput& input) {
    const auto exporter = LOAM_TRY(MakeExporter(type, attributes, root.Services()));
    NullExportProgress progress;
    return exporter->Export(input, progress, {});
  }

  std::optional<TempDir> dir_;
  std::optional<Root> root_;
};

TEST_F(ExporterTest, OciArchiveIsTakenBySkopeoAndUmoci) {
  for (const std::string compression : {"uncompressed", "gzip", "zstd"}) {
    const std::string tar = Path(compression + ".tar");
    const auto response =
        Export("oci", {{"dest", tar}, {"name", "app:1"}, {"compression", compression}}, OneImage(*root_));
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_THAT(*response, Contains(Pair("image.name", "docker.io/library/app:1")));
    const std::string layout = Path(compression);
    ASSERT_TRUE(MakeDirs(layout).has_value());
    ASSERT_EQ(Shell("tar -C " + layout + " -xf " + tar), 0);
    const json index = json::parse(*ReadFile(layout + "/index.json"));
    ASSERT_EQ(index["manifests"].size(), 1U);
    EXPECT_EQ(index["manifests"][0]["digest"], response->at("containerimage.digest"));
    EXPECT_EQ(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], "1");
    EXPECT_EQ(index["manifests"][0]["annotations"]["io.containerd.image.name"], "docker.io/library/app:1");
    EXPECT_EQ(index["manifests"][0]["annotations"]["org.opencontainers.image.created"], "2020-09-13T12:26:40Z");
    const json descriptor = json::parse(*Base64Decode(response->at("containerimage.descriptor")));
    EXPECT_EQ(descriptor["digest"], response->at("containerimage.digest"));
    EXPECT_EQ(descriptor["platform"]["architecture"], "amd64");
    if (!HasTool("skopeo") || !HasTool("umoci")) {
      LOAM_TEST_SKIP("skopeo or umoci is not installed");
    }
    EXPECT_EQ(Shell("skopeo inspect oci-archive:" + tar), 0);
    EXPECT_EQ(Shell("skopeo copy -q oci-archive:" + tar + " dir:" + Path(compression + ".dir")), 0);
    if (compression != "zstd") {  // umoci 0.4 knows no zstd
      EXPECT_EQ(Shell("umoci unpack --image " + layout + ":1 " + Path(compression + ".bundle")), 0);
      EXPECT_THAT(*ReadFile(Path(compression + ".bundle/rootfs/bin/hello")), HasSubstr("echo hello"));
      EXPECT_THAT(*ReadFile(Path(compression + ".bundle/rootfs/etc/big")), ::testing::EndsWith("bend"));
    }
  }
}

TEST_F(ExporterTest, DockerArchiveHasItsManifest) {
  const std::string tar = Path("docker.tar");
  const auto response = Export("docker", {{"dest", tar}, {"name", "app,reg.example/team/app:2"}}, OneImage(*root_));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  ASSERT_TRUE(MakeDirs(Path("x")).has_value());
  ASSERT_EQ(Shell("tar -C " + Path("x") + " -xf " + tar), 0);
  const json manifest = json::parse(*ReadFile(Path("x/manifest.json")));
  ASSERT_EQ(manifest.size(), 1U);
  EXPECT_EQ(manifest[0]["RepoTags"], json({"app:latest", "reg.example/team/app:2"}));
  EXPECT_EQ(manifest[0]["Layers"].size(), 2U);
  const std::string config = *ReadFile(Path("x/" + manifest[0]["Config"].get<std::string>()));
  EXPECT_EQ(Digest::Of(config).ToString(), response->at("containerimage.config.digest"));
  EXPECT_EQ(json::parse(config)["rootfs"]["diff_ids"].size(), 2U);
  if (!HasTool("skopeo")) {
    LOAM_TEST_SKIP("skopeo is not installed");
  }
  EXPECT_EQ(Shell("skopeo inspect docker-archive:" + tar), 0);
}

TEST_F(ExporterTest, MembersAreSortedAndBelongToRoot) {
  ASSERT_TRUE(Export("docker", {{"dest", Path("a.tar")}}, OneImage(*root_)).has_value());
  const std::string tar = *ReadFile(Path("a.tar"));
  std::vector<std::string> names;
  for (std::size_t at = 0; at + 512 <= tar.size() && tar[at] != '\0';) {
    names.emplace_back(tar.c_str() + at);
    EXPECT_EQ(tar.substr(at + 136, 11), "00000000000") << "time of " << names.back();
    EXPECT_EQ(tar.substr(at + 108, 7), "0000000") << "owner of " << names.back();
    const std::size_t size = std::stoul(tar.substr(at + 124, 11), nullptr, 8);
    at += 512 + (size + 511) / 512 * 512;
  }
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(names.size(), 9U);
  EXPECT_THAT(names, Contains("manifest.json"));
  EXPECT_EQ(tar.size() % 512, 0U);
}

TEST_F(ExporterTest, IsReproducibleWithAnEpoch) {
  Root other(Path("other"));
  const Attributes attributes = {{"name", "app"}, {"rewrite-timestamp", "true"}, {"source-date-epoch", "1000000000"}};
  Attributes first = attributes;
  first["dest"] = Path("1.tar");
  Attributes second = attributes;
  second["dest"] = Path("2.tar");
  ASSERT_TRUE(Export("oci", first, OneImage(*root_)).has_value());
  ASSERT_TRUE(Export(other, "oci", second, OneImage(other)).has_value());
  EXPECT_TRUE(*ReadFile(Path("1.tar")) == *ReadFile(Path("2.tar")));

  ASSERT_TRUE(MakeDirs(Path("x")).has_value());
  ASSERT_EQ(Shell("tar -C " + Path("x") + " -xf " + Path("1.tar")), 0);
  const json index = json::parse(*ReadFile(Path("x/index.json")));
  EXPECT_EQ(index["manifests"][0]["annotations"]["org.opencontainers.image.created"], "2001-09-09T01:46:40Z");
  const std::string manifest = index["manifests"][0]["digest"].get<std::string>().substr(7);
  const json layers = json::parse(*ReadFile(Path("x/blobs/sha256/" + manifest)))["layers"];
  ASSERT_EQ(layers.size(), 2U);
  const std::string blob = Path("x/blobs/sha256/" + layers[0]["digest"].get<std::string>().substr(7));
  EXPECT_EQ(Shell("TZ=UTC tar -tvf " + blob + " bin/hello | grep '2001-09-09 01:46'"), 0);
  // Without the epoch the layers keep their times and another digest.
  const auto plain = Export("oci", {{"dest", Path("3.tar")}}, OneImage(*root_));
  EXPECT_NE(*ReadFile(Path("3.tar")), *ReadFile(Path("1.tar")));
}

TEST_F(ExporterTest, KnownBlobsAreUsedAgain) {
  const ExportInput input = OneImage(*root_);
  const auto first = Export("oci", {{"dest", Path("1.tar")}}, input);
  ASSERT_TRUE(first.has_value());
  // A blob that is rewritten would get a new inode or time.
  const auto blobs = [&] {
    std::map<std::string, std::pair<ino_t, std::int64_t>> result;
    const std::vector<std::string> names = *ListDir(Path("root/content/blobs/sha256"));
    for (const std::string& name : names) {
      struct stat status {};
      ::stat(Path("root/content/blobs/sha256/" + name).c_str(), &status);
      if (status.st_size > 1000) {
        result[name] = {status.st_ino, status.st_mtim.tv_nsec};
      }
    }
    return result;
  };
  const auto before = blobs();
  ASSERT_THAT(before, ::testing::SizeIs(1));
  const auto second = Export("oci", {{"dest", Path("2.tar")}}, input);
  ASSERT_TRUE(second.has_value()) << second.error().message();
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(blobs(), before);
  // Gone from the store: made anew, the same.
  for (const auto& [name, _] : before) {
    ASSERT_TRUE(root_->content->Delete(*Digest::Parse("sha256:" + name)).has_value());
  }
  const auto third = Export("oci", {{"dest", Path("3.tar")}}, input);
  ASSERT_TRUE(third.has_value()) << third.error().message();
  EXPECT_EQ(*first, *third);
  // Another compression is another blob of the same layer.
  const auto zstd = Export("oci", {{"dest", Path("4.tar")}, {"compression", "zstd"}}, input);
  ASSERT_TRUE(zstd.has_value()) << zstd.error().message();
  EXPECT_NE(zstd->at("containerimage.digest"), first->at("containerimage.digest"));
  EXPECT_EQ(zstd->at("containerimage.config.digest"), first->at("containerimage.config.digest")) << "same diffIDs";
}

TEST_F(ExporterTest, SeveralPlatformsMakeAnIndex) {
  ExportInput input = OneImage(*root_);
  input.multi_platform = true;
  PlatformExport arm = input.platforms[0];
  arm.id = "linux/arm64";
  arm.platform.architecture = "arm64";
  arm.image_config = R"({"os":"linux","architecture":"arm64"})";
  input.platforms.push_back(arm);
  const auto response = Export("oci",
                               {{"dest", Path("layout")},
                                {"tar", "false"},
                                {"name", "multi"},
                                {"annotation-index.who", "loam"},
                                {"annotation[linux/arm64].only", "arm"}},
                               input);
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->count("containerimage.config.digest"), 0U);
  const std::string digest = response->at("containerimage.digest");
  const json index = json::parse(*ReadFile(Path("layout/blobs/sha256/" + digest.substr(7))));
  EXPECT_EQ(index["mediaType"], "application/vnd.oci.image.index.v1+json");
  EXPECT_EQ(index["annotations"]["who"], "loam");
  ASSERT_EQ(index["manifests"].size(), 2U);
  EXPECT_EQ(index["manifests"][1]["platform"]["architecture"], "arm64");
  const json manifest = json::parse(
      *ReadFile(Path("layout/blobs/sha256/" + index["manifests"][1]["digest"].get<std::string>().substr(7))));
  EXPECT_EQ(manifest["annotations"]["only"], "arm");
  EXPECT_EQ(json::parse(*ReadFile(Path("layout/index.json")))["manifests"][0]["digest"], digest);

  const auto docker = Export("docker", {{"dest", Path("d.tar")}}, input);
  ASSERT_FALSE(docker.has_value());
  EXPECT_EQ(docker.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(Export("oci", {{"dest", Path("d.tar")}, {"annotation[linux/s390x].a", "b"}}, input).has_value());
  EXPECT_NE(::access(Path("d.tar").c_str(), F_OK), 0);
  if (!HasTool("skopeo")) {
    LOAM_TEST_SKIP("skopeo is not installed");
  }
  EXPECT_EQ(Shell("skopeo inspect --raw oci:" + Path("layout") + ":latest"), 0);
  EXPECT_EQ(Shell("skopeo copy -q --all oci:" + Path("layout") + ":latest dir:" + Path("copy")), 0);
}

TEST_F(ExporterTest, LayoutDirectoryKeepsOtherImages) {
  const ExportInput input = OneImage(*root_);
  ASSERT_TRUE(Export("oci", {{"dest", Path("l")}, {"tar", "false"}, {"name", "a:1"}}, input).has_value());
  ASSERT_TRUE(Export("oci", {{"dest", Path("l")}, {"tar", "false"}, {"name", "a:2"}}, input).has_value());
  ASSERT_TRUE(Export("oci", {{"dest", Path("l")}, {"tar", "false"}, {"name", "a:1"}, {"compression", "zstd"}}, input)
                  .has_value());
  const json index = json::parse(*ReadFile(Path("l/index.json")));
  ASSERT_EQ(index["manifests"].size(), 2U);
  EXPECT_EQ(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], "2");
  EXPECT_EQ(index["manifests"][1]["annotations"]["org.opencontainers.image.ref.name"], "1");
  EXPECT_NE(index["manifests"][0]["digest"], index["manifests"][1]["digest"]);
  ASSERT_TRUE(WriteFileAtomic(Path("l/index.json"), "{").has_value());
  EXPECT_FALSE(Export("oci", {{"dest", Path("l")}, {"tar", "false"}}, input).has_value());
}

TEST_F(ExporterTest, DockerMediaTypesOnRequest) {
  ASSERT_TRUE(Export("oci", {{"dest", Path("l")}, {"tar", "false"}, {"oci-mediatypes", "false"}}, OneImage(*root_))
                  .has_value());
  const json index = json::parse(*ReadFile(Path("l/index.json")));
  EXPECT_EQ(index["manifests"][0]["mediaType"], "application/vnd.docker.distribution.manifest.v2+json");
  const json manifest =
      json::parse(*ReadFile(Path("l/blobs/sha256/" + index["manifests"][0]["digest"].get<std::string>().substr(7))));
  EXPECT_EQ(manifest["config"]["mediaType"], "application/vnd.docker.container.image.v1+json");
  EXPECT_EQ(manifest["layers"][0]["mediaType"], "application/vnd.docker.image.rootfs.diff.tar.gzip");
}

TEST_F(ExporterTest, DockerMediaTypesOfZstdLayers) {
  ASSERT_TRUE(Export("oci",
                     {{"dest", Path("l")}, {"tar", "false"}, {"oci-mediatypes", "false"}, {"compression", "zstd"}},
                     OneImage(*root_))
                  .has_value());
  const json index = json::parse(*ReadFile(Path("l/index.json")));
  const json manifest =
      json::parse(*ReadFile(Path("l/blobs/sha256/" + index["manifests"][0]["digest"].get<std::string>().substr(7))));
  EXPECT_EQ(manifest["layers"][0]["mediaType"], "application/vnd.docker.image.rootfs.diff.tar.zstd");
}

TEST_F(ExporterTest, AConfigAmongTheAttributesTakesThePlaceOfTheResults) {
  const std::string config =
      R"({"architecture":"amd64","os":"linux","created":"2001-02-03T04:05:06Z","config":{"User":"somebody"}})";
  ASSERT_TRUE(
      Export("oci", {{"dest", Path("l")}, {"tar", "false"}, {"containerimage.config", config}}, OneImage(*root_))
          .has_value());
  const json index = json::parse(*ReadFile(Path("l/index.json")));
  const auto blob = [&](const json& descriptor) {
    return json::parse(*ReadFile(Path("l/blobs/sha256/" + descriptor["digest"].get<std::string>().substr(7))));
  };
  const json written = blob(blob(index["manifests"][0])["config"]);
  EXPECT_EQ(written["config"]["User"], "somebody");
  EXPECT_EQ(written["created"], "2001-02-03T04:05:06Z");
}

TEST_F(ExporterTest, ImageGoesIntoTheLocalStore) {
  const auto response = Export("image", {{"name", "app:1,other"}, {"name-canonical", "true"}}, OneImage(*root_));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->at("image.name"), "app:1,other");
  const auto stored = root_->images->Find("app:1");
  ASSERT_TRUE(stored.has_value() && stored->has_value());
  EXPECT_EQ((*stored)->target.digest.ToString(), response->at("containerimage.digest"));
  EXPECT_TRUE((*root_->images->Find("other")).has_value());
  // Nameless: only blobs.
  EXPECT_EQ(Export("image", {}, OneImage(*root_))->count("image.name"), 0U);
  EXPECT_FALSE(MakeExporter("image", {{"push", "true"}}, root_->Services()).has_value());
  EXPECT_FALSE(MakeExporter("image", {{"push", "true"}, {"name", "a"}}, root_->Services()).has_value());
}

TEST_F(ExporterTest, LocalCopiesFiles) {
  ASSERT_TRUE(MakeDirs(Path("out/old")).has_value());
  ASSERT_TRUE(WriteFileAtomic(Path("out/link"), "in the way").has_value());
  const ExportInput input = OneImage(*root_);
  const auto result = Export("local", {{"dest", Path("out")}, {"source-date-epoch", "1000000000"}}, input);
  ASSERT_TRUE(result.has_value()) << result.error().message();
  EXPECT_THAT(*result, IsEmpty());
  EXPECT_THAT(*ListDir(Path("out")), ElementsAre("bin", "etc", "link", "old"));
  EXPECT_THAT(*ReadFile(Path("out/link")), StartsWith("#!/bin/sh")) << "a link now";
  struct stat status {};
  ASSERT_EQ(::stat(Path("out/bin/hello").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0755U);
  EXPECT_EQ(status.st_mtim.tv_sec, 1000000000);
  ASSERT_TRUE(Export("local", {{"dest", Path("out")}, {"mode", "delete"}}, input).has_value());
  EXPECT_THAT(*ListDir(Path("out")), ElementsAre("bin", "etc", "link"));
  EXPECT_FALSE(MakeExporter("local", {{"dest", Path("out/bin/hello")}}, root_->Services()).has_value());
  EXPECT_FALSE(MakeExporter("local", {{"dest", Path("out")}, {"mode", "move"}}, root_->Services()).has_value());
}

TEST_F(ExporterTest, LocalSplitsPlatforms) {
  ExportInput input = OneImage(*root_);
  input.multi_platform = true;
  PlatformExport arm = input.platforms[0];
  arm.id = "linux/arm/v7";
  input.platforms.push_back(arm);
  ASSERT_TRUE(Export("local", {{"dest", Path("out")}}, input).has_value());
  EXPECT_THAT(*ListDir(Path("out")), ElementsAre("linux_amd64", "linux_arm_v7"));
  EXPECT_THAT(*ListDir(Path("out/linux_arm_v7")), ElementsAre("bin", "etc", "link"));
  const auto clash = Export("local", {{"dest", Path("flat")}, {"platform-split", "false"}}, input);
  ASSERT_FALSE(clash.has_value());
  EXPECT_THAT(clash.error().message(), HasSubstr("linux/arm/v7"));
}

TEST_F(ExporterTest, TarHasTheFiles) {
  ExportInput input = OneImage(*root_);
  ASSERT_TRUE(Export("tar", {{"dest", Path("files.tar")}, {"source-date-epoch", "1000000000"}}, input).has_value());
  ASSERT_TRUE(MakeDirs(Path("x")).has_value());
  ASSERT_EQ(Shell("tar -C " + Path("x") + " -xf " + Path("files.tar")), 0);
  EXPECT_THAT(*ListDir(Path("x")), ElementsAre("bin", "etc", "link"));
  struct stat status {};
  ASSERT_EQ(::stat(Path("x/bin").c_str(), &status), 0);
  EXPECT_EQ(status.st_mtim.tv_sec, 1000000000);

  input.multi_platform = true;
  PlatformExport arm = input.platforms[0];
  arm.id = "linux/arm64";
  input.platforms.push_back(arm);
  ASSERT_TRUE(Export("tar", {{"dest", Path("multi.tar")}}, input).has_value());
  ASSERT_TRUE(MakeDirs(Path("y")).has_value());
  ASSERT_EQ(Shell("tar -C " + Path("y") + " -xf " + Path("multi.tar")), 0);
  EXPECT_THAT(*ListDir(Path("y")), ElementsAre("linux_amd64", "linux_arm64"));
  EXPECT_THAT(*ListDir(Path("y/linux_arm64")), ElementsAre("bin", "etc", "link"));
}

TEST_F(ExporterTest, StreamsToAnOpenDescriptor) {
  const ExportInput input = OneImage(*root_);
  ExporterServices services = root_->Services();
  const auto fd = OpenFile(Path("stream.tar"), O_WRONLY | O_CREAT);
  services.output_fd = fd->get();
  NullExportProgress progress;
  auto exporter = MakeExporter("docker", {{"dest", "-"}}, services);
  ASSERT_TRUE((*exporter)->Export(input, progress, {}).has_value());
  ASSERT_TRUE(Export("docker", {{"dest", Path("file.tar")}}, input).has_value());
  EXPECT_TRUE(*ReadFile(Path("stream.tar")) == *ReadFile(Path("file.tar")));
  EXPECT_FALSE(MakeExporter("oci", {{"dest", "-"}, {"tar", "false"}}, services).has_value());
  EXPECT_FALSE(MakeExporter("oci", {}, services).has_value());
  EXPECT_FALSE(MakeExporter("floppy", {{"dest", "a"}}, services).has_value());
}

TEST_F(ExporterTest, FailuresLeaveNothingBehind) {
  const ExportInput input = OneImage(*root_);
  const auto full = Export("oci", {{"dest", "/dev/full"}}, input);
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().sys_errno(), ENOSPC);
  ASSERT_TRUE(MakeDirs(Path("d")).has_value());
  EXPECT_EQ(Export("tar", {{"dest", Path("d")}}, input).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Export("oci", {{"dest", Path("no/such/dir.tar")}}, input).error().sys_errno(), ENOENT);
  ExportInput broken = input;
  broken.platforms[0].image_config = "{}";
  EXPECT_FALSE(Export("oci", {{"dest", Path("d/x.tar")}}, broken).has_value());
  std::stop_source stop;
  stop.request_stop();
  NullExportProgress progress;
  auto exporter = MakeExporter("oci", {{"dest", Path("d/y.tar")}}, root_->Services());
  const auto cancelled = (*exporter)->Export(input, progress, stop.get_token());
  ASSERT_FALSE(cancelled.has_value());
  EXPECT_EQ(cancelled.error().code(), ErrorCode::kCanceled);
  EXPECT_THAT(*ListDir(Path("d")), IsEmpty());
  EXPECT_THAT(*ListDir(Path("root/content/ingest")), IsEmpty());
}

TEST_F(ExporterTest, ScratchHasNoLayers) {
  ExportInput input;
  input.platforms.push_back({"linux/amd64", {"linux", "amd64", "", "", {}}, {}, "", ""});
  ASSERT_TRUE(Export("oci", {{"dest", Path("s.tar")}}, input).has_value());
  ASSERT_TRUE(Export("local", {{"dest", Path("s")}}, input).has_value());
  EXPECT_THAT(*ListDir(Path("s")), IsEmpty());
}

}  // namespace
}  // namespace loam::exporter
