// Images from a real registry (docker-registry), from the local store and from OCI layouts, up to a mounted filesystem.
#include "runtime-executor/source/image/image_source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/image_reference.h"
#include "base/process.h"
#include "base/rooted_fs.h"
#include "runtime-executor/registry/http_client.h"
#include "runtime-executor/session/local_client_services.h"
#include "runtime-executor/source/image/attestation_chain.h"
#include "runtime-executor/source/image/image_provider.h"
#include "runtime-executor/source/local/local_source.h"
#include "tests/support/require.h"

namespace loam::source {
namespace {

using nlohmann::json;
using testing::HasSubstr;

int FreePort() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

void RunTool(std::vector<std::string> args) {
  ProcessSpec spec;
  spec.args = std::move(args);
  const auto output = RunProcess(spec);
  ASSERT_TRUE(output) << output.error().message();
  ASSERT_TRUE(output->status.ok()) << spec.args[0] << ": " << output->err;
}

// One machine: a state root with everything that sources work with.
struct Machine {
  explicit Machine(const std::string& root) {
    EXPECT_TRUE(MakeDirs(root));
    content = std::move(*content::ContentStore::Open(root + "/content"));
    auto opened = snapshot::LayerStore::Open({.root = root, .snapshotter = std::nullopt});
    EXPECT_TRUE(opened) << opened.error().message();
    layers = std::move(*opened);
    images = std::move(*ImageStore::Open(root + "/images.db", *content));
    registry = std::make_unique<registry::RegistryClient>(registry::RegistryOptions{});
    options = {content.get(), layers.get(), registry.get(), images.get(), nullptr};
    layers->SetLazyOpener(MakeLazyLayerOpener(options));
    manager.Register(MakeImageSource(options));
    manager.Register(MakeOciLayoutSource(options));
    manager.Register(MakeLocalSource());
  }
  std::unique_ptr<content::ContentStore> content;
  std::unique_ptr<snapshot::LayerStore> layers;
  std::unique_ptr<ImageStore> images;
  std::unique_ptr<registry::RegistryClient> registry;
  ImageSourceOptions options;
  SourceSet manager;
};

class ImageSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeDirs(dir_.Child("rootfs/etc")));
    here_ = std::make_unique<Machine>(dir_.Child("here"));
    there_ = std::make_unique<Machine>(dir_.Child("there"));
    context_.client = session::MakeLocalClientServices({.local_dirs = {{"context", dir_.Child("rootfs")}},
                                                        .oci_layouts = {{"lay", dir_.Child("layout")}},
                                                        .docker_config_dir = dir_.Child("none")});
  }

  // An image whose /etc/who says `who`.
  StoredImage Import(Machine& machine, const std::string& who, const std::string& platform = "linux/amd64") {
    EXPECT_TRUE(WriteFileAtomic(dir_.Child("rootfs/etc/who"), who));
    RunTool({"tar", "-C", dir_.Child("rootfs"), "-czf", dir_.Child("rootfs.tar.gz"), "."});
    ImportOptions options;
    options.path = dir_.Child("rootfs.tar.gz");
    options.names = {who};
    options.platform = *ParsePlatform(platform);
    const auto images = machine.images->Import(options);
    EXPECT_TRUE(images) << images.error().message();
    return images->at(0);
  }

  // An index of images for several platforms.
  content::Descriptor WriteIndex(Machine& machine, const std::vector<std::pair<StoredImage, std::string>>& images) {
    json list = json::array();
    for (const auto& [image, platform] : images) {
      const Platform parsed = *ParsePlatform(platform);
      json entry = {{"os", parsed.os}, {"architecture", parsed.architecture}};
      if (!parsed.variant.empty()) {
        entry["variant"] = parsed.variant;
      }
      list.push_back({{"mediaType", image.target.media_type},
                      {"digest", image.target.digest.ToString()},
                      {"size", image.target.size},
                      {"platform", entry}});
    }
    const std::string text =
        json{{"schemaVersion", 2}, {"mediaType", content::media_type::kOciIndex}, {"manifests", list}}.dump();
    content::Descriptor index;
    index.media_type = content::media_type::kOciIndex;
    index.digest = *machine.content->WriteBlob(text);
    index.size = text.size();
    return index;
  }

  std::unique_ptr<SourceInstance> Open(Machine& machine, const std::string& identifier,
                                       std::map<std::string, std::string> attributes = {},
                                       const std::string& platform = "linux/amd64") {
    auto instance = machine.manager.Open({identifier, std::move(attributes), *ParsePlatform(platform)});
    EXPECT_TRUE(instance) << instance.error().message();
    return instance ? std::move(*instance) : nullptr;
  }

  // What /etc/who says in the filesystem.
  static std::string Who(Machine& machine, const snapshot::FsRef& fs) {
    const auto mounted = machine.layers->Mount(fs);
    EXPECT_TRUE(mounted) << mounted.error().message();
    return mounted ? ReadFileInRoot(mounted->fd(), "/etc/who").value_or("?") : "?";
  }

  TempDir dir_ = std::move(*TempDir::Create());
  std::unique_ptr<Machine> here_;
  std::unique_ptr<Machine> there_;
  SourceContext context_;
};

