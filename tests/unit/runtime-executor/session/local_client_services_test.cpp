#include "runtime-executor/session/local_client_services.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/file_system.h"
#include "base/process.h"
#include "tests/support/require.h"

namespace loam::session {
namespace {

using testing::HasSubstr;

class ClientServicesTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    ASSERT_TRUE(WriteFileAtomic(dir_.Child(name), text, mode));
  }
  TempDir dir_ = std::move(*TempDir::Create());
};

TEST_F(ClientServicesTest, Secrets) {
  Write("token", "s3cret\n");
  ::setenv("LOAM_TEST_SECRET", "from env", 1);
  const auto file = ParseSecretOption("id=a,src=" + dir_.Child("token"));
  ASSERT_TRUE(file) << file.error().message();
  const auto env = ParseSecretOption("id=b,env=LOAM_TEST_SECRET");
  const auto typed = ParseSecretOption("id=c,type=env,src=LOAM_TEST_SECRET");
  const auto bare = ParseSecretOption("id=LOAM_TEST_SECRET");
  ASSERT_TRUE(env && typed && bare);
  const auto services = MakeLocalClientServices({.secrets = {*file, *env, *typed, *bare}});
  EXPECT_EQ(services->secrets()->Get("a").value_or(""), "s3cret\n");
  EXPECT_EQ(services->secrets()->Get("b").value_or(""), "from env");
  EXPECT_EQ(services->secrets()->Get("c").value_or(""), "from env");
  EXPECT_EQ(services->secrets()->Get("LOAM_TEST_SECRET").value_or(""), "from env");
  const auto missing = services->secrets()->Get("nope");
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().Is(ErrorCode::kNotFound));
  EXPECT_THAT(missing.error().hint(), HasSubstr("--secret id=nope"));
}

TEST_F(ClientServicesTest, BadSecretOptions) {
  Write("large", std::string(600'000, 'x'));
  for (const std::string& text :
       {std::string("src=x"), std::string("id=a,src=/does/not/exist"), std::string("id"), std::string("id=a,kind=file"),
        std::string("id=a,type=x"), std::string(""), "id=a,src=" + dir_.path(), "id=a,src=" + dir_.Child("large")}) {
    EXPECT_FALSE(ParseSecretOption(text)) << text;
  }
}

TEST_F(ClientServicesTest, SshBySocketAndKey) {
  const std::string path = dir_.Child("sock");
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ::setenv("SSH_AUTH_SOCK", path.c_str(), 1);
  const auto source = ParseSshOption("default");
  ASSERT_TRUE(source) << source.error().message();
  const auto services = MakeLocalClientServices({.ssh = {*source}});
  EXPECT_TRUE(services->ssh()->Check(""));
  EXPECT_TRUE(services->ssh()->Connect("default"));
  EXPECT_TRUE(services->ssh()->Check("other").error().Is(ErrorCode::kNotFound));
  EXPECT_FALSE(ParseSshOption("x=/does/not/exist"));
  EXPECT_FALSE(ParseSshOption("=" + path));
  EXPECT_FALSE(ParseSshOption("x=" + path + "," + path));
  ::unsetenv("SSH_AUTH_SOCK");
  EXPECT_FALSE(ParseSshOption("default"));

  if (!FindProgram("ssh-keygen") || !FindProgram("ssh-agent")) {
    LOAM_TEST_SKIP("openssh-client is not installed");
  }
  ProcessSpec keygen;
  keygen.args = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir_.Child("key")};
  ASSERT_TRUE(RunProcess(keygen)->status.ok());
  const auto key = ParseSshOption("k=" + dir_.Child("key"));
  ASSERT_TRUE(key);
  const auto with_key = MakeLocalClientServices({.ssh = {*key}});
  const auto connection = with_key->ssh()->Connect("k");
  ASSERT_TRUE(connection) << connection.error().message();
  // SSH_AGENTC_REQUEST_IDENTITIES; the answer (12) holds the number of keys.
  ASSERT_EQ(::send(connection->get(), "\0\0\0\1\x0b", 5, 0), 5);
  unsigned char answer[9] = {};
  ASSERT_EQ(::recv(connection->get(), answer, sizeof(answer), MSG_WAITALL), 9);
  EXPECT_EQ(answer[4], 12);
  EXPECT_EQ(answer[8], 1);
}

TEST_F(ClientServicesTest, DirectoriesAndLayouts) {
  ASSERT_TRUE(MakeDirs(dir_.Child("layout/blobs/sha256")));
  Write("layout/blobs/sha256/" + Digest::Of("blob").Hex(), "blob");
  const auto services = MakeLocalClientServices(
      {.local_dirs = {{"context", dir_.path()}}, .oci_layouts = {{"id", dir_.Child("layout")}}});
  const auto dir = services->local_dirs()->Open(
      {.name = "context", .include_patterns = {}, .exclude_patterns = {}, .follow_paths = {}, .shared_key_hint = {}});
  ASSERT_TRUE(dir);
  EXPECT_EQ(dir->path, dir_.path());
  EXPECT_FALSE(dir->filtered);
  EXPECT_FALSE(services->local_dirs()->Open(
      {.name = "x", .include_patterns = {}, .exclude_patterns = {}, .follow_paths = {}, .shared_key_hint = {}}));
  const auto blob = services->oci_layouts()->OpenBlob("id", Digest::Of("blob"));
  ASSERT_TRUE(blob);
  EXPECT_EQ(ReadAll(blob->get(), "blob").value_or(""), "blob");
  EXPECT_TRUE(services->oci_layouts()->OpenBlob("id", Digest::Of("x")).error().Is(ErrorCode::kNotFound));
  EXPECT_TRUE(services->oci_layouts()->OpenBlob("no", Digest::Of("x")).error().Is(ErrorCode::kNotFound));
}

TEST_F(ClientServicesTest, CredentialsOfAuths) {
  Write("config.json", R"({"auths":{
      "https://index.docker.io/v1/":{"auth":")" +
                           Base64Encode("hub:p:w") + R"("},
      "https://reg.example/v2/":{"username":"u","password":"p"},
      "localhost:5000":{"identitytoken":"it"},
      "tok.example":{"registrytoken":"rt"},
      "bad.example":{"auth":"!!"}}})");
  const auto auth = MakeDockerConfigAuth(dir_.path());
  const auto hub = auth->Credentials("docker.io");
  ASSERT_TRUE(hub) << hub.error().message();
  EXPECT_EQ(hub->username, "hub");
  EXPECT_EQ(hub->password, "p:w");
  EXPECT_EQ(auth->Credentials("reg.example")->password, "p");
  EXPECT_EQ(auth->Credentials("localhost:5000")->identity_token, "it");
  EXPECT_EQ(auth->Credentials("tok.example")->registry_token, "rt");
  EXPECT_TRUE(auth->Credentials("unknown.example")->anonymous());
  EXPECT_FALSE(auth->Credentials("bad.example"));
}

