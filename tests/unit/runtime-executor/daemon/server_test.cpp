#include "runtime-executor/daemon/server.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/process.h"
#include "tests/unit/runtime-executor/daemon/daemon_under_test.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;
using testing::HasSubstr;

class ServerTest : public DaemonTest {
 protected:
  static grpc::Status Ask(const std::string& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    const auto stub = control::Control::NewStub(grpc::CreateChannel(target, credentials));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    control::InfoResponse response;
    return stub->Info(&context, {}, &response);
  }

  // A key and a certificate signed by `ca` (by itself if empty).
  void Certificate(const std::string& name, const std::string& ca) const {
    const auto path = [this](const std::string& file) { return directory_.Child(file); };
    std::vector<std::vector<std::string>> commands{
        {"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         path(name + ".key"), "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1"}};
    if (ca.empty()) {
      commands[0].insert(commands[0].end(), {"-x509", "-days", "2", "-out", path(name + ".pem")});
    } else {
      ASSERT_TRUE(WriteFileAtomic(path("extensions"), "subjectAltName=IP:127.0.0.1\n"));
      commands[0].insert(commands[0].end(), {"-out", path(name + ".csr")});
      commands.push_back({"openssl", "x509", "-req", "-in", path(name + ".csr"), "-CA", path(ca + ".pem"), "-CAkey",
                          path(ca + ".key"), "-CAcreateserial", "-days", "2", "-extfile", path("extensions"), "-out",
                          path(name + ".pem")});
    }
    for (const auto& command : commands) {
      ProcessSpec spec;
      spec.args = command;
      const auto output = RunProcess(std::move(spec));
      ASSERT_TRUE(output && output->status.ok()) << (output ? output->err : output.error().message());
    }
  }
  [[nodiscard]] std::string Text(const std::string& file) const { return ReadFile(directory_.Child(file)).value(); }

  // A port nobody uses now.
  static int FreePort() {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
  }
};

TEST_F(ServerTest, MutualTls) {
  Certificate("ca", "");
  Certificate("server", "ca");
  Certificate("client", "ca");
  Certificate("stranger", "");
  const std::string target = "127.0.0.1:" + std::to_string(FreePort());
  Config config;
  config.server.addresses = {"tcp://" + target, "unix://" + socket()};
  config.server.tls = {directory_.Child("server.pem"), directory_.Child("server.key"), directory_.Child("ca.pem")};
  Start(config);
  const auto ask = [&](const std::string& name) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = Text("ca.pem");
    if (!name.empty()) {
      options.pem_cert_chain = Text(name + ".pem");
      options.pem_private_key = Text(name + ".key");
    }
    return Ask(target, grpc::SslCredentials(options));
  };
  EXPECT_TRUE(ask("client").ok());
  EXPECT_FALSE(ask("stranger").ok());
  EXPECT_FALSE(ask("").ok());
  EXPECT_FALSE(Ask(target, grpc::InsecureChannelCredentials()).ok());
  EXPECT_TRUE(Ask("unix:" + socket(), grpc::InsecureChannelCredentials()).ok()) << "no TLS on unix sockets";
}

TEST_F(ServerTest, SocketsAreTheOwners) {
  Start();
  struct stat info {};
  ASSERT_EQ(stat(socket().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  Config config;
  config.server.socket_group = "1234";
  Start(config);
  ASSERT_EQ(stat(socket().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0660U);
  EXPECT_EQ(info.st_gid, 1234U);
  daemon_.reset();
  EXPECT_NE(stat(socket().c_str(), &info), 0) << "removed at the end";
}

TEST_F(ServerTest, AddressesThatCannotBe) {
  const std::pair<const char*, const char*> cases[] = {{"/run/x.sock", "you meant unix:///run/x.sock ?"},
                                                       {"ftp://x", "addr ftp://x not supported"},
                                                       {"fd://", "no sockets found via socket activation"},
                                                       {"tcp://256.1.1.1:99999", "cannot listen on"}};
  for (const auto& [address, message] : cases) {
    ServerOptions options;
    options.addresses = {address};
    const auto server = Server::Start(options, {});
    ASSERT_FALSE(server) << address;
    EXPECT_THAT(server.error().message(), HasSubstr(message));
  }
  ServerOptions half;
  half.addresses = {"tcp://127.0.0.1:0"};
  half.tls.certificate_file = "x";
  EXPECT_THAT(Server::Start(half, {}).error().message(), HasSubstr("you must specify key and cert"));
}

}  // namespace
}  // namespace loam::daemon