class RegistrySourceTest : public ImageSourceTest {
 protected:
  void SetUp() override {
    if (!FindProgram("docker-registry")) {
      LOAM_TEST_SKIP("docker-registry is not installed");
    }
    ImageSourceTest::SetUp();
    host_ = fmt::format("127.0.0.1:{}", FreePort());
    ASSERT_TRUE(WriteFileAtomic(
        dir_.Child("config.yml"),
        fmt::format(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {}}}\n",
            dir_.Child("registry"), host_)));
    ProcessSpec spec;
    spec.args = {"docker-registry", "serve", dir_.Child("config.yml")};
    spec.die_with_parent = true;
    auto process = Process::Spawn(spec);
    ASSERT_TRUE(process) << process.error().message();
    server_.emplace(std::move(*process));
    // Refused until the server listens.
    registry::HttpClient http({"test", std::chrono::seconds(5), std::chrono::seconds(5)});
    registry::HttpRequest request;
    request.url = "http://" + host_ + "/v2/";
    for (int i = 0; i < 2000 && !http.Perform(request, {}); ++i) {
      ASSERT_TRUE(server_->Kill(0)) << "docker-registry ended";
      ::usleep(5000);
    }
  }

  void Push(const std::string& name, const content::Descriptor& root) {
    const auto pushed =
        here_->registry->Push(*ParseImageReference(host_ + "/" + name), root, *here_->content, {}, {}, {});
    ASSERT_TRUE(pushed) << pushed.error().message() << pushed.error().hint();
  }

  std::string host_;
  std::optional<Process> server_;
};

TEST_F(RegistrySourceTest, PushPullMount) {
  const StoredImage amd64 = Import(*here_, "amd64");
  const StoredImage arm = Import(*here_, "armv7", "linux/arm/v7");
  const content::Descriptor index = WriteIndex(*here_, {{arm, "linux/arm/v7"}, {amd64, "linux/amd64"}});
  Push("multi/app:1", index);
  const std::string reference = host_ + "/multi/app:1";

  ImageConfigs configs(there_->options, context_.client);
  const auto config =
      configs.Resolve({reference, Platform{"linux", "amd64", "", "", {}}, ResolveMode::kDefault, ""}, {});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->reference, reference);
  EXPECT_EQ(config->digest, index.digest);
  EXPECT_EQ(json::parse(config->config)["architecture"], "amd64");

  for (const auto& [platform, who] : {std::pair("linux/amd64", "amd64"), std::pair("linux/arm64", "armv7")}) {
    const auto instance = Open(*there_, "docker-image://" + reference + "@" + index.digest.ToString(), {}, platform);
    const auto key = instance->Resolve(context_);
    ASSERT_TRUE(key) << key.error().message();
    EXPECT_EQ(key->pin, index.digest.ToString());
    EXPECT_EQ(key->keys.size(), 2U);
    EXPECT_FALSE(key->transient);
    const auto fs = instance->Fetch(context_);
    ASSERT_TRUE(fs) << fs.error().message();
    EXPECT_EQ(Who(*there_, *fs), who);
  }

  const auto missing = Open(*there_, "docker-image://" + reference, {}, "linux/s390x")->Resolve(context_);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("no match for platform linux/s390x"));
  EXPECT_THAT(missing.error().hint(), HasSubstr("linux/arm/v7"));
  const auto nothing = Open(*there_, "docker-image://" + host_ + "/multi/app:2")->Resolve(context_);
  ASSERT_FALSE(nothing);
  EXPECT_TRUE(nothing.error().Is(ErrorCode::kNotFound)) << nothing.error().message();

  if (FindProgram("skopeo")) {
    RunTool({"skopeo", "--insecure-policy", "copy", "-q", "--all", "--src-tls-verify=false", "docker://" + reference,
             "oci:" + dir_.Child("pulled") + ":1"});
  }
}

