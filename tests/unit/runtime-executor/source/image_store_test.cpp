#include "runtime-executor/source/image_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/process.h"
#include "runtime-executor/source/oci-layout/oci_layout.h"
#include "tests/support/require.h"

namespace loam::source {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

void RunTool(std::vector<std::string> args) {
  ProcessSpec spec;
  spec.args = std::move(args);
  const auto output = RunProcess(spec);
  ASSERT_TRUE(output) << output.error().message();
  ASSERT_TRUE(output->status.ok()) << spec.args[0] << ": " << output->err;
}

class ImageStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    content_ = std::move(*content::ContentStore::Open(dir_.Child("content")));
    Reopen();
    ASSERT_TRUE(MakeDirs(dir_.Child("rootfs/etc")));
    Write("rootfs/etc/os-release", "ID=test\n");
    RunTool({"tar", "-C", dir_.Child("rootfs"), "-cf", dir_.Child("rootfs.tar"), "."});
  }
  void Reopen() {
    auto store = ImageStore::Open(dir_.Child("images.db"), *content_);
    ASSERT_TRUE(store) << store.error().message();
    images_ = std::move(*store);
  }
  void Write(const std::string& name, const std::string& text) { ASSERT_TRUE(WriteFileAtomic(dir_.Child(name), text)); }
  std::string Read(const std::string& name) { return ReadFile(dir_.Child(name)).value_or(""); }

  Result<std::vector<StoredImage>> Import(const std::string& path, std::vector<std::string> names = {},
                                          bool rootfs = false) {
    ImportOptions options;
    options.path = dir_.Child(path);
    options.names = std::move(names);
    options.rootfs = rootfs;
    options.source_date_epoch = 1'700'000'000;
    return images_->Import(options);
  }
  StoredImage ImportRootfs(const std::string& name = "base") {
    const auto images = Import("rootfs.tar", {name});
    EXPECT_TRUE(images) << images.error().message();
    return images ? images->at(0) : StoredImage{};
  }
  content::Manifest Manifest(const StoredImage& image) {
    return *content::ParseManifest(content_->ReadBlob(image.target.digest).value_or(""));
  }
  json Config(const StoredImage& image) {
    return json::parse(content_->ReadBlob(Manifest(image).config.digest).value_or("{}"));
  }
  // An OCI layout in `directory` of an image that is in the store.
  void WriteLayout(const std::string& directory, const StoredImage& image, json annotations = json::object()) {
    ASSERT_TRUE(MakeDirs(dir_.Child(directory + "/blobs/sha256")));
    Write(directory + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    const content::Manifest manifest = Manifest(image);
    std::vector<Digest> digests = {image.target.digest, manifest.config.digest};
    for (const auto& layer : manifest.layers) {
      digests.push_back(layer.digest);
    }
    for (const Digest& digest : digests) {
      Write(directory + "/blobs/sha256/" + digest.Hex(), *content_->ReadBlob(digest));
    }
    Write(directory + "/index.json", json{{"schemaVersion", 2},
                                          {"manifests",
                                           {{{"mediaType", image.target.media_type},
                                             {"digest", image.target.digest.ToString()},
                                             {"size", image.target.size},
                                             {"annotations", annotations}}}}}
                                         .dump());
  }
  // A second, empty content store and image store.
  void StartAnew() {
    images_.reset();
    ASSERT_TRUE(RemoveTree(dir_.Child("content")));
    ASSERT_TRUE(RemoveTree(dir_.Child("images.db")));
    content_ = std::move(*content::ContentStore::Open(dir_.Child("content")));
    Reopen();
  }

  TempDir dir_ = std::move(*TempDir::Create());
  std::unique_ptr<content::ContentStore> content_;
  std::unique_ptr<ImageStore> images_;
};

