#include "runtime-executor/cache/remote/cache_chains.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime-executor/cache/remote/cache_manifest.h"
#include "runtime-executor/cache/remote/imported_chains.h"
#include "runtime-executor/cache/remote/inline_cache.h"
#include "runtime-executor/cache/remote/signing.h"

namespace loam::cache {
namespace {

using solver::OutputKey;
using Link = CacheChains::Link;

Digest D(const std::string& text) {
  return Digest::Of(text);
}

content::Descriptor Layer(const std::string& text) {
  content::Descriptor layer;
  layer.media_type = content::media_type::kOciLayerGzip;
  layer.digest = D("blob " + text);
  layer.size = text.size();
  layer.annotations = {{std::string(kUncompressedAnnotation), D("diff " + text).ToString()},
                       {std::string(kCreatedAnnotation), "2026-01-02T03:04:05Z"}};
  return layer;
}

ExportedResult ResultOf(std::vector<content::Descriptor> layers, int seconds = 1) {
  return {WallTime(std::chrono::seconds(seconds)), std::move(layers)};
}

// base -> run (also by content) -> copy
CacheChains Example(bool reversed = false) {
  CacheChains chains;
  const auto add_roots = [&] {
    chains.AddRoot(OutputKey(D("content"), -1));
    chains.AddRoot(OutputKey(D("base"), 0));
  };
  if (reversed) {
    add_roots();
  }
  const auto base = chains.AddRoot(OutputKey(D("base"), 0));
  const auto content = chains.AddRoot(OutputKey(D("content"), -1));
  const auto run = *chains.Add(OutputKey(D("run"), 0), {{{base, D("selector")}, {content, Digest()}}});
  chains.AddResult(run, ResultOf({Layer("a"), Layer("b")}));
  const auto copy = *chains.Add(OutputKey(D("copy"), 0), {{{base, Digest()}}, {{run, Digest()}}});
  chains.AddResult(copy, ResultOf({Layer("a"), Layer("b"), Layer("c")}));
  return chains;
}

TEST(OutputKeyTest, IsTheDigestOfDigestAndOutput) {
  EXPECT_EQ(OutputKey(D("x"), -1), Digest::Of(D("x").ToString() + "@-1"));
}

TEST(CacheChainsTest, PrintsAsUpstreamDoes) {
  CacheChains chains;
  const auto base = chains.AddRoot(D("base"));
  const auto step = *chains.Add(D("step"), {{{base, D("s")}}});
  chains.AddResult(step, ResultOf({Layer("a")}));
  const MarshalledCache cache = chains.Marshal();
  const bool base_first = D("base") < D("step");
  const std::string base_text = R"({"digest":")" + D("base").ToString() + R"("})";
  const std::string step_text = R"({"layers":[{"layer":0,"createdAt":"1970-01-01T00:00:01Z"}],"digest":")" +
                                D("step").ToString() + R"(","inputs":[[{"selector":")" + D("s").ToString() +
                                R"(","link":)" + (base_first ? "0" : "1") + "}]]}";
  EXPECT_EQ(PrintCacheConfig(cache.config),
            R"({"layers":[{"blob":")" + D("blob a").ToString() + R"(","parent":-1}],"records":[)" +
                (base_first ? base_text + "," + step_text : step_text + "," + base_text) + "]}");
}

TEST(CacheChainsTest, DoesNotDependOnTheOrderOfAddition) {
  EXPECT_EQ(PrintCacheConfig(Example().Marshal().config), PrintCacheConfig(Example(true).Marshal().config));
}

TEST(CacheChainsTest, ReadsWhatItPrints) {
  const CacheConfig config = Example().Marshal().config;
  const auto read = ParseCacheConfig(PrintCacheConfig(config));
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(*read, config);
}

TEST(CacheChainsTest, OneItemForTwoWaysThatMeet) {
  CacheChains chains;
  const auto base = chains.AddRoot(D("base"));
  const auto content = chains.AddRoot(D("content"));
  const auto first = chains.Add(D("step"), {{{base, Digest()}}});
  const auto both = chains.Add(D("step"), {{{base, Digest()}, {content, Digest()}}});
  EXPECT_EQ(first, both);
  EXPECT_EQ(chains.Add(D("step"), {{{content, Digest()}}}), first);
  EXPECT_NE(chains.Add(D("other"), {{{content, Digest()}}}), first);
  EXPECT_EQ(chains.Add(D("step"), {{}}), std::nullopt);
}