TEST_F(RegistrySourceTest, LayersAreLazyAndSurviveARestart) {
  const StoredImage image = Import(*here_, "lazy");
  Push("lazy:1", image.target);
  std::string text;
  const auto manifest = *content::ParseManifest(*here_->content->ReadBlob(image.target.digest));
  {
    const auto fs = Open(*there_, "docker-image://" + host_ + "/lazy:1")->Fetch(context_);
    ASSERT_TRUE(fs) << fs.error().message();
    EXPECT_FALSE(there_->content->Contains(manifest.layers[0].digest)) << "nothing is downloaded before it is needed";
    text = fs->ToText().value_or("");
  }
  there_.reset();
  there_ = std::make_unique<Machine>(dir_.Child("there"));
  const auto fs = there_->layers->Load(text);
  ASSERT_TRUE(fs) << fs.error().message();
  EXPECT_EQ(Who(*there_, *fs), "lazy");
  EXPECT_TRUE(there_->content->Contains(manifest.layers[0].digest));
}

TEST_F(RegistrySourceTest, TheLocalStoreComesFirstUnlessPulled) {
  const StoredImage remote = Import(*here_, "remote");
  Push("app:1", remote.target);
  const StoredImage local = Import(*there_, "local");
  ASSERT_TRUE(there_->images->Put(host_ + "/app:1", local.target));
  const auto who = [&](const std::string& suffix, const char* mode) {
    const auto fs =
        Open(*there_, "docker-image://" + host_ + "/app:1" + suffix, {{"image.resolvemode", mode}})->Fetch(context_);
    EXPECT_TRUE(fs) << fs.error().message();
    return fs ? Who(*there_, *fs) : "?";
  };
  EXPECT_EQ(who("", "default"), "local");
  EXPECT_EQ(who("", "local"), "local");
  EXPECT_EQ(who("", "pull"), "remote");
  EXPECT_EQ(who("@" + remote.target.digest.ToString(), "default"), "remote") << "a digest is binding";
}

TEST_F(RegistrySourceTest, ADigestIsOnlyTakenFromWhereItWasSeen) {
  const StoredImage image = Import(*here_, "app");
  Push("mine/app:1", image.target);
  const std::string digest = "@" + image.target.digest.ToString();
  ASSERT_TRUE(Open(*there_, "docker-image://" + host_ + "/mine/app" + digest)->Resolve(context_));
  ASSERT_TRUE(there_->content->Contains(image.target.digest));
  const auto other = Open(*there_, "docker-image://" + host_ + "/other/app" + digest)->Resolve(context_);
  ASSERT_FALSE(other) << "that repository has no such image";
  EXPECT_TRUE(other.error().Is(ErrorCode::kNotFound)) << other.error().message();
  // Once it was seen there, the registry is not needed.
  ASSERT_TRUE(server_->Kill(SIGKILL));
  ASSERT_TRUE(server_->Wait());
  EXPECT_TRUE(Open(*there_, "docker-image://" + host_ + "/mine/app" + digest)->Resolve(context_));
}