TEST_F(ImageStoreTest, NamesAreKept) {
  const StoredImage image = ImportRootfs("app");
  EXPECT_EQ(image.name, "docker.io/library/app:latest");
  ASSERT_TRUE(images_->Put("localhost:5000/x:1", image.target));
  Reopen();
  const auto list = images_->List();
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(list->at(0).name, "docker.io/library/app:latest");
  EXPECT_EQ(list->at(0).target, image.target);
  EXPECT_EQ(list->at(1).name, "localhost:5000/x:1");
  for (const char* name : {"app", "app:latest", "docker.io/library/app"}) {
    EXPECT_TRUE(images_->Find(name)->has_value()) << name;
  }
  EXPECT_FALSE(images_->Find("app:2")->has_value());
  const std::string digest = image.target.digest.ToString();
  EXPECT_TRUE(images_->Find("app:latest@" + digest)->has_value());
  EXPECT_TRUE(images_->Find("app@" + digest)->has_value());
  EXPECT_FALSE(images_->Find("app@sha256:" + std::string(64, '0'))->has_value());
  EXPECT_FALSE(images_->Find("app:latest@sha256:" + std::string(64, '0'))->has_value());
  EXPECT_FALSE(images_->Find("Not A Name"));
  EXPECT_TRUE(*images_->Remove("app"));
  EXPECT_FALSE(*images_->Remove("app"));
  EXPECT_FALSE(images_->Find("app")->has_value());
  EXPECT_EQ(images_->ReferencedBlobs()->size(), 3U);
  EXPECT_GT(*images_->SizeOf(list->at(1)), 10'000U);
}

TEST_F(ImageStoreTest, RefusesToNameWhatIsNotThere) {
  content::Descriptor target;
  target.media_type = content::media_type::kOciManifest;
  target.digest = Digest::Of("nothing");
  target.size = 7;
  EXPECT_FALSE(images_->Put("app", target));
  const StoredImage image = ImportRootfs();
  ASSERT_TRUE(content_->Delete(Manifest(image).layers[0].digest));
  EXPECT_TRUE(images_->Put("app", image.target).error().Is(ErrorCode::kNotFound));
}

TEST_F(ImageStoreTest, ImportsARootfs) {
  const StoredImage image = ImportRootfs();
  const content::Manifest manifest = Manifest(image);
  ASSERT_EQ(manifest.layers.size(), 1U);
  EXPECT_EQ(manifest.layers[0].media_type, content::media_type::kOciLayer);
  EXPECT_EQ(content_->ReadBlob(manifest.layers[0].digest).value_or(""), Read("rootfs.tar"));
  const json config = Config(image);
  EXPECT_EQ(config["created"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(config["os"], "linux");
  EXPECT_EQ(config["architecture"], HostPlatform().architecture);
  EXPECT_EQ(config["rootfs"]["diff_ids"][0], Digest::Of(Read("rootfs.tar")).ToString());
  EXPECT_EQ(ImportRootfs().target, image.target) << "the same input gives the same image";
}

TEST_F(ImageStoreTest, ImportsACompressedRootfs) {
  RunTool({"gzip", "-k", dir_.Child("rootfs.tar")});
  const auto images = Import("rootfs.tar.gz", {"zipped"});
  ASSERT_TRUE(images) << images.error().message();
  EXPECT_EQ(Manifest(images->at(0)).layers[0].media_type, content::media_type::kOciLayerGzip);
  EXPECT_EQ(Config(images->at(0))["rootfs"]["diff_ids"][0], Digest::Of(Read("rootfs.tar")).ToString());
}

TEST_F(ImageStoreTest, ImportsAnOciDirectoryAndItsTar) {
  const StoredImage image = ImportRootfs();
  WriteLayout("layout", image, {{"io.containerd.image.name", "docker.io/library/named:7"}});
  RunTool(
      {"tar", "-C", dir_.Child("layout"), "-czf", dir_.Child("layout.tar.gz"), "index.json", "oci-layout", "blobs"});
  for (const char* path : {"layout", "layout.tar.gz"}) {
    StartAnew();
    const auto images = Import(path);
    ASSERT_TRUE(images) << images.error().message();
    ASSERT_EQ(images->size(), 1U);
    EXPECT_EQ(images->at(0).name, "docker.io/library/named:7");
    EXPECT_EQ(images->at(0).target.digest, image.target.digest);
    EXPECT_EQ(images_->ReferencedBlobs()->size(), 3U);
    const auto renamed = Import(path, {"other", "more:1"});
    ASSERT_TRUE(renamed);
    EXPECT_EQ(renamed->size(), 2U);
    EXPECT_EQ(renamed->at(1).name, "docker.io/library/more:1");
  }
}

TEST_F(ImageStoreTest, ATagAloneIsNoName) {
  WriteLayout("layout", ImportRootfs(), {{"org.opencontainers.image.ref.name", "latest"}});
  const auto images = Import("layout");
  ASSERT_FALSE(images);
  EXPECT_THAT(images.error().hint(), HasSubstr("-t NAME"));
}

TEST_F(ImageStoreTest, RefusesADamagedLayout) {
  const StoredImage image = ImportRootfs();
  WriteLayout("layout", image);
  const std::string layer = "layout/blobs/sha256/" + Manifest(image).layers[0].digest.Hex();
  std::string text = Read(layer);
  text[600] ^= 1;
  Write(layer, text);
  RunTool({"tar", "-C", dir_.Child("layout"), "-cf", dir_.Child("layout.tar"), "."});
  for (const char* path : {"layout", "layout.tar"}) {
    StartAnew();
    const auto images = Import(path, {"app"});
    ASSERT_FALSE(images) << path;
    EXPECT_TRUE(images.error().Is(ErrorCode::kDataLoss)) << images.error().message();
    EXPECT_TRUE(images_->List()->empty());
  }
  ASSERT_TRUE(RemoveTree(dir_.Child(layer)));
  RunTool({"tar", "-C", dir_.Child("layout"), "-cf", dir_.Child("layout.tar"), "."});
  for (const char* path : {"layout", "layout.tar"}) {
    const auto images = Import(path, {"app"});
    ASSERT_FALSE(images) << path;
    EXPECT_TRUE(images.error().Is(ErrorCode::kNotFound)) << images.error().message();
    EXPECT_TRUE(images_->List()->empty());
  }
}

TEST_F(ImageStoreTest, ImportsADockerArchive) {
  const std::string layer = Read("rootfs.tar");
  ASSERT_TRUE(MakeDirs(dir_.Child("archive/abc")));
  ASSERT_TRUE(MakeDirs(dir_.Child("archive/def")));
  Write("archive/abc/layer.tar", layer);
  const json config = {
      {"architecture", "amd64"},
      {"os", "linux"},
      {"rootfs", {{"type", "layers"}, {"diff_ids", {Digest::Of(layer).ToString(), Digest::Of(layer).ToString()}}}}};
  Write("archive/config.json", config.dump());
  // Old versions of docker link a layer that occurs twice.
  RunTool({"ln", "-s", "../abc/layer.tar", dir_.Child("archive/def/layer.tar")});
  Write("archive/manifest.json", json{{{"Config", "config.json"},
                                       {"RepoTags", {"app:1", "app:2"}},
                                       {"Layers", {"abc/layer.tar", "def/layer.tar"}}}}
                                     .dump());
  RunTool({"tar", "-C", dir_.Child("archive"), "-cf", dir_.Child("archive.tar"), "def", "abc", "config.json",
           "manifest.json"});
  const auto images = Import("archive.tar");
  ASSERT_TRUE(images) << images.error().message();
  ASSERT_EQ(images->size(), 2U);
  EXPECT_EQ(images->at(0).name, "docker.io/library/app:1");
  EXPECT_EQ(Config(images->at(0)), config);
  const content::Manifest manifest = Manifest(images->at(0));
  EXPECT_EQ(manifest.media_type, content::media_type::kDockerManifest);
  ASSERT_EQ(manifest.layers.size(), 2U);
  EXPECT_EQ(manifest.layers[0].media_type, content::media_type::kDockerLayer);
  EXPECT_EQ(manifest.layers[1].digest, Digest::Of(layer));

  Write("archive/abc/layer.tar", layer + std::string(512, '\0'));
  RunTool({"tar", "-C", dir_.Child("archive"), "-cf", dir_.Child("archive.tar"), "def", "abc", "config.json",
           "manifest.json"});
  EXPECT_TRUE(Import("archive.tar").error().Is(ErrorCode::kDataLoss));
  RunTool(
      {"tar", "-C", dir_.Child("archive"), "-cf", dir_.Child("archive.tar"), "def", "config.json", "manifest.json"});
  EXPECT_THAT(Import("archive.tar").error().message(), HasSubstr("lacks the file `abc/layer.tar`"));
}

TEST_F(ImageStoreTest, ReadsWhatSkopeoWrites) {
  if (!FindProgram("skopeo")) {
    LOAM_TEST_SKIP("skopeo is not installed");
  }
  const StoredImage image = ImportRootfs();
  WriteLayout("layout", image, {{"org.opencontainers.image.ref.name", "1"}});
  for (const std::string& target : {"docker-archive:" + dir_.Child("d.tar") + ":some/app:1",
                                    "oci-archive:" + dir_.Child("o.tar") + ":some/app:1"}) {
    RunTool({"skopeo", "--insecure-policy", "copy", "-q", "oci:" + dir_.Child("layout") + ":1", target});
  }
  for (const char* path : {"d.tar", "o.tar"}) {
    StartAnew();
    const auto images = Import(path);
    ASSERT_TRUE(images) << path << images.error().message();
    ASSERT_EQ(images->size(), 1U);
    EXPECT_EQ(images->at(0).name, "docker.io/some/app:1");
    EXPECT_EQ(Config(images->at(0))["rootfs"]["diff_ids"][0], Digest::Of(Read("rootfs.tar")).ToString());
  }
}

TEST_F(ImageStoreTest, RefusesWhatIsNoImage) {
  Write("text", "hello, this is no archive at all");
  Write("empty", "");
  EXPECT_FALSE(Import("text", {"x"}));
  EXPECT_FALSE(Import("empty", {"x"}));
  EXPECT_FALSE(Import("does-not-exist", {"x"}));
  EXPECT_THAT(Import("rootfs", {"x"}).error().message(), HasSubstr("not an OCI layout"));
  EXPECT_THAT(Import("rootfs", {"x"}, true).error().hint(), HasSubstr("tar -C"));
  EXPECT_THAT(Import("rootfs.tar").error().hint(), HasSubstr("-t NAME"));
  const std::string tar = Read("rootfs.tar");
  RunTool({"gzip", "-k", dir_.Child("rootfs.tar")});
  Write("cut.tar.gz", Read("rootfs.tar.gz").substr(0, 100));
  EXPECT_FALSE(Import("cut.tar.gz", {"x"}));
  EXPECT_TRUE(images_->List()->empty());
}

TEST_F(ImageStoreTest, ResolvesInALayout) {
  const StoredImage image = ImportRootfs();
  WriteLayout("layout", image, {{"org.opencontainers.image.ref.name", "v1"}});
  const std::string layout = dir_.Child("layout");
  for (const std::string& name : {std::string("v1"), std::string(), image.target.digest.ToString()}) {
    const auto found = ResolveInOciLayout(layout, name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(found->digest, image.target.digest);
  }
  const auto missing = ResolveInOciLayout(layout, "v2");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().hint(), HasSubstr("v1"));
  EXPECT_TRUE(ResolveInOciLayout(dir_.path(), "v1").error().Is(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace loam::source
