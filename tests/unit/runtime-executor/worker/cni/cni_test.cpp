#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "runtime-executor/worker/cni/cni_config.h"
#include "runtime-executor/worker/cni/cni_networks.h"
#include "runtime-executor/worker/cni/cni_plugins.h"

namespace loam::worker {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(CniConfigTest, AListOrOnePlugin) {
  const auto list = ParseCniConfig(
      R"({"cniVersion":"1.0.0","name":"n","plugins":[{"type":"a","x":1,"capabilities":{"portMappings":true}},{"type":"b"}]})",
      "f");
  ASSERT_TRUE(list) << list.error().message();
  ASSERT_EQ(list->plugins.size(), 2U);
  EXPECT_EQ(json::parse(PluginInput(*list, list->plugins[0], "")),
            json::parse(R"({"cniVersion":"1.0.0","name":"n","type":"a","x":1})"));
  EXPECT_EQ(json::parse(PluginInput(*list, list->plugins[1], R"({"ips":[]})")),
            json::parse(R"({"cniVersion":"1.0.0","name":"n","type":"b","prevResult":{"ips":[]}})"));
  const auto again = ParseCniConfig(PrintCniConfig(*list), "g");
  ASSERT_TRUE(again);
  EXPECT_EQ(PrintCniConfig(*again), PrintCniConfig(*list));

  const auto one = ParseCniConfig(R"({"name":"n","type":"a","bridge":"b0"})", "f");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->version, "0.1.0");
  EXPECT_EQ(one->plugins.at(0).type, "a");
}

TEST(CniConfigTest, WhatIsNone) {
  for (const char* text :
       {"", "[]", "{}", R"({"name":"n"})", R"({"name":"n","plugins":[]})", R"({"name":"n","plugins":[7]})",
        R"({"name":"n","plugins":[{"type":"../a"}]})", R"({"name":"n","type":""})", R"({"type":"a"})"}) {
    const auto config = ParseCniConfig(text, "file");
    ASSERT_FALSE(config) << text;
    EXPECT_TRUE(config.error().Is(ErrorCode::kInvalidArgument));
    EXPECT_THAT(config.error().message(), HasSubstr("file"));
  }
}

// Plugins that write down how they were called.
class CniPluginsTest : public testing::Test {
 protected:
  CniPluginsTest() {
    for (const char* name : {"one", "two"}) {
      Script(name, "exit 0");
    }
  }
  void Script(const std::string& name, const std::string& and_then) {
    const std::string path = dir_.path() + "/" + name;
    std::ofstream(path) << "#!/bin/sh\necho \"$CNI_COMMAND $(basename $0) $CNI_CONTAINERID $CNI_IFNAME $CNI_ARGS "
                           "$(cat)\" >> "
                        << dir_.path() << "/calls\n[ $CNI_COMMAND = DEL ] || echo '{\"from\":\"'$(basename $0)'\"}'\n"
                        << and_then << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::all);
  }
  Result<CniPlugins> Find() {
    return CniPlugins::Find(*ParseCniConfig(R"({"name":"n","plugins":[{"type":"one"},{"type":"two"}]})", ""),
                            {"/nonexistent", dir_.path()});
  }
  std::vector<std::string> Calls() {
    std::ifstream file(dir_.path() + "/calls");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
      // Without the input, but for the previous result.
      const json input = json::parse(line.substr(line.find('{')));
      lines.push_back(line.substr(0, line.find('{')) +
                      (input.contains("prevResult") ? input["prevResult"]["from"].get<std::string>() : "-"));
    }
    return lines;
  }

  TempDir dir_ = *TempDir::Create("/tmp", "cni-");
};

TEST_F(CniPluginsTest, AreCalledInTurnAndBack) {
  const auto plugins = Find();
  ASSERT_TRUE(plugins) << plugins.error().message();
  const auto result = plugins->Add({"c1", "/ns", "host"}, {});
  ASSERT_TRUE(result) << result.error().message();
  ASSERT_TRUE(plugins->Delete({"c1", "/ns", ""}, *result));
  EXPECT_THAT(Calls(), ElementsAre("ADD one c1 eth0 K8S_POD_NAME=host;IgnoreUnknown=1 -",
                                   "ADD two c1 eth0 K8S_POD_NAME=host;IgnoreUnknown=1 one", "DEL two c1 eth0  two",
                                   "DEL one c1 eth0  two"));
}

TEST_F(CniPluginsTest, AFailureTakesAllDownAgain) {
  Script("two", "echo '{\"code\":11,\"msg\":\"no address\",\"details\":\"all taken\"}'; exit 1");
  // Only what it writes when it fails is its answer.
  std::ofstream(dir_.path() + "/two") << "#!/bin/sh\ncat >/dev/null; echo $CNI_COMMAND >> " << dir_.path()
                                      << "/two-calls; echo '{\"code\":11,\"msg\":\"no address\",\"details\":\"all "
                                         "taken\"}'; exit 1\n";
  const auto result = Find()->Add({"c1", "/ns", ""}, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "CNI plugin two ADD: no address: all taken");
  EXPECT_THAT(Calls(), ElementsAre("ADD one c1 eth0  -", "DEL one c1 eth0  one"));
}

TEST_F(CniPluginsTest, OneThatIsNotThere) {
  std::filesystem::remove(dir_.path() + "/two");
  const auto plugins = Find();
  ASSERT_FALSE(plugins);
  EXPECT_THAT(plugins.error().message(), HasSubstr("CNI plugin `two` is not in /nonexistent or "));
  EXPECT_THAT(plugins.error().hint(), HasSubstr("containernetworking-plugins"));
}

TEST_F(CniPluginsTest, OneThatGivesNoResult) {
  std::ofstream(dir_.path() + "/one") << "#!/bin/sh\necho hello\n";
  const auto result = Find()->Add({"c1", "/ns", ""}, {});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("its result is no JSON object"));
}

}  // namespace
}  // namespace loam::worker