TEST(CacheChainsTest, NoLoops) {
  CacheChains chains;
  const auto base = chains.AddRoot(D("base"));
  const auto a = *chains.Add(D("a"), {{{base, Digest()}}});
  const auto b = *chains.Add(D("b"), {{{a, Digest()}}});
  // The same `a`, now also said to be made of `b`.
  EXPECT_EQ(chains.Add(D("a"), {{{base, Digest()}, {b, Digest()}}}), a);
  const auto read = MakeImportedChains({{chains.Marshal().config, {}}}, nullptr);
  EXPECT_TRUE(read.has_value());
}

TEST(CacheChainsTest, KeepsTheNewestResult) {
  CacheChains chains;
  const auto base = chains.AddRoot(D("base"));
  const auto step = *chains.Add(D("step"), {{{base, Digest()}}});
  chains.AddResult(step, ResultOf({Layer("old")}, 1));
  chains.AddResult(step, ResultOf({Layer("new")}, 3));
  chains.AddResult(step, ResultOf({Layer("middle")}, 2));
  chains.AddResult(step, ResultOf({}, 4));
  const MarshalledCache cache = chains.Marshal();
  ASSERT_EQ(cache.config.layers.size(), 1);
  EXPECT_EQ(cache.config.layers[0].blob, D("blob new"));
}

TEST(ImportedChainsTest, FindsByDefinitionAndByContent) {
  const MarshalledCache cache = Example().Marshal();
  std::vector<content::Descriptor> loaded;
  const auto imported = MakeImportedChains(
      {{cache.config, cache.blobs}},
      [&](const auto& layers, const std::shared_ptr<solver::OpContext>&) -> Result<solver::ResultPtr> {
        loaded = layers;
        return solver::ResultPtr();
      });
  ASSERT_TRUE(imported.has_value());
  const auto base = (*imported)->FindRoot(OutputKey(D("base"), 0));
  const auto content = (*imported)->FindRoot(OutputKey(D("content"), -1));
  ASSERT_TRUE(base && content);
  EXPECT_FALSE((*imported)->FindRoot(OutputKey(D("nothing"), 0)));
  const auto by_definition = (*imported)->FindLinked(*base, 0, D("selector"), OutputKey(D("run"), 0));
  const auto by_content = (*imported)->FindLinked(*content, 0, Digest(), OutputKey(D("run"), 0));
  ASSERT_EQ(by_definition.size(), 1);
  EXPECT_EQ(by_definition, by_content);
  EXPECT_TRUE((*imported)->FindLinked(*base, 0, Digest(), OutputKey(D("run"), 0)).empty());
  EXPECT_FALSE((*imported)->HasResult(*base));
  EXPECT_TRUE((*imported)->HasResult(by_content.front()));
  const auto copy = (*imported)->FindLinked(by_content.front(), 1, Digest(), OutputKey(D("copy"), 0));
  ASSERT_EQ(copy.size(), 1);
}

TEST(ImportedChainsTest, AResultWithoutItsBlobIsNone) {
  MarshalledCache cache = Example().Marshal();
  cache.blobs.erase(D("blob b"));
  const auto imported = MakeImportedChains({{cache.config, cache.blobs}}, nullptr);
  ASSERT_TRUE(imported.has_value());
  const auto base = (*imported)->FindRoot(OutputKey(D("base"), 0));
  const auto run = (*imported)->FindLinked(*base, 0, D("selector"), OutputKey(D("run"), 0));
  ASSERT_EQ(run.size(), 1);
  EXPECT_FALSE((*imported)->HasResult(run.front()));
}

TEST(CacheConfigTest, RefusesWhatIsBroken) {
  for (const std::string text : {
           "",
           "[]",
           R"({"layers":1})",
           R"({"layers":[{"blob":"x"}]})",
           R"({"records":[{"inputs":[[{"link":5}]]}]})",
           R"({"records":[{"inputs":[[]]}]})",
           R"({"records":[{"layers":[{"layer":0}]}]})",
           R"({"records":[{"chains":[{"layers":[1]}]}]})",
       }) {
    EXPECT_FALSE(ParseCacheConfig(text).has_value()) << text;
  }
  // A loop is seen when it is used.
  const auto looping = ParseCacheConfig(R"({"records":[{"inputs":[[{"link":1}]]},{"inputs":[[{"link":0}]]}]})");
  ASSERT_TRUE(looping.has_value());
  EXPECT_FALSE(MakeImportedChains({{*looping, {}}}, nullptr).has_value());
}

