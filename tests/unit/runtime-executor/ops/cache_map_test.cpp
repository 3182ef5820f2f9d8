// The texts and selectors that BuildKit's cache keys of exec and file ops are digests of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/go_json.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/exec_cache_map.h"
#include "runtime-executor/ops/file_cache_map.h"

namespace loam::ops {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

pb::Op RunOp(std::initializer_list<const char*> args) {
  pb::Op op;
  op.mutable_platform()->set_os("linux");
  op.mutable_platform()->set_architecture("amd64");
  pb::Meta* meta = op.mutable_exec()->mutable_meta();
  for (const char* arg : args) {
    meta->add_args(arg);
  }
  meta->set_cwd("/");
  op.mutable_exec()->add_mounts()->set_dest("/");
  return op;
}

TEST(ExecKeyText, OrdinaryRunLeavesTheRootMountOut) {
  EXPECT_EQ(ExecKeyText(RunOp({"/bin/sh", "-c", "a && b"})),
            R"({"Type":"buildkit.exec.v0","Exec":{"meta":{"args":["/bin/sh","-c","a \u0026\u0026 b"],"cwd":"/"}},)"
            R"("OS":"linux","Arch":"amd64"})");
}

TEST(ExecKeyText, EverythingElseIsInIt) {
  pb::Op op = RunOp({"x"});
  op.mutable_platform()->set_variant("v3");
  pb::ExecOp* exec = op.mutable_exec();
  pb::Meta* meta = exec->mutable_meta();
  meta->add_env("A=1");
  meta->set_user("u");
  meta->mutable_proxy_env()->set_http_proxy("http://secret-proxy");
  pb::HostIP* host = meta->add_extrahosts();
  host->set_host("h");
  host->set_ip("1.2.3.4");
  meta->set_hostname("box");
  pb::Ulimit* limit = meta->add_ulimit();
  limit->set_name("nofile");
  limit->set_soft(1);
  limit->set_hard(2);
  meta->add_validexitcodes(0);
  meta->add_validexitcodes(3);
  exec->set_network(pb::NONE);
  exec->set_security(pb::INSECURE);
  pb::SecretEnv* env = exec->add_secretenv();
  env->set_id("tok");
  env->set_name("TOKEN");
  pb::Mount* bind = exec->add_mounts();
  bind->set_input(1);
  bind->set_selector("/sub");
  bind->set_dest("/src");
  bind->set_output(-1);
  bind->set_readonly(true);
  pb::Mount* cache = exec->add_mounts();
  cache->set_input(-1);
  cache->set_dest("/cache");
  cache->set_output(-1);
  cache->set_mounttype(pb::CACHE);
  cache->mutable_cacheopt()->set_id("my-id");
  cache->mutable_cacheopt()->set_sharing(pb::LOCKED);
  pb::Mount* kept = exec->add_mounts();
  *kept = *cache;
  kept->mutable_cacheopt()->set_id("ns//cache");
  kept->mutable_cacheopt()->set_sharing(pb::SHARED);
  pb::Mount* secret = exec->add_mounts();
  secret->set_input(-1);
  secret->set_dest("/run/secrets/s");
  secret->set_output(-1);
  secret->set_mounttype(pb::SECRET);
  secret->mutable_secretopt()->set_id("s");
  secret->mutable_secretopt()->set_mode(0400);
  EXPECT_EQ(
      ExecKeyText(op),
      R"({"Type":"buildkit.exec.v0","Exec":{"meta":{"args":["x"],"env":["A=1"],"cwd":"/","user":"u",)"
      R"("extraHosts":[{"Host":"h"}],"hostname":"box","ulimit":[{"Name":"nofile","Soft":1,"Hard":2}],)"
      R"("validExitCodes":[0,3]},"mounts":[{"dest":"/"},{"input":1,"dest":"/src","output":-1,"readonly":true},)"
      R"({"input":-1,"dest":"/cache","output":-1,"mountType":3,"cacheOpt":{}},)"
      R"({"input":-1,"dest":"/cache","output":-1,"mountType":3,"cacheOpt":{"ID":"ns//cache"}},)"
      R"({"input":-1,"dest":"/run/secrets/s","output":-1,"mountType":1,"secretOpt":{"ID":"s","mode":256}}],)"
      R"("network":2,"security":1,"secretenv":[{"ID":"tok","name":"TOKEN"}]},"OS":"linux","Arch":"amd64","Variant":"v3"})");
  auto map = ExecCacheMap(op, 2, nullptr);
  ASSERT_TRUE(map);
  EXPECT_EQ(map->digest, Digest::Of(ExecKeyText(op)));
  EXPECT_EQ(map->inputs[0].selector, Digest::Of("/"));
  EXPECT_FALSE(map->inputs[0].content_key) << "the root counts by its definition";
  EXPECT_EQ(map->inputs[1].selector, Digest::Of("/sub"));
  EXPECT_TRUE(map->inputs[1].content_key);
  using F = solver::Preimage::Field;
  EXPECT_THAT(map->preimage.fields, Contains(F{"arg:0", "x"}));
  EXPECT_THAT(map->preimage.fields, Contains(F{"env:A", "1"}));
  EXPECT_THAT(map->preimage.fields, Contains(Field(&F::name, "secret:s")));
  EXPECT_THAT(map->preimage.fields, Not(Contains(Field(&F::value, HasSubstr("secret-proxy")))));
}

TEST(ExecCacheMap, ContentCountsOnlyWhereItIsSafe) {
  pb::Op op = RunOp({"x"});
  pb::Mount* mount = op.mutable_exec()->add_mounts();
  mount->set_input(1);
  mount->set_dest("/src");
  mount->set_selector("sub");
  mount->set_output(1);
  auto writable = ExecCacheMap(op, 2, nullptr);
  ASSERT_TRUE(writable);
  EXPECT_FALSE(writable->inputs[1].content_key);
  mount->set_contentcache(pb::ON);
  EXPECT_FALSE(ExecCacheMap(op, 2, nullptr));
  mount->set_readonly(true);
  EXPECT_TRUE(ExecCacheMap(op, 2, nullptr)->inputs[1].content_key);
  mount->set_contentcache(pb::OFF);
  EXPECT_FALSE(ExecCacheMap(op, 2, nullptr)->inputs[1].content_key);
  EXPECT_FALSE(ExecCacheMap(op, 1, nullptr)) << "the input is not there";
}

pb::Op CopyOp(const std::string& from, const std::string& to) {
  pb::Op op;
  pb::FileAction* action = op.mutable_file()->add_actions();
  action->set_input(0);
  action->set_secondaryinput(1);
  action->set_output(0);
  action->mutable_copy()->set_src(from);
  action->mutable_copy()->set_dest(to);
  action->mutable_copy()->set_mode(-1);
  action->mutable_copy()->set_timestamp(-1);
  return op;
}

std::string Text(const std::string& action, const std::string& indexes = "") {
  return R"({"Type":"buildkit.file.v0","Actions":[)" + GoJsonBase64(action) + "]" + indexes + "}";
}

TEST(FileKeyText, PlainCopySaysNeitherWhereItsSourceLiesNorItsIndexes) {
  EXPECT_EQ(FileKeyText(CopyOp("/some/dir/file.txt", "/to/"), 2),
            Text(R"({"src":"file.txt","dest":"/to/","mode":-1,"timestamp":-1})"));
}

TEST(FileKeyText, OtherIndexesAreInIt) {
  pb::Op op = CopyOp("/a", "/b");
  op.mutable_file()->mutable_actions(0)->set_input(-1);
  EXPECT_EQ(FileKeyText(op, 2),
            Text(R"({"src":"a","dest":"/b","mode":-1,"timestamp":-1})", R"(,"indexes":[[-1,1,0]])"));
}

TEST(FileKeyText, OwnersAndOtherActions) {
  pb::Op op;
  pb::FileAction* action = op.mutable_file()->add_actions();
  action->set_input(0);
  action->set_secondaryinput(-1);
  action->set_output(0);
  pb::FileActionMkFile* file = action->mutable_mkfile();
  file->set_path("/f");
  file->set_mode(0644);
  file->set_data("hi");
  file->set_timestamp(-1);
  file->mutable_owner()->mutable_user()->mutable_byname()->set_name("app");
  file->mutable_owner()->mutable_group()->set_byid(0);
  EXPECT_EQ(FileKeyText(op, 1),
            Text(R"({"path":"/f","mode":420,"data":"aGk=","owner":{"user":{"User":{"byName":{"name":"app"}}},)"
                 R"("group":{"User":{}}},"timestamp":-1})"));
}

TEST(FileCacheMap, SelectsWhatIsCopiedByContent) {
  pb::Op op = CopyOp("/src/*.c", "/to/");
  op.mutable_file()->mutable_actions(0)->mutable_copy()->set_allowwildcard(true);
  op.mutable_file()->mutable_actions(0)->mutable_copy()->mutable_owner()->mutable_user()->mutable_byname()->set_name(
      "app");
  op.mutable_file()->mutable_actions(0)->mutable_copy()->mutable_owner()->mutable_user()->mutable_byname()->set_input(
      1);
  auto map = FileCacheMap(op, 2, nullptr);
  ASSERT_TRUE(map);
  EXPECT_TRUE(map->inputs[0].selector.empty());
  EXPECT_FALSE(map->inputs[0].content_key) << "what is written on counts whole";
  EXPECT_EQ(map->inputs[1].selector, Digest::Of(std::string("/src/*.c\0/etc/passwd", 20)));
  EXPECT_TRUE(map->inputs[1].content_key);
  auto selectors = FileSelectors(op, 2);
  ASSERT_TRUE(selectors);
  ASSERT_EQ((*selectors)[1].selectors.size(), 2U);
  EXPECT_EQ((*selectors)[1].selectors[0].path, "/etc/passwd");
  EXPECT_TRUE((*selectors)[1].selectors[1].options.wildcard);
  EXPECT_FALSE(FileCacheMap(op, 1, nullptr)) << "the owner's input is not there";
}

TEST(DedupePaths, DropsWhatLiesBelow) {
  EXPECT_THAT(DedupePaths({"/b", "/a/x", "/a", "/ab", "/a"}), ElementsAre("/a", "/ab", "/b"));
  EXPECT_THAT(DedupePaths({"/", "/a"}), ElementsAre("/"));
}

}  // namespace
}  // namespace loam::ops