TEST_F(ClientServicesTest, CredentialsOfHelpers) {
  Write("docker-credential-loamtest", R"(#!/bin/sh
read -r host
case "$1 $host" in
  "get https://index.docker.io/v1/") echo '{"ServerURL":"x","Username":"hub","Secret":"s"}';;
  "get token.example") echo '{"Username":"<token>","Secret":"refresh"}';;
  "get broken.example") echo 'keychain is locked'; exit 1;;
  *) echo 'credentials not found in native keychain'; exit 1;;
esac
)",
        0755);
  const std::string path = std::string(std::getenv("PATH"));
  ::setenv("PATH", (dir_.path() + ":" + path).c_str(), 1);
  Write("config.json", R"({"credsStore":"loamtest","auths":{"plain.example":{"auth":")" + Base64Encode("a:b") +
                           R"("}},"credHelpers":{"gone.example":"does-not-exist","evil.example":"../x"}})");
  const auto auth = MakeDockerConfigAuth(dir_.path());
  EXPECT_EQ(auth->Credentials("docker.io")->username, "hub");
  EXPECT_EQ(auth->Credentials("token.example")->identity_token, "refresh");
  EXPECT_EQ(auth->Credentials("plain.example")->username, "a");
  EXPECT_TRUE(auth->Credentials("other.example")->anonymous());
  const auto broken = auth->Credentials("broken.example");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message(), HasSubstr("keychain is locked"));
  const auto gone = auth->Credentials("gone.example");
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error().message(), HasSubstr("docker-credential-does-not-exist"));
  EXPECT_FALSE(auth->Credentials("evil.example"));
  ::setenv("PATH", path.c_str(), 1);
}

TEST_F(ClientServicesTest, NoOrBrokenConfig) {
  EXPECT_TRUE(MakeDockerConfigAuth(dir_.Child("none"))->Credentials("docker.io")->anonymous());
  Write("config.json", "{");
  const auto broken = MakeDockerConfigAuth(dir_.path())->Credentials("docker.io");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message(), HasSubstr("not valid JSON"));
}

}  // namespace
}  // namespace loam::session
