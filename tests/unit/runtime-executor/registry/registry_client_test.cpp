// The client against a server that tells the truth, and one that does not.
#include "runtime-executor/registry/registry_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/file_system.h"
#include "base/strings.h"
#include "lying_server.h"
#include "runtime-executor/session/token_fetcher.h"

namespace loam::registry {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

RegistryOptions FastOptions() {
  RegistryOptions options;
  options.first_backoff = std::chrono::milliseconds(1);
  options.stall_timeout = std::chrono::seconds(1);
  options.connect_timeout = std::chrono::milliseconds(2000);
  options.attempts = 3;
  return options;
}

class FixedAuth final : public session::RegistryAuth {
 public:
  explicit FixedAuth(session::RegistryCredentials credentials) : credentials_(std::move(credentials)) {}
  Result<session::RegistryCredentials> Credentials(std::string_view, std::stop_token) override { return credentials_; }

 private:
  session::RegistryCredentials credentials_;
};

// A client that keeps its password, if it wants to.
class TokensOfClient final : public session::RegistryAuth, public session::TokenFetcher {
 public:
  Result<session::RegistryCredentials> Credentials(std::string_view, std::stop_token) override {
    ++asked_for_password;
    return session::RegistryCredentials{"me", "secret", "", ""};
  }
  Result<std::optional<session::RegistryToken>> FetchToken(const session::TokenRequest& request,
                                                           std::stop_token) override {
    asked.push_back(fmt::format("{} {} {}", request.realm, request.service, Join(request.scopes, " ")));
    return answer;
  }

  Result<std::optional<session::RegistryToken>> answer = std::optional<session::RegistryToken>();
  std::vector<std::string> asked;
  int asked_for_password = 0;
};

// A small image in memory.
struct Image {
  std::string layer = std::string(300'000, 'l') + "end";
  std::string config = R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}})";
  std::string manifest;
  Image() {
    manifest = nlohmann::json{{"schemaVersion", 2},
                              {"mediaType", content::media_type::kOciManifest},
                              {"config", Describe(content::media_type::kOciConfig, config)},
                              {"layers", {Describe(content::media_type::kOciLayer, layer)}}}
                   .dump();
  }
  static nlohmann::json Describe(std::string_view type, const std::string& text) {
    return {{"mediaType", type}, {"digest", Digest::Of(text).ToString()}, {"size", text.size()}};
  }
};

content::Descriptor Describe(std::string_view type, const std::string& text) {
  content::Descriptor descriptor;
  descriptor.media_type = type;
  descriptor.digest = Digest::Of(text);
  descriptor.size = text.size();
  return descriptor;
}

class RegistryClientTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create();
    ASSERT_TRUE(dir);
    dir_.emplace(std::move(*dir));
    auto store = content::ContentStore::Open(dir_->path());
    ASSERT_TRUE(store);
    store_ = std::move(*store);
  }

  void Serve(LyingServer::Handler handler) { server_ = std::make_unique<LyingServer>(std::move(handler)); }

  // The answers of an honest registry for image_.
  ServerReply Honest(const ServerRequest& request) const {
    const std::string& path = request.target;
    if (path.find("/manifests/") != std::string::npos) {
      return {200,
              {{"Content-Type", std::string(content::media_type::kOciManifest)},
               {"Docker-Content-Digest", Digest::Of(image_.manifest).ToString()}},
              image_.manifest};
    }
    for (const std::string* blob : {&image_.layer, &image_.config}) {
      if (path.ends_with("/blobs/" + Digest::Of(*blob).ToString())) {
        const auto range = request.headers.find("range");
        if (range == request.headers.end()) {
          return {200, {{"Content-Type", "application/octet-stream"}}, *blob};
        }
        const std::size_t start = std::strtoul(range->second.c_str() + 6, nullptr, 10);
        return {206,
                {{"Content-Range", fmt::format("bytes {}-{}/{}", start, blob->size() - 1, blob->size())}},
                blob->substr(start)};
      }
    }
    return {404,
            {{"Content-Type", "application/json"}},
            R"({"errors":[{"code":"NAME_UNKNOWN","message":"no such thing"}]})"};
  }

  ImageReference Reference(const std::string& name = "app:1") const {
    return *ParseImageReference(server_->host() + "/" + name);
  }
  content::Descriptor Layer() const { return Describe(content::media_type::kOciLayer, image_.layer); }
  Result<> Fetch(RegistryClient& client, const Access& access = {}) {
    return client.FetchBlob(Reference(), Layer(), *store_, access, {}, {});
  }

  Image image_;
  std::optional<TempDir> dir_;
  std::unique_ptr<content::ContentStore> store_;
  std::unique_ptr<LyingServer> server_;
};

