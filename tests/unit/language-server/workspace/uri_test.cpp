#include "language-server/workspace/uri.h"

#include <gtest/gtest.h>

#include "language-server/workspace/workspace.h"

namespace loam::lsp {
namespace {

TEST(Uri, PathsGoThereAndBack) {
  EXPECT_EQ(PathOfUri("file:///a%20b/%C3%A9/./x/../Dockerfile"), "/a b/é/Dockerfile");
  EXPECT_EQ(PathOfUri("file://localhost/a"), "/a");
  EXPECT_EQ(PathOfUri("untitled:Untitled-1"), "");
  EXPECT_EQ(PathOfUri("file:///100%/x"), "/100%/x");
  EXPECT_EQ(UriOfPath("/a b/é"), "file:///a%20b/%C3%A9");
}

TEST(FileRole, IsToldByName) {
  EXPECT_EQ(RoleOfFile("/x/Dockerfile"), FileRole::kDockerfile);
  EXPECT_EQ(RoleOfFile("/x/dev.Dockerfile"), FileRole::kDockerfile);
  EXPECT_EQ(RoleOfFile("/x/Containerfile"), FileRole::kDockerfile);
  EXPECT_EQ(RoleOfFile("/x/Dockerfile.dockerignore"), FileRole::kOther);
  EXPECT_EQ(RoleOfFile("/x/Earthfile"), FileRole::kEarthfile);
  EXPECT_EQ(RoleOfFile("/x/docker-bake.override.hcl"), FileRole::kBake);
  EXPECT_EQ(RoleOfFile("/x/docker-compose.dev.yml"), FileRole::kCompose);
  EXPECT_EQ(RoleOfFile("/x/compose.txt"), FileRole::kOther);
}

TEST(Workspace, FoldersHoldFiles) {
  Workspace workspace;
  workspace.AddFolder("/a");
  workspace.AddFolder("/a/b");
  EXPECT_EQ(workspace.FolderOf("/a/b/c/Dockerfile"), "/a/b");
  EXPECT_EQ(workspace.FolderOf("/a/bc/Dockerfile"), "/a");
  EXPECT_EQ(workspace.FolderOf("/z/Dockerfile"), "/z");
}

TEST(Workspace, TheEditorsNameOfALanguageWins) {
  Workspace workspace;
  EXPECT_EQ(workspace.Open("file:///x/Earthfile", "", 1, "").language(), Language::kEarthfile);
  EXPECT_EQ(workspace.Open("file:///x/any", "earthfile", 1, "").language(), Language::kEarthfile);
  EXPECT_EQ(workspace.Open("untitled:1", "dockerfile", 1, "").language(), Language::kDockerfile);
  EXPECT_EQ(workspace.OpenDocuments().size(), 3U);
  workspace.Close("untitled:1");
  EXPECT_EQ(workspace.FindOpen("untitled:1"), nullptr);
}

}  // namespace
}  // namespace loam::lsp