TEST_F(RegistrySourceTest, AttestationsOfAnImage) {
  const StoredImage image = Import(*here_, "amd64");
  const auto put = [this](const std::string& text, const std::string& type) {
    content::Descriptor blob;
    blob.media_type = type;
    blob.digest = *here_->content->WriteBlob(text);
    blob.size = text.size();
    return blob;
  };
  const auto entry = [](const content::Descriptor& blob, const json& more) {
    json made = {{"mediaType", blob.media_type}, {"digest", blob.digest.ToString()}, {"size", blob.size}};
    made.update(more);
    return made;
  };
  const std::string statement = R"({"_type":"https://in-toto.io/Statement/v1"})";
  const content::Descriptor provenance = put(statement, std::string(content::media_type::kInToto));
  const content::Descriptor sbom = put("{}", std::string(content::media_type::kInToto));
  const content::Descriptor config = put("{\"a\":1}", "application/vnd.oci.image.config.v1+json");
  const content::Descriptor attestations = put(
      json{{"schemaVersion", 2},
           {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
           {"config", entry(config, json::object())},
           {"layers",
            {entry(provenance, {{"annotations", {{"in-toto.io/predicate-type", "https://slsa.dev/provenance/v1"}}}}),
             entry(sbom, {{"annotations", {{"in-toto.io/predicate-type", "https://spdx.dev/Document"}}}})}}}
          .dump(),
      "application/vnd.oci.image.manifest.v1+json");
  const content::Descriptor index =
      put(json{{"schemaVersion", 2},
               {"mediaType", content::media_type::kOciIndex},
               {"manifests",
                {entry(image.target, {{"platform", {{"os", "linux"}, {"architecture", "amd64"}}}}),
                 entry(attestations, {{"platform", {{"os", "unknown"}, {"architecture", "unknown"}}},
                                      {"annotations",
                                       {{"vnd.docker.reference.type", "attestation-manifest"},
                                        {"vnd.docker.reference.digest", image.target.digest.ToString()}}}})}}}
              .dump(),
          std::string(content::media_type::kOciIndex));
  Push("attested:1", index);
  Push("plain:1", image.target);

  const Platform amd64{"linux", "amd64", "", "", {}};
  const auto read = [&](const std::string& name, const Platform& platform) {
    const auto provider =
        ChooseProvider(there_->options, *ParseImageReference(host_ + "/" + name), ResolveMode::kDefault, nullptr);
    EXPECT_TRUE(provider);
    return ReadAttestationChain(**provider, *there_->content, platform, {"https://slsa.dev/provenance/v1"}, {});
  };
  const auto chain = read("attested:1", amd64);
  ASSERT_TRUE(chain) << chain.error().message();
  ASSERT_TRUE(*chain);
  EXPECT_EQ((*chain)->root, index.digest);
  EXPECT_EQ((*chain)->image_manifest, image.target.digest);
  EXPECT_EQ((*chain)->attestation_manifest, attestations.digest);
  EXPECT_THAT((*chain)->signature_manifests, testing::IsEmpty());
  EXPECT_EQ((*chain)->blobs.size(), 3U) << "index, attestations, and the statement that was asked for";
  EXPECT_EQ((*chain)->blobs.at(provenance.digest).data, statement);
  const auto plain = read("plain:1", amd64);
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_FALSE(*plain);
  EXPECT_FALSE(read("attested:1", Platform{"linux", "s390x", "", "", {}}));
}

TEST_F(ImageSourceTest, KeysAreUpstreams) {
  const StoredImage image = Import(*here_, "app");
  const auto key = Open(*here_, "docker-image://app")->Resolve(context_);
  ASSERT_TRUE(key) << key.error().message();
  const auto manifest = *content::ParseManifest(*here_->content->ReadBlob(image.target.digest));
  const std::string diff_id =
      json::parse(*here_->content->ReadBlob(manifest.config.digest))["rootfs"]["diff_ids"][0].get<std::string>();
  EXPECT_EQ(
      key->keys[0],
      Digest::Of(R"({"Digest":")" + image.target.digest.ToString() + R"(","OS":"linux","Arch":"amd64"})").ToString());
  EXPECT_EQ(key->keys[1], diff_id);
  const auto limited =
      Open(*here_, "docker-image://app", {{"image.layerlimit", "1"}}, "linux/arm/v7")->Resolve(context_);
  ASSERT_TRUE(limited);
  EXPECT_EQ(limited->keys[0], Digest::Of(R"({"Digest":")" + image.target.digest.ToString() +
                                         R"(","OS":"linux","Arch":"arm","Variant":"v7","Limit":1})")
                                  .ToString());
  // sha256("sha256:<a> sha256:<b>")
  const Digest a = Digest::Of("a");
  const Digest b = Digest::Of("b");
  EXPECT_EQ(ChainId(std::vector{a, b}), Digest::Of(a.ToString() + " " + b.ToString()));
  EXPECT_TRUE(ChainId({}).empty());
}

