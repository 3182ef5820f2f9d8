#include "runtime-executor/cdi/devices.h"

#include <gmock/gmock.h>

#include "base/file_system.h"

namespace loam::cdi {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSpec = R"(
cdiVersion: "0.6.0"
kind: "vendor.example/device"
annotations:
  org.mobyproject.buildkit.device.autoallow: true
containerEdits:
  env: [COMMON=1]
devices:
- name: foo
  annotations:
    org.mobyproject.buildkit.device.class: fast
  containerEdits:
    env: ["FOO=a b"]
    deviceNodes:
    - {path: /dev/one, type: c, major: 10, minor: 0x10, permissions: rw, fileMode: 0660, gid: 44}
    mounts:
    - {hostPath: /usr/lib/one, containerPath: /opt/one, options: [ro, nosuid]}
    hooks:
    - {hookName: createContainer, path: /bin/hook, args: [hook, x], timeout: 3}
    additionalGids: [7]
- name: bar
  annotations:
    org.mobyproject.buildkit.device.class: fast
  containerEdits:
    env: [BAR=1]
)";
constexpr const char* kGuarded = R"({"cdiVersion": "0.6.0", "kind": "other.example/device", "devices": [
  {"name": "baz", "containerEdits": {"env": ["BAZ=1"]}}]})";

class DevicesTest : public testing::Test {
 protected:
  void SetUp() override {
    Write("a.yaml", kSpec);
    Write("b.json", kGuarded);
  }
  void Write(const std::string& name, const std::string& text) { ASSERT_TRUE(WriteFileAtomic(dir_.Child(name), text)); }
  std::vector<std::string> Chosen(const std::string& name, const std::optional<DeviceGrants>& grants = {},
                                  bool optional = false) {
    const auto chosen = devices_.Choose({{name, optional}}, grants);
    if (!chosen) {
      return {"error: " + chosen.error().message()};
    }
    std::vector<std::string> names;
    for (const DeviceRequest& device : *chosen) {
      names.push_back(device.name);
    }
    return names;
  }

  ContainerEdits EditsOf(const std::string& name) {
    auto edits = devices_.EditsOf({{name, false}});
    EXPECT_TRUE(edits) << edits.error().message();
    return edits ? *std::move(edits) : ContainerEdits();
  }

  const TempDir dir_ = *TempDir::Create();
  const Devices devices_{{.directories = {"/nonexistent", dir_.path()}, .auto_allowed = {}}};
};

TEST_F(DevicesTest, ADeviceAKindOrAClassNamesDevices) {
  EXPECT_THAT(Chosen("vendor.example/device=foo"), ElementsAre("vendor.example/device=foo"));
  EXPECT_THAT(Chosen("vendor.example/device"), ElementsAre("vendor.example/device=bar")) << "the first of its kind";
  EXPECT_THAT(Chosen("vendor.example/device=*"), ElementsAre("vendor.example/device=bar", "vendor.example/device=foo"));
  EXPECT_THAT(Chosen("fast"), ElementsAre("vendor.example/device=bar", "vendor.example/device=foo"));
  EXPECT_THAT(Chosen("none"), ElementsAre("error: required device \"none\" is not registered"));
  EXPECT_THAT(Chosen("none", {}, true), ElementsAre());
}

TEST_F(DevicesTest, WhatIsNotAllowedIsRefused) {
  EXPECT_THAT(Chosen("other.example/device=baz"),
              ElementsAre("error: device other.example/device=baz is requested by the build but not allowed"));
  std::optional<DeviceGrants> grants;
  ASSERT_TRUE(AddGrant("other.example/device", grants));
  EXPECT_THAT(Chosen("other.example/device=baz", grants), ElementsAre("other.example/device=baz"));
  grants.reset();
  ASSERT_TRUE(AddGrant("other.example/device=baz,alias=gpu", grants));
  EXPECT_THAT(Chosen("gpu", grants), ElementsAre("other.example/device=baz"));
  ASSERT_TRUE(AddGrant("", grants));
  EXPECT_TRUE(grants->all);
  EXPECT_FALSE(AddGrant("x,other=1", grants));
  const Devices trusting({.directories = {dir_.path()}, .auto_allowed = {"other.example/device"}});
  EXPECT_TRUE(trusting.Choose({{"other.example/device=baz", false}}, {}));
}

