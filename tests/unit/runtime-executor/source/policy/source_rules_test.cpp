#include "runtime-executor/source/policy/source_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::source {
namespace {

namespace policy = moby::buildkit::v1::sourcepolicy;
using testing::HasSubstr;

policy::Rule& AddRule(SourceRules& rules, policy::PolicyAction action, const std::string& identifier,
                      policy::MatchType type = policy::WILDCARD) {
  policy::Rule& rule = *rules.add_rules();
  rule.set_action(action);
  rule.mutable_selector()->set_identifier(identifier);
  rule.mutable_selector()->set_match_type(type);
  return rule;
}

pb::SourceOp Source(const std::string& identifier) {
  pb::SourceOp source;
  source.set_identifier(identifier);
  return source;
}

Result<bool> Apply(const SourceRules& rules, pb::SourceOp& source) {
  return ApplyRules(std::span(&rules, 1), source);
}

TEST(SourceRules, TheLastMatchingVerdictCounts) {
  SourceRules rules;
  AddRule(rules, policy::DENY, "docker-image://*");
  AddRule(rules, policy::ALLOW, "docker-image://docker.io/library/alpine:*");
  pb::SourceOp alpine = Source("docker-image://docker.io/library/alpine:3.20");
  EXPECT_FALSE(Apply(rules, alpine).value());
  pb::SourceOp other = Source("docker-image://docker.io/library/busybox:latest");
  const auto denied = Apply(rules, other);
  ASSERT_FALSE(denied);
  EXPECT_TRUE(denied.error().Is(ErrorCode::kPermissionDenied));
  EXPECT_THAT(denied.error().message(), HasSubstr("source denied by policy"));
  pb::SourceOp local = Source("local://context");
  EXPECT_FALSE(Apply(rules, local).value());
}

TEST(SourceRules, ConversionsUseGroupsOfWildcardsAndExpressions) {
  SourceRules rules;
  AddRule(rules, policy::CONVERT, "docker-image://docker.io/library/*:*")
      .mutable_updates()
      ->set_identifier("docker-image://mirror.example/${1}:$2-slim");
  pb::SourceOp source = Source("docker-image://docker.io/library/golang:1.22");
  EXPECT_TRUE(Apply(rules, source).value());
  EXPECT_EQ(source.identifier(), "docker-image://mirror.example/golang:1.22-slim");

  SourceRules regex;
  AddRule(regex, policy::CONVERT, R"(^https://(?P<host>[a-z.]+)/(.*)$)", policy::REGEX)
      .mutable_updates()
      ->set_identifier("http://proxy/${host}/$2?cost=$$5");
  pb::SourceOp url = Source("https://example.com/a/b.tar");
  EXPECT_TRUE(Apply(regex, url).value());
  EXPECT_EQ(url.identifier(), "http://proxy/example.com/a/b.tar?cost=$5");
}

TEST(SourceRules, WhatWasConvertedIsJudgedAgain) {
  SourceRules rules;
  AddRule(rules, policy::CONVERT, "docker-image://a", policy::EXACT)
      .mutable_updates()
      ->set_identifier("docker-image://b");
  AddRule(rules, policy::DENY, "docker-image://b", policy::EXACT);
  pb::SourceOp source = Source("docker-image://a");
  EXPECT_FALSE(Apply(rules, source));

  SourceRules endless;
  AddRule(endless, policy::CONVERT, "docker-image://*").mutable_updates()->set_identifier("docker-image://x${1}");
  pb::SourceOp grows = Source("docker-image://a");
  const auto result = Apply(endless, grows);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("too many"));
}

TEST(SourceRules, AttributesAreConditionsAndUpdates) {
  SourceRules rules;
  policy::Rule& rule = AddRule(rules, policy::CONVERT, "https://example.com/file", policy::EXACT);
  policy::AttrConstraint& constraint = *rule.mutable_selector()->add_constraints();
  constraint.set_key("http.filename");
  constraint.set_value("^a.*");
  constraint.set_condition(policy::MATCHES);
  (*rule.mutable_updates()->mutable_attrs())["http.checksum"] = "sha256:1";
  pb::SourceOp without = Source("https://example.com/file");
  EXPECT_FALSE(Apply(rules, without).value());
  pb::SourceOp with = Source("https://example.com/file");
  (*with.mutable_attrs())["http.filename"] = "abc";
  EXPECT_TRUE(Apply(rules, with).value());
  EXPECT_EQ(with.attrs().at("http.checksum"), "sha256:1");
  EXPECT_EQ(with.identifier(), "https://example.com/file");
}

TEST(SourceRules, BrokenRulesAreErrors) {
  SourceRules rules;
  rules.add_rules();
  EXPECT_FALSE(CheckRules(rules));
  SourceRules regex;
  AddRule(regex, policy::DENY, "(", policy::REGEX);
  pb::SourceOp source = Source("x");
  EXPECT_FALSE(Apply(regex, source));
  SourceRules wildcard;
  AddRule(wildcard, policy::DENY, "a**");
  EXPECT_FALSE(Apply(wildcard, source));
  SourceRules nowhere;
  AddRule(nowhere, policy::CONVERT, "x", policy::EXACT);
  EXPECT_FALSE(Apply(nowhere, source));
}

}  // namespace
}  // namespace loam::source