TEST_F(ImageSourceTest, ChecksAttributes) {
  const StoredImage image = Import(*here_, "app");
  const auto with = [&](const char* key, const std::string& value) {
    return here_->manager.Open({"docker-image://app", {{key, value}}, std::nullopt});
  };
  EXPECT_FALSE(with("image.layerlimit", "0"));
  EXPECT_FALSE(with("image.layerlimit", "x"));
  EXPECT_FALSE(with("image.resolvemode", "sometimes"));
  EXPECT_FALSE(with("image.checksum", "sha256:1"));
  EXPECT_FALSE((*with("image.layerlimit", "2"))->Resolve(context_));
  EXPECT_TRUE((*with("image.checksum", image.target.digest.ToString()))->Resolve(context_));
  EXPECT_FALSE((*with("image.checksum", Digest::Of("x").ToString()))->Resolve(context_));
  EXPECT_FALSE(here_->manager.Open({"docker-image://Not A Name", {}, std::nullopt}));
  EXPECT_TRUE(here_->manager.Open({"git://x", {}, std::nullopt}).error().Is(ErrorCode::kUnimplemented));
  EXPECT_TRUE(here_->manager.Open({"nothing", {}, std::nullopt}).error().Is(ErrorCode::kInvalidArgument));
}

TEST_F(ImageSourceTest, OciLayout) {
  const StoredImage image = Import(*here_, "layout");
  ASSERT_TRUE(MakeDirs(dir_.Child("layout/blobs/sha256")));
  ASSERT_TRUE(here_->content->Walk([&](const content::BlobInfo& blob) -> Result<> {
    return WriteFileAtomic(dir_.Child("layout/blobs/sha256/") + blob.digest.Hex(),
                           *here_->content->ReadBlob(blob.digest));
  }));
  const std::string pinned = "oci-layout://whatever@" + image.target.digest.ToString();
  const auto fs = Open(*there_, pinned, {{"oci.store", "lay"}})->Fetch(context_);
  ASSERT_TRUE(fs) << fs.error().message();
  EXPECT_EQ(Who(*there_, *fs), "layout");
  ImageConfigs configs(there_->options, context_.client);
  const auto config =
      configs.Resolve({"whatever@" + image.target.digest.ToString(), std::nullopt, ResolveMode::kDefault, "lay"}, {});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->digest, image.target.digest);
  EXPECT_FALSE(Open(*there_, "oci-layout://whatever", {{"oci.store", "lay"}})->Resolve(context_));
  EXPECT_FALSE(
      Open(*there_, "oci-layout://x@" + Digest::Of("none").ToString(), {{"oci.store", "lay"}})->Resolve(context_));
}

TEST_F(ImageSourceTest, LocalIsReadInPlace) {
  ASSERT_TRUE(WriteFileAtomic(dir_.Child("rootfs/etc/who"), "me"));
  ASSERT_TRUE(WriteFileAtomic(dir_.Child("rootfs/top"), "x"));
  const auto plain = Open(*here_, "local://context");
  const auto key = plain->Resolve(context_);
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->transient);
  EXPECT_THAT(key->keys[0], HasSubstr("session:context:sha256:"));
  const auto fs = plain->Fetch(context_);
  ASSERT_TRUE(fs) << fs.error().message();
  ASSERT_TRUE(fs->is_host_tree());
  EXPECT_TRUE(fs->host_tree()->shows_everything());
  EXPECT_EQ(fs->host_tree()->path(), dir_.Child("rootfs"));
  const auto filtered =
      Open(*here_, "local://context", {{"local.includepattern", R"(["etc"])"}, {"local.session", "s"}})
          ->Fetch(context_);
  ASSERT_TRUE(filtered) << filtered.error().message();
  EXPECT_NE(*filtered->host_tree()->Find("etc/who"), nullptr);
  EXPECT_EQ(*filtered->host_tree()->Find("top"), nullptr);
  EXPECT_FALSE(here_->manager.Open({"local://context", {{"local.excludepatterns", "x"}}, std::nullopt}));
  EXPECT_FALSE(Open(*here_, "local://other")->Fetch(context_));
}

}  // namespace
}  // namespace loam::source