TEST_F(DevicesTest, EditsOfAllThatIsChosenThoseOfTheFileOnce) {
  const ContainerEdits edits = EditsOf("vendor.example/device=*");
  EXPECT_THAT(edits.env, ElementsAre("COMMON=1", "BAR=1", "FOO=a b"));
  ASSERT_EQ(edits.devices.size(), 1U);
  EXPECT_EQ(edits.devices[0].path, "/dev/one");
  EXPECT_EQ(edits.devices[0].major, 10);
  EXPECT_EQ(edits.devices[0].minor, 16);
  EXPECT_EQ(edits.devices[0].permissions, "rw");
  EXPECT_EQ(edits.devices[0].file_mode, 0660);
  EXPECT_EQ(edits.devices[0].gid, 44);
  ASSERT_EQ(edits.mounts.size(), 1U);
  EXPECT_EQ(edits.mounts[0].host_path, "/usr/lib/one");
  EXPECT_THAT(edits.mounts[0].options, ElementsAre("ro", "nosuid"));
  ASSERT_EQ(edits.hooks.size(), 1U);
  EXPECT_EQ(edits.hooks[0].name, "createContainer");
  EXPECT_EQ(edits.hooks[0].timeout_seconds, 3);
  EXPECT_THAT(edits.additional_gids, ElementsAre(7U));
}

TEST_F(DevicesTest, WhatTheHostHasSaysWhatTheFileLeavesOut) {
  Write("c.yaml",
        "cdiVersion: 0.5.0\nkind: v.x/null\ndevices: [{name: all, containerEdits: {deviceNodes: "
        "[{path: /dev/other, hostPath: /dev/null}]}}]\n");
  const ContainerEdits edits = EditsOf("v.x/null=all");
  ASSERT_EQ(edits.devices.size(), 1U);
  EXPECT_EQ(edits.devices[0].type, 'c');
  EXPECT_EQ(edits.devices[0].major, 1);
  EXPECT_EQ(edits.devices[0].minor, 3);
}

TEST_F(DevicesTest, FilesComeAndGo) {
  EXPECT_EQ(devices_.List().size(), 3U);
  Write("c.yaml", "cdiVersion: 0.5.0\nkind: v.x/y\ndevices: [{name: z}]\n");
  EXPECT_EQ(devices_.List().size(), 4U);
  ASSERT_TRUE(RemoveTree(dir_.Child("a.yaml")));
  EXPECT_EQ(devices_.List().size(), 2U);
}

TEST_F(DevicesTest, WrongFilesAreToldWhenADeviceIsMissing) {
  Write("c.yaml", "cdiVersion: 0.5.0\nkind: nothing\ndevices: [{name: z}]\n");
  const auto chosen = devices_.Choose({{"nothing=z", false}}, {});
  ASSERT_FALSE(chosen);
  EXPECT_THAT(chosen.error().hint(), HasSubstr("`nothing` is no kind of devices"));
}

TEST(CdiSpecTest, RefusesWhatItCannotDoOrUnderstand) {
  const auto error = [](const std::string& edits) {
    const auto parsed =
        ParseSpec("cdiVersion: 0.5.0\nkind: v/c\ndevices: [{name: z, containerEdits: {" + edits + "}}]");
    return parsed ? std::string("none") : parsed.error().message();
  };
  EXPECT_THAT(error("intelRdt: {closID: x}"), HasSubstr("`intelRdt` are not supported"));
  EXPECT_THAT(error("env: [X]"), HasSubstr("`X` is no variable"));
  EXPECT_THAT(error("env: {X: y}"), HasSubstr("no list of texts"));
  EXPECT_THAT(error("deviceNodes: [{path: /nonexistent}]"), HasSubstr("/nonexistent"));
  EXPECT_THAT(error("deviceNodes: [{path: /dev/x, type: c, major: ten}]"), HasSubstr("no integer"));
  EXPECT_THAT(error("mounts: [{hostPath: a, containerPath: /b}]"), HasSubstr("absolute paths"));
  EXPECT_THAT(error("hooks: [{hookName: never, path: /x}]"), HasSubstr("`never` is no hook"));
  EXPECT_FALSE(ParseSpec("a: ["));
  EXPECT_FALSE(ParseSpec(std::string(100'000, '[')));
  EXPECT_FALSE(ParseSpec("a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b"));
}

}  // namespace
}  // namespace loam::cdi
