#include "runtime-executor/exporter/attestation.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace loam::exporter {
namespace {

TEST(ImagePurlTest, AsPackageUrlsAreWritten) {
  const std::string digest = Digest::Of("x").ToString();
  const auto purl = [](const std::string& ref, std::optional<Platform> platform = {}) {
    return ImagePurl("docker", ref, platform).value();
  };
  EXPECT_EQ(purl("alpine"), "pkg:docker/alpine@latest");
  EXPECT_EQ(purl("library/alpine:3.15"), "pkg:docker/alpine@3.15");
  EXPECT_EQ(purl("docker.io/library/alpine:latest@" + digest), "pkg:docker/alpine@latest?digest=" + digest);
  EXPECT_EQ(purl("alpine@" + digest), "pkg:docker/alpine?digest=" + digest);
  EXPECT_EQ(purl("ghcr.io/foo/bar"), "pkg:docker/ghcr.io/foo/bar@latest");
  EXPECT_EQ(purl("localhost:5000/foo/bar:v2", Platform{"linux", "amd64", "", "", {}}),
            "pkg:docker/localhost%3A5000/foo/bar@v2?platform=linux%2Famd64");
  EXPECT_FALSE(ImagePurl("docker", "inv:al:id", {}).has_value());
}

TEST(StatementTextTest, SubjectsAreTheExportOrWhatIsSaid) {
  ReadAttestation attestation;
  attestation.predicate_type = "https://example.com/v1";
  attestation.predicate = R"({"b":1,"a":"<x>"})";
  const std::vector<StatementSubject> defaults = {{"one", Digest::Of("1")}, {"two", Digest::Of("2")}};
  EXPECT_EQ(StatementText(attestation, defaults, -1).value(),
            R"({"_type":"https://in-toto.io/Statement/v1","predicateType":"https://example.com/v1","subject":[)"
            R"({"name":"one","digest":{"sha256":")" +
                Digest::Of("1").Hex() + R"("}},{"name":"two","digest":{"sha256":")" + Digest::Of("2").Hex() +
                R"("}}],"predicate":{"b":1,"a":"\u003cx\u003e"}})");
  attestation.subjects = {{true, "named", {}}, {false, "", {Digest::Of("3").ToString()}}};
  attestation.predicate = "";
  const auto statement = nlohmann::json::parse(StatementText(attestation, {defaults[0]}, 2).value());
  ASSERT_EQ(statement["subject"].size(), 3);
  EXPECT_EQ(statement["subject"][0]["name"], "one");
  EXPECT_EQ(statement["subject"][1]["name"], "named");
  EXPECT_EQ(statement["subject"][1]["digest"], statement["subject"][0]["digest"]);
  EXPECT_EQ(statement["subject"][2]["name"], "_");
  EXPECT_TRUE(statement["predicate"].is_null());
  attestation.predicate = "{";
  EXPECT_FALSE(StatementText(attestation, {}, -1).has_value());
}

TEST(HasAttestationsTest, InlineOnlyOnesAreForImages) {
  Attestation attestation;
  EXPECT_TRUE(HasAttestations({attestation}, false));
  attestation.metadata[std::string(kAttestationInlineOnly)] = "true";
  EXPECT_FALSE(HasAttestations({attestation}, false));
  EXPECT_TRUE(HasAttestations({attestation}, true));
  EXPECT_FALSE(HasAttestations({}, true));
}

}  // namespace
}  // namespace loam::exporter
