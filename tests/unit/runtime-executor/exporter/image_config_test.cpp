#include "runtime-executor/exporter/image_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/go_json.h"

#include <nlohmann/json.hpp>

namespace loam::exporter {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

LayerBlob Layer(char c, std::int64_t created) {
  LayerBlob layer;
  layer.diff_id = Digest::Of(std::string(1, c));
  layer.created = WallTime(std::chrono::seconds(created));
  return layer;
}

Result<json> Complete(std::string_view config, const std::vector<LayerBlob>& layers,
                      std::optional<std::int64_t> epoch = std::nullopt, std::string_view base = "") {
  const std::string text =
      LOAM_TRY(CompleteImageConfig(config, base, Platform{"linux", "amd64", "", "", {}}, layers, epoch));
  return json::parse(text);
}

TEST(ImageConfig, FillsRootfsAndKeepsUnknownMembers) {
  const auto config = CompleteImageConfig(
      R"({"os":"linux","architecture":"arm64","zeta":{"b":1,"a":[2]},"config":{"Cmd":["a && b"]},"history":[{"created_by":"x"}]})",
      "", Platform{}, {Layer('a', 100)}, std::nullopt);
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(*config,
            R"({"architecture":"arm64","config":{"Cmd":["a \u0026\u0026 b"]},"created":"1970-01-01T00:01:40Z",)"
            R"("history":[{"created":"1970-01-01T00:01:40Z","created_by":"x"}],"os":"linux",)"
            R"("rootfs":{"type":"layers","diff_ids":[")" +
                Digest::Of("a").ToString() + R"("]},"zeta":{"b":1,"a":[2]}})");
}

TEST(ImageConfig, HistoryMatchesLayers) {
  const char* two = R"({"os":"linux","architecture":"amd64","history":[{"created_by":"one"},{"created_by":"two"}]})";
  const json missing = *Complete(two, {Layer('a', 1)});
  EXPECT_EQ(missing["history"][0].count("empty_layer"), 0U);
  EXPECT_EQ(missing["history"][1]["empty_layer"], true) << "an entry without its layer";
  LayerBlob described = Layer('d', 4);
  described.description = "mount / from exec make";
  const json more = *Complete(two, {Layer('a', 1), Layer('b', 2), Layer('c', 3), described});
  ASSERT_EQ(more["history"].size(), 4U);
  EXPECT_EQ(more["history"][2]["created_by"], "created by buildkit");
  EXPECT_EQ(more["history"][3]["created_by"], "mount / from exec make");
  EXPECT_EQ(more["history"][3]["comment"], "buildkit.exporter.image.v0");
  EXPECT_EQ(more["history"][2]["created"], "1970-01-01T00:00:03Z");
  EXPECT_EQ(more["rootfs"]["diff_ids"].size(), 4U);
}

TEST(ImageConfig, EntriesWithoutATimeTakeTheFirstNewOne) {
  const json config = *Complete(
      R"({"os":"linux","architecture":"amd64","history":[
        {"created":"2020-01-01T00:00:00Z","created_by":"base"},
        {"created_by":"ENV","empty_layer":true},
        {"created_by":"RUN"},
        {"created_by":"CMD","empty_layer":true}]})",
      {Layer('a', 0), Layer('b', 1'700'000'000)});
  EXPECT_EQ(config["history"][0]["created"], "2020-01-01T00:00:00Z");
  EXPECT_EQ(config["history"][1]["created"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(config["history"][2]["created"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(config["history"][3]["created"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(config["created"], "2023-11-14T22:13:20Z");
}

TEST(ImageConfig, EpochClampsWhatIsNew) {
  const char* base = R"({"history":[{"created":"2024-05-05T05:05:05.5Z","created_by":"base"}]})";
  const json config = *Complete(
      R"({"os":"linux","architecture":"amd64","created":"2025-01-01T00:00:00+01:00","history":[
        {"created":"2024-05-05T05:05:05.5Z","created_by":"base"},
        {"created":"2024-05-05T05:05:05.5Z","created_by":"same time, not the base's"},
        {"created":"1999-01-01T00:00:00Z","created_by":"old"}]})",
      {Layer('a', 1), Layer('b', 2), Layer('c', 3)}, 1'000'000'000, base);
  EXPECT_EQ(config["history"][0]["created"], "2024-05-05T05:05:05.5Z");
  EXPECT_EQ(config["history"][1]["created"], "2001-09-09T01:46:40Z");
  EXPECT_EQ(config["history"][2]["created"], "1999-01-01T00:00:00Z");
  EXPECT_EQ(config["created"], "2001-09-09T01:46:40Z");
  // The zero time of Go is before every epoch.
  const json zero = *Complete(R"({"os":"linux","architecture":"amd64","created":"0001-01-01T00:00:00Z"})", {}, 0);
  EXPECT_EQ(zero["created"], "0001-01-01T00:00:00Z");
}

TEST(ImageConfig, AnEmptyConfigBecomesAMinimalOne) {
  const json config = *Complete("", {});
  EXPECT_EQ(config["os"], "linux");
  EXPECT_EQ(config["architecture"], "amd64");
  EXPECT_THAT(config["config"]["Env"][0].get<std::string>(), HasSubstr("PATH="));
  EXPECT_EQ(config["rootfs"]["diff_ids"].size(), 0U);
}

TEST(ImageConfig, RejectsWhatIsNoConfig) {
  for (const char* bad :
       {"[]", "{", "{}", R"({"os":"linux"})", R"({"os":"linux","architecture":7})",
        R"({"os":"linux","architecture":"x","history":{}})", R"({"os":"linux","architecture":"x","history":["a"]})",
        R"({"os":"linux","architecture":"x","history":[{"created":"yesterday"}]})",
        R"({"os":"linux","architecture":"x","history":[{"created":"2024-02-30T00:00:00Z"}]})"}) {
    const auto result = Complete(bad, {});
    ASSERT_FALSE(result.has_value()) << bad;
    EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(ImageConfig, ReadsDiffIds) {
  EXPECT_EQ(DiffIdsOf("")->size(), 0U);
  EXPECT_EQ(DiffIdsOf("{}")->size(), 0U);
  EXPECT_EQ(DiffIdsOf(R"({"rootfs":{"diff_ids":[")" + Digest::Of("a").ToString() + R"("]}})")->front(),
            Digest::Of("a"));
  EXPECT_FALSE(DiffIdsOf(R"({"rootfs":{"diff_ids":["sha256:1"]}})").has_value());
}

TEST(ImageConfig, EscapesLikeGo) {
  EXPECT_EQ(EscapeLikeGo("\"<a> & b\xe2\x80\xa8 \xe2\x82\xac\""), "\"\\u003ca\\u003e \\u0026 b\\u2028 \xe2\x82\xac\"");
}

}  // namespace
}  // namespace loam::exporter