TEST(InlineCacheTest, LayersAreThoseOfTheImage) {
  const MarshalledCache cache = Example().Marshal();
  // The result of `run` is the beginning of the image, that of `copy` is not whole in it.
  const std::vector<Digest> image = {D("blob a"), D("blob b"), D("blob other")};
  const std::string records = InlineCacheRecords(cache, image);
  const auto parsed = ParseCacheRecords(records, image.size());
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
  std::size_t results = 0;
  for (const CacheConfig::Record& record : parsed->records) {
    for (const CacheConfig::LayerResult& result : record.results) {
      ++results;
      EXPECT_EQ(result.layer, 1);
      EXPECT_EQ(record.digest, OutputKey(D("run"), 0));
    }
    EXPECT_TRUE(record.chains.empty());
  }
  EXPECT_EQ(results, 1);
  EXPECT_EQ(InlineCacheRecords(cache, {}), "");
}

TEST(InlineCacheTest, LayersInAnotherPlaceAreAChain) {
  CacheChains chains;
  const auto base = chains.AddRoot(D("base"));
  const auto step = *chains.Add(D("step"), {{{base, Digest()}}});
  chains.AddResult(step, ResultOf({Layer("b")}));
  const std::vector<Digest> image = {D("blob a"), D("blob b")};
  const auto parsed = ParseCacheRecords(InlineCacheRecords(chains.Marshal(), image), 2);
  ASSERT_TRUE(parsed.has_value());
  std::vector<std::size_t> layers;
  for (const CacheConfig::Record& record : parsed->records) {
    for (const CacheConfig::ChainResult& chain : record.chains) {
      layers = chain.layers;
    }
  }
  EXPECT_THAT(layers, ::testing::ElementsAre(1));
}

TEST(CacheManifestTest, ManifestAndIndex) {
  const MarshalledCache cache = Example().Marshal();
  const CacheManifest image = MakeCacheManifest(cache, {});
  EXPECT_EQ(image.root.media_type, content::media_type::kOciManifest);
  const CacheManifest index = MakeCacheManifest(cache, {.oci_media_types = true, .image_manifest = false});
  EXPECT_EQ(index.root.media_type, content::media_type::kOciIndex);
  const CacheManifest docker = MakeCacheManifest(cache, {.oci_media_types = false, .image_manifest = false});
  EXPECT_EQ(docker.root.media_type, content::media_type::kDockerManifestList);
  for (const CacheManifest& made : {image, index, docker}) {
    const auto read = ReadCacheManifest(made.root_text, [&](const content::Descriptor& descriptor) {
      EXPECT_EQ(descriptor.digest, made.config.digest);
      return Result<std::string>(made.config_text);
    });
    ASSERT_TRUE(read.has_value()) << read.error().message();
    ASSERT_EQ(read->size(), 1);
    EXPECT_EQ(read->front().config, cache.config);
    EXPECT_EQ(read->front().blobs.size(), 3);
    const auto& blob = read->front().blobs.at(D("blob a"));
    EXPECT_EQ(blob.annotations.at(std::string(kUncompressedAnnotation)), D("diff a").ToString());
  }
  EXPECT_FALSE(ReadManifestSettings({{"oci-mediatypes", "false"}, {"image-manifest", "true"}}).has_value());
}

TEST(SigningTest, HmacOfRfc4231) {
  EXPECT_EQ(HexOf(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HexOf(HmacSha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(SigningTest, Dates) {
  const WallTime time(std::chrono::seconds(1369353600));
  EXPECT_EQ(AmzDate(time), "20130524T000000Z");
  EXPECT_EQ(HttpDate(time), "Fri, 24 May 2013 00:00:00 GMT");
  EXPECT_EQ(EscapePath("a b/sha256:c"), "a%20b/sha256%3Ac");
}

}  // namespace
}  // namespace loam::cache
