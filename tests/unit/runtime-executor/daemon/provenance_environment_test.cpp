#include "runtime-executor/daemon/provenance_environment.h"

#include <gtest/gtest.h>

#include "base/file_system.h"

namespace loam::daemon {
namespace {

class ProvenanceEnvironmentTest : public testing::Test {
 protected:
  Result<std::string> Read(const std::map<std::string, std::string>& files) {
    const std::string directory = directory_.Child("provenance.d");
    EXPECT_TRUE(RemoveTree(directory));
    EXPECT_TRUE(MakeDirs(directory, 0755));
    for (const auto& [name, text] : files) {
      EXPECT_TRUE(WriteFileAtomic(directory + "/" + name, text));
    }
    return ReadProvenanceEnvironment(directory);
  }
  TempDir directory_ = TempDir::Create().value();
};

TEST_F(ProvenanceEnvironmentTest, FilesAreMerged) {
  EXPECT_EQ(ReadProvenanceEnvironment(directory_.Child("none")).value_or("?"), "");
  EXPECT_EQ(Read({{"b.json", R"({"x":2})"}, {"a.json", R"({"x":1,"y":[1]})"}, {"c.txt", "no JSON"}}).value_or("?"),
            R"({"x":2,"y":[1]})");
}

TEST_F(ProvenanceEnvironmentTest, MistakesAreSaid) {
  EXPECT_FALSE(Read({{"a.json", "{"}}));
  EXPECT_FALSE(Read({{"a.json", "[1]"}}));
  EXPECT_FALSE(Read({{"a.json", R"({"platform":"x"})"}}));
}

}  // namespace
}  // namespace loam::daemon