TEST_F(RegistryClientTest, PullsOverOneConnection) {
  Serve([&](const ServerRequest& request) { return Honest(request); });
  RegistryClient client(FastOptions());
  const auto root = client.Resolve(Reference(), {}, {});
  ASSERT_TRUE(root) << root.error().message();
  EXPECT_EQ(root->digest, Digest::Of(image_.manifest));
  EXPECT_EQ(root->size, image_.manifest.size());
  EXPECT_EQ(root->media_type, content::media_type::kOciManifest);
  EXPECT_EQ(client.FetchManifest(Reference(), *root, {}, {}).value_or(""), image_.manifest);
  const auto fetched = Fetch(client);
  ASSERT_TRUE(fetched) << fetched.error().message();
  EXPECT_EQ(store_->ReadBlob(Layer().digest).value_or(""), image_.layer);
  EXPECT_EQ(server_->connections(), 1);
  EXPECT_THAT(server_->log(),
              testing::ElementsAre("HEAD /v2/app/manifests/1", "GET /v2/app/manifests/" + root->digest.ToString(),
                                   "GET /v2/app/blobs/" + Layer().digest.ToString()));
  // There already: nothing is asked for.
  ASSERT_TRUE(Fetch(client));
  EXPECT_EQ(server_->log().size(), 3U);
}

TEST_F(RegistryClientTest, ResolvesWithoutHeadAndDigestHeader) {
  Serve([&](const ServerRequest& request) {
    ServerReply reply = Honest(request);
    reply.headers.erase("Docker-Content-Digest");
    return request.method == "HEAD" ? ServerReply{405, {}, ""} : reply;
  });
  RegistryClient client(FastOptions());
  const auto root = client.Resolve(Reference(), {}, {});
  ASSERT_TRUE(root) << root.error().message();
  EXPECT_EQ(root->digest, Digest::Of(image_.manifest));
}

TEST_F(RegistryClientTest, ContinuesABrokenDownload) {
  int requests = 0;
  Serve([&](const ServerRequest& request) {
    ServerReply reply = Honest(request);
    if (++requests <= 2) {
      reply.close_after = 100'000;
    }
    return reply;
  });
  RegistryClient client(FastOptions());
  const auto fetched = Fetch(client);
  ASSERT_TRUE(fetched) << fetched.error().message();
  EXPECT_EQ(requests, 3);
  EXPECT_EQ(store_->ReadBlob(Layer().digest).value_or(""), image_.layer);
}

TEST_F(RegistryClientTest, ContinuesWhatAnEarlierProcessLeft) {
  {
    auto ingest = store_->ResumeIngest("pull-" + Layer().digest.Hex());
    ASSERT_TRUE(ingest);
    ASSERT_TRUE(ingest->Write(std::string_view(image_.layer).substr(0, 1000)));
  }
  std::string range;
  Serve([&](const ServerRequest& request) {
    range = request.headers.contains("range") ? request.headers.at("range") : "";
    return Honest(request);
  });
  RegistryClient client(FastOptions());
  ASSERT_TRUE(Fetch(client));
  EXPECT_EQ(range, "bytes=1000-");
}

TEST_F(RegistryClientTest, FetchesAnewWhenTheLeftoverIsDamaged) {
  {
    auto ingest = store_->ResumeIngest("pull-" + Layer().digest.Hex());
    ASSERT_TRUE(ingest);
    ASSERT_TRUE(ingest->Write(std::string(1000, 'x')));
  }
  Serve([&](const ServerRequest& request) { return Honest(request); });
  RegistryClient client(FastOptions());
  const auto fetched = Fetch(client);
  ASSERT_TRUE(fetched) << fetched.error().message();
  EXPECT_EQ(store_->ReadBlob(Layer().digest).value_or(""), image_.layer);
}

