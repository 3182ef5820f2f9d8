#include "llb-emit/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "llb-emit/read.h"

namespace loam::llb {
namespace {

using testing::Contains;

// A definition of one source.
std::string Files(const std::string& identifier) {
  pb::Op op;
  op.mutable_source()->set_identifier(identifier);
  pb::Definition definition;
  definition.add_def(op.SerializeAsString());
  pb::Op result;
  result.add_inputs()->set_digest(Digest::Of(definition.def(0)).ToString());
  definition.add_def(result.SerializeAsString());
  return definition.SerializeAsString();
}

ScanRequest Request() {
  ScanRequest request;
  request.scanner = "docker.io/x/scanner:1";
  request.scanner_config = R"({"config":{"Cmd":["scan"],"Env":["PATH=/bin"]}})";
  request.platform = {"linux", "amd64", "", "", {}};
  request.name = "linux/amd64";
  request.parameters = {{"DEPTH", "2"}};
  return request;
}

TEST(ScanTest, TheResultAndExtrasAreMounted) {
  ScanRequest request = Request();
  request.extras = {{"context", Files("local://context")}, {"empty", ""}};
  const auto made = MakeScanDefinition(request, Files("local://result"));
  ASSERT_TRUE(made) << made.error().message();
  const auto graph = ReadDefinition(*made);
  ASSERT_TRUE(graph) << graph.error().message();
  const pb::Op& scan = graph->vertex(graph->order().back()).op;
  ASSERT_TRUE(scan.has_exec());
  const auto& env = scan.exec().meta().env();
  EXPECT_THAT(env, Contains("BUILDKIT_SCAN_SOURCE=/run/src/core/sbom"));
  EXPECT_THAT(env, Contains("BUILDKIT_SCAN_SOURCE_EXTRAS=/run/src/extras"));
  EXPECT_THAT(env, Contains("BUILDKIT_SCAN_DEPTH=2"));
  std::map<std::string, std::int64_t> mounts;
  for (const pb::Mount& mount : scan.exec().mounts()) {
    mounts[mount.dest()] = mount.input();
  }
  EXPECT_EQ(mounts.at("/run/src/core/sbom"), 1);
  EXPECT_EQ(mounts.at("/run/src/extras/sbom-context"), 2);
  EXPECT_EQ(mounts.at("/run/src/extras/sbom-empty"), -1);
  EXPECT_EQ(scan.inputs_size(), 3);
}

TEST(ScanTest, MistakesAreSaid) {
  ScanRequest request = Request();
  EXPECT_FALSE(MakeScanDefinition(request, ""));
  request.extras = {{"x", "no definition"}};
  EXPECT_FALSE(MakeScanDefinition(request, Files("local://result")));
  request = Request();
  request.scanner_config = "{}";
  EXPECT_FALSE(MakeScanDefinition(request, Files("local://result")));
}

}  // namespace
}  // namespace loam::llb