TEST_F(RegistryClientTest, CopesWithAServerWithoutRanges) {
  int requests = 0;
  Serve([&](ServerRequest request) {
    request.headers.erase("range");
    ServerReply reply = Honest(request);
    if (++requests == 1) {
      reply.close_after = 5'000;
    }
    return reply;
  });
  RegistryClient client(FastOptions());
  const auto fetched = Fetch(client);
  ASSERT_TRUE(fetched) << fetched.error().message();
  EXPECT_EQ(store_->ReadBlob(Layer().digest).value_or(""), image_.layer);
}

TEST_F(RegistryClientTest, RefusesWrongData) {
  Serve([&](const ServerRequest& request) {
    ServerReply reply = Honest(request);
    reply.body[7] ^= 1;
    return reply;
  });
  RegistryClient client(FastOptions());
  const auto fetched = Fetch(client);
  ASSERT_FALSE(fetched);
  EXPECT_TRUE(fetched.error().Is(ErrorCode::kDataLoss)) << fetched.error().message();
  EXPECT_THAT(fetched.error().message(), HasSubstr("app:1"));
  EXPECT_FALSE(store_->Contains(Layer().digest));
  const auto manifest =
      client.FetchManifest(Reference(), Describe(content::media_type::kOciManifest, image_.manifest), {}, {});
  ASSERT_FALSE(manifest);
  EXPECT_TRUE(manifest.error().Is(ErrorCode::kDataLoss)) << manifest.error().message();
}

TEST_F(RegistryClientTest, CutsAnEndlessBody) {
  Serve([&](const ServerRequest& request) {
    ServerReply reply = Honest(request);
    reply.body += std::string(50'000'000, 'x');
    reply.content_length = -1;
    return reply;
  });
  RegistryClient client(FastOptions());
  const auto fetched = Fetch(client);
  ASSERT_FALSE(fetched);
  EXPECT_TRUE(fetched.error().Is(ErrorCode::kDataLoss)) << fetched.error().message();
  EXPECT_THAT(fetched.error().message(), HasSubstr("more than"));
  EXPECT_EQ(server_->log().size(), 1U);
  const auto manifest =
      client.FetchManifest(Reference(), Describe(content::media_type::kOciManifest, image_.manifest), {}, {});
  ASSERT_FALSE(manifest);
  EXPECT_TRUE(manifest.error().Is(ErrorCode::kResourceExhausted)) << manifest.error().message();
  const auto resolved = client.Resolve(Reference(), {}, {});
  EXPECT_FALSE(resolved);
}

TEST_F(RegistryClientTest, RefusesAWrongLength) {
  for (const long length : {299'000L, 301'000L}) {
    Serve([&](const ServerRequest& request) {
      ServerReply reply = Honest(request);
      reply.body.resize(static_cast<std::size_t>(length), 'x');
      return reply;
    });
    RegistryClient client(FastOptions());
    const auto fetched = Fetch(client);
    ASSERT_FALSE(fetched);
    EXPECT_TRUE(fetched.error().Is(ErrorCode::kDataLoss)) << fetched.error().message();
    EXPECT_EQ(server_->log().size(), 1U) << "a lie is not asked for twice";
  }
}

TEST_F(RegistryClientTest, GivesUpOnAStalledServer) {
  Serve([&](const ServerRequest& request) {
    ServerReply reply = Honest(request);
    reply.stall = true;
    return reply;
  });
  RegistryOptions options = FastOptions();
  options.attempts = 1;
  RegistryClient client(options);
  const auto fetched = Fetch(client);
  ASSERT_FALSE(fetched);
  EXPECT_TRUE(fetched.error().Is(ErrorCode::kDeadlineExceeded)) << fetched.error().message();
  EXPECT_THAT(fetched.error().message(), HasSubstr("sent nothing for 1 s"));
}

TEST_F(RegistryClientTest, StopsAtOnceWhenCancelled) {
  std::stop_source stop;
  Serve([&](const ServerRequest& request) {
    ServerReply reply = Honest(request);
    reply.stall = true;
    stop.request_stop();
    return reply;
  });
  RegistryOptions options = FastOptions();
  options.stall_timeout = std::chrono::seconds(600);
  RegistryClient client(options);
  const auto fetched = client.FetchBlob(Reference(), Layer(), *store_, {}, {}, stop.get_token());
  ASSERT_FALSE(fetched);
  EXPECT_TRUE(fetched.error().Is(ErrorCode::kCanceled)) << fetched.error().message();
}

TEST_F(RegistryClientTest, SaysThatHtmlIsNoRegistry) {
  Serve([&](const ServerRequest&) {
    return ServerReply{200, {{"Content-Type", "text/html; charset=utf-8"}}, "<html>log in"};
  });
  RegistryClient client(FastOptions());
  const auto root = client.Resolve(Reference(), {}, {});
  ASSERT_FALSE(root);
  EXPECT_THAT(root.error().message(), HasSubstr("text/html instead of a manifest"));
  EXPECT_THAT(root.error().hint(), HasSubstr("is `127.0.0.1"));
}

TEST_F(RegistryClientTest, WordsRefusals) {
  int status = 0;
  Serve([&](const ServerRequest&) {
    return ServerReply{
        status, {{"Content-Type", "application/json"}}, R"({"errors":[{"code":"X","message":"because\u001b[31m"}]})"};
  });
  RegistryClient client(FastOptions());
  const std::tuple<int, ErrorCode, const char*> cases[] = {
      {401, ErrorCode::kUnauthenticated, "docker login"}, {403, ErrorCode::kPermissionDenied, "docker login"},
      {404, ErrorCode::kNotFound, "check the name"},      {429, ErrorCode::kResourceExhausted, "wait"},
      {503, ErrorCode::kUnavailable, "try again later"},
  };
  for (const auto& [code, expected, hint] : cases) {
    status = code;
    const auto root = client.Resolve(Reference(), {}, {});
    ASSERT_FALSE(root);
    EXPECT_TRUE(root.error().Is(expected)) << code << root.error().message();
    EXPECT_THAT(root.error().message(), HasSubstr(std::to_string(code)));
    EXPECT_THAT(root.error().message(), HasSubstr("/app:1`"));
    EXPECT_THAT(root.error().message(), HasSubstr("because"));
    EXPECT_THAT(root.error().message(), Not(HasSubstr("\x1b")));
    EXPECT_THAT(root.error().hint(), HasSubstr(hint));
  }
}

TEST_F(RegistryClientTest, RepeatsOnlyWhatMayHelp) {
  int status = 0;
  int failures = 0;
  Serve([&](const ServerRequest& request) { return failures-- > 0 ? ServerReply{status, {}, ""} : Honest(request); });
  RegistryClient client(FastOptions());
  for (const int transient : {500, 502, 503, 429}) {
    status = transient;
    failures = 2;
    EXPECT_TRUE(client.Resolve(Reference(), {}, {})) << transient;
    failures = 2;
    ASSERT_TRUE(store_->Delete(Layer().digest));
    EXPECT_TRUE(Fetch(client)) << transient;
  }
  for (const int permanent : {400, 403, 404, 501}) {
    status = permanent;
    failures = 1;
    ASSERT_TRUE(store_->Delete(Layer().digest));
    EXPECT_FALSE(Fetch(client)) << permanent;
  }
}

TEST_F(RegistryClientTest, NoServerIsAClearError) {
  Serve([&](const ServerRequest& request) { return Honest(request); });
  const ImageReference reference = Reference();
  server_.reset();
  RegistryClient client(FastOptions());
  const auto root = client.Resolve(reference, {}, {});
  ASSERT_FALSE(root);
  EXPECT_TRUE(root.error().Is(ErrorCode::kUnavailable));
  EXPECT_THAT(root.error().hint(), HasSubstr("is the registry running"));
}

TEST_F(RegistryClientTest, GetsABearerTokenOnceAndRenewsARefusedOne) {
  std::string token = "one";
  int tokens = 0;
  std::string basic;
  Serve([&](const ServerRequest& request) -> ServerReply {
    if (request.target.starts_with("/token")) {
      ++tokens;
      basic = request.headers.contains("authorization") ? request.headers.at("authorization") : "";
      return {200, {{"Content-Type", "application/json"}}, fmt::format(R"({{"token":"{}","expires_in":300}})", token)};
    }
    if (!request.headers.contains("authorization") || request.headers.at("authorization") != "Bearer " + token) {
      return {401,
              {{"WWW-Authenticate", fmt::format(R"(Bearer realm="http://{}/token",service="reg")", server_->host())}},
              ""};
    }
    return Honest(request);
  });
  RegistryClient client(FastOptions());
  const Access access{std::make_shared<FixedAuth>(session::RegistryCredentials{"me", "secret", "", ""}), false};
  ASSERT_TRUE(client.Resolve(Reference(), access, {}));
  ASSERT_TRUE(Fetch(client, access));
  EXPECT_EQ(tokens, 1);
  EXPECT_EQ(basic, "Basic " + Base64Encode("me:secret"));
  EXPECT_THAT(server_->log(), Contains("GET /token?service=reg&scope=repository%3Aapp%3Apull&account=me"));
  token = "two";
  ASSERT_TRUE(client.Resolve(Reference(), access, {}));
  EXPECT_EQ(tokens, 2);
  // Another client's credentials do not get this token.
  ASSERT_TRUE(client.Resolve(Reference(), {}, {}));
  EXPECT_EQ(tokens, 3);
  EXPECT_EQ(basic, "");
}

TEST_F(RegistryClientTest, ClientsMayGetTheirTokensThemselves) {
  Serve([&](const ServerRequest& request) -> ServerReply {
    const auto given = request.headers.find("authorization");
    if (given == request.headers.end() || given->second != "Bearer by the client") {
      return {401, {{"WWW-Authenticate", R"(Bearer realm="https://elsewhere.example/token",service="reg")"}}, ""};
    }
    return Honest(request);
  });
  RegistryClient client(FastOptions());
  const auto auth = std::make_shared<TokensOfClient>();
  auth->answer = std::optional(session::RegistryToken{"by the client", std::chrono::seconds(300)});
  const Access access{auth, false};
  ASSERT_TRUE(client.Resolve(Reference(), access, {}));
  ASSERT_TRUE(Fetch(client, access));
  EXPECT_THAT(auth->asked, ElementsAre("https://elsewhere.example/token reg repository:app:pull"));
  EXPECT_EQ(auth->asked_for_password, 0);

  const auto fails = std::make_shared<TokensOfClient>();
  fails->answer = Unexpected(ErrorCode::kUnauthenticated, "not logged in there");
  const auto failed = client.Resolve(Reference(), {fails, false}, {});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), HasSubstr("not logged in there"));
  const auto splits = std::make_shared<TokensOfClient>();
  splits->answer = std::optional(session::RegistryToken{"a\r\nHost: b", {}});
  EXPECT_FALSE(client.Resolve(Reference(), {splits, false}, {}));
}

TEST_F(RegistryClientTest, UsesAnIdentityToken) {
  std::string form;
  Serve([&](const ServerRequest& request) -> ServerReply {
    if (request.target == "/token") {
      form = request.method + " " + request.body;
      return {200, {}, R"({"access_token":"t"})"};
    }
    if (!request.headers.contains("authorization")) {
      return {401,
              {{"WWW-Authenticate", fmt::format(R"(Bearer realm="http://{}/token",service="reg")", server_->host())}},
              ""};
    }
    return Honest(request);
  });
  RegistryClient client(FastOptions());
  const Access access{std::make_shared<FixedAuth>(session::RegistryCredentials{"", "", "id&tok", ""}), false};
  ASSERT_TRUE(client.Resolve(Reference(), access, {}));
  EXPECT_EQ(
      form,
      "POST grant_type=refresh_token&refresh_token=id%26tok&client_id=loam&service=reg&scope=repository%3Aapp%3Apull");
}

TEST_F(RegistryClientTest, BasicAuthentication) {
  Serve([&](const ServerRequest& request) -> ServerReply {
    if (!request.headers.contains("authorization") ||
        request.headers.at("authorization") != "Basic " + Base64Encode("me:right")) {
      return {401, {{"WWW-Authenticate", "Basic realm=\"x\""}}, ""};
    }
    return Honest(request);
  });
  RegistryClient client(FastOptions());
  const auto access = [](const char* password) {
    return Access{std::make_shared<FixedAuth>(session::RegistryCredentials{"me", password, "", ""}), false};
  };
  EXPECT_TRUE(client.Resolve(Reference(), access("right"), {}));
  const auto wrong = client.Resolve(Reference(), access("wrong"), {});
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().Is(ErrorCode::kUnauthenticated));
  EXPECT_THAT(wrong.error().hint(), HasSubstr("not accepted"));
  const auto anonymous = client.Resolve(Reference(), {}, {});
  ASSERT_FALSE(anonymous);
  EXPECT_THAT(anonymous.error().hint(), HasSubstr("docker login 127.0.0.1"));
}

TEST_F(RegistryClientTest, DoesNotSendCredentialsElsewhere) {
  std::string leaked;
  LyingServer other([&](const ServerRequest& request) -> ServerReply {
    leaked = request.headers.contains("authorization") ? request.headers.at("authorization") : "";
    return {200, {}, image_.layer};
  });
  Serve([&](const ServerRequest& request) -> ServerReply {
    if (!request.headers.contains("authorization")) {
      return {401, {{"WWW-Authenticate", "Basic realm=\"x\""}}, ""};
    }
    return {307, {{"Location", "http://" + other.host() + "/elsewhere"}}, ""};
  });
  RegistryClient client(FastOptions());
  const Access access{std::make_shared<FixedAuth>(session::RegistryCredentials{"me", "pw", "", ""}), false};
  const auto fetched = Fetch(client, access);
  ASSERT_TRUE(fetched) << fetched.error().message();
  EXPECT_EQ(other.log().size(), 1U);
  EXPECT_EQ(leaked, "");
}

TEST_F(RegistryClientTest, MirrorsComeFirst) {
  bool mirror_works = true;
  LyingServer mirror([&](const ServerRequest& request) {
    return mirror_works ? Honest(request) : ServerReply{404, {}, ""};
  });
  Serve([&](const ServerRequest& request) { return Honest(request); });
  RegistryOptions options = FastOptions();
  options.hosts[server_->host()].mirrors = {mirror.host() + "/cache"};
  RegistryClient client(options);
  ASSERT_TRUE(client.Resolve(Reference(), {}, {}));
  EXPECT_THAT(mirror.log(), Contains(HasSubstr("HEAD /v2/cache/app/manifests/1?ns=127.0.0.1%3A")));
  EXPECT_TRUE(server_->log().empty());
  mirror_works = false;
  ASSERT_TRUE(client.Resolve(Reference(), {}, {}));
  EXPECT_EQ(server_->log().size(), 1U);
}

// Accepts what is pushed.
class PushServer {
 public:
  ServerReply operator()(const ServerRequest& request) {
    const std::scoped_lock lock(mutex);
    const std::string& target = request.target;
    if (fail_puts > 0 && request.method == "PUT") {
      --fail_puts;
      return {500, {}, ""};
    }
    if (request.method == "HEAD") {
      return {blobs.contains(target.substr(target.rfind('/') + 1)) ? 200 : 404, {}, ""};
    }
    if (request.method == "POST") {
      const std::size_t mount = target.find("mount=sha256%3A");
      if (mount != std::string::npos && mountable.contains("sha256:" + target.substr(mount + 15, 64))) {
        return {201, {}, ""};
      }
      return {202, {{"Location", fmt::format("/v2/app/blobs/uploads/{}?state=a%2Fb", ++uploads)}}, ""};
    }
    if (request.method == "PATCH") {
      ranges.push_back(request.headers.at("content-range"));
      pending += request.body;
      return {202, {{"Location", target}}, ""};
    }
    if (target.find("/blobs/uploads/") != std::string::npos) {
      const std::string data = pending + request.body;
      pending.clear();
      const std::string digest = Digest::Of(data).ToString();
      const bool right = target.find("digest=sha256%3A" + Digest::Of(data).Hex()) != std::string::npos;
      if (right) {
        blobs[digest] = data;
      }
      return {right ? 201 : 400, {}, ""};
    }
    manifests[target.substr(target.rfind('/') + 1)] = request.headers.at("content-type") + " " + request.body;
    return {201, {{"Docker-Content-Digest", Digest::Of(request.body).ToString()}}, ""};
  }

  std::mutex mutex;
  std::map<std::string, std::string> blobs;
  std::map<std::string, std::string> manifests;
  std::set<std::string> mountable;
  std::vector<std::string> ranges;
  std::string pending;
  int uploads = 0;
  int fail_puts = 0;
};

class PushTest : public RegistryClientTest {
 protected:
  void SetUp() override {
    RegistryClientTest::SetUp();
    for (const std::string* text : {&image_.layer, &image_.config, &image_.manifest}) {
      ASSERT_TRUE(store_->WriteBlob(*text));
    }
    Serve([&](const ServerRequest& request) { return registry_(request); });
  }
  content::Descriptor Root() const { return Describe(content::media_type::kOciManifest, image_.manifest); }
  PushServer registry_;
};

TEST_F(PushTest, SendsBlobsThenManifest) {
  RegistryClient client(FastOptions());
  const auto pushed = client.Push(Reference(), Root(), *store_, {}, {}, {});
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_EQ(registry_.blobs[Digest::Of(image_.layer).ToString()], image_.layer);
  EXPECT_EQ(registry_.blobs[Digest::Of(image_.config).ToString()], image_.config);
  EXPECT_EQ(registry_.manifests["1"], std::string(content::media_type::kOciManifest) + " " + image_.manifest);
  const auto uploads = registry_.uploads;
  ASSERT_TRUE(client.Push(Reference("app:2"), Root(), *store_, {}, {}, {}));
  EXPECT_EQ(registry_.uploads, uploads) << "blobs that are there are not sent again";
}

TEST_F(PushTest, SendsAnIndexFromTheLeavesUp) {
  const std::string index =
      nlohmann::json{{"schemaVersion", 2},
                     {"mediaType", content::media_type::kOciIndex},
                     {"manifests", {Image::Describe(content::media_type::kOciManifest, image_.manifest)}}}
          .dump();
  ASSERT_TRUE(store_->WriteBlob(index));
  RegistryClient client(FastOptions());
  PushOptions options;
  options.by_digest = true;
  const auto pushed =
      client.Push(Reference(), Describe(content::media_type::kOciIndex, index), *store_, {}, options, {});
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_TRUE(registry_.manifests.contains(Digest::Of(image_.manifest).ToString()));
  EXPECT_TRUE(registry_.manifests.contains(Digest::Of(index).ToString()));
  EXPECT_FALSE(registry_.manifests.contains("1"));
  EXPECT_THAT(server_->log().back(), HasSubstr(Digest::Of(index).ToString()));
}

TEST_F(PushTest, SendsChunks) {
  RegistryOptions registry_options = FastOptions();
  registry_options.upload_chunk_size = 128'000;
  registry_options.parallel_transfers = 1;
  RegistryClient client(registry_options);
  const auto pushed = client.Push(Reference(), Root(), *store_, {}, {}, {});
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_THAT(registry_.ranges, testing::ElementsAre("0-127999", "128000-255999", "256000-300002"));
  EXPECT_EQ(registry_.blobs[Digest::Of(image_.layer).ToString()], image_.layer);
}

TEST_F(PushTest, MountsFromAnotherRepository) {
  registry_.mountable.insert(Digest::Of(image_.layer).ToString());
  RegistryClient client(FastOptions());
  PushOptions options;
  options.mount_from = {"base/image"};
  const auto pushed = client.Push(Reference(), Root(), *store_, {}, options, {});
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_FALSE(registry_.blobs.contains(Digest::Of(image_.layer).ToString()));
  EXPECT_TRUE(registry_.blobs.contains(Digest::Of(image_.config).ToString()));
}

TEST_F(PushTest, RepeatsAFailedUploadAnew) {
  registry_.fail_puts = 2;
  RegistryOptions registry_options = FastOptions();
  registry_options.parallel_transfers = 1;
  RegistryClient client(registry_options);
  const auto pushed = client.Push(Reference(), Root(), *store_, {}, {}, {});
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_EQ(registry_.uploads, 4);
  EXPECT_EQ(registry_.blobs.size(), 2U);
}

TEST_F(PushTest, RefusesAnIncompleteImage) {
  ASSERT_TRUE(store_->Delete(Digest::Of(image_.layer)));
  RegistryClient client(FastOptions());
  const auto pushed = client.Push(Reference(), Root(), *store_, {}, {}, {});
  ASSERT_FALSE(pushed);
  EXPECT_TRUE(pushed.error().Is(ErrorCode::kNotFound));
  EXPECT_TRUE(server_->log().empty());
}

TEST(HostConfigTest, KnowsLoopback) {
  for (const char* host : {"localhost", "localhost:5000", "127.0.0.1:80", "127.9.8.7", "[::1]:5000", "a.localhost:1"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  }
  for (const char* host :
       {"docker.io", "128.0.0.1", "127.0.0.1.example.com", "localhost.example.com", "[::2]", "127.0.0"}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

}  // namespace
}  // namespace loam::registry
