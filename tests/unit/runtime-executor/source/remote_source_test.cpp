// Cache keys, index and trees of git and http sources, from a repository of this machine and a server of the test.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/process.h"
#include "base/rooted_fs.h"
#include "runtime-executor/session/local_client_services.h"
#include "runtime-executor/source/blob/blob_source.h"
#include "runtime-executor/source/git/git_source.h"
#include "runtime-executor/source/http/http_source.h"
#include "tests/support/require.h"

namespace loam::source {
namespace {

using testing::HasSubstr;

class RemoteSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    LOAM_TEST_NEEDS(::geteuid() == 0, "root");
    LOAM_TEST_NEEDS(FindProgram("git").has_value(), "git");
    auto layers = snapshot::LayerStore::Open({.root = dir_.path(), .snapshotter = std::nullopt});
    ASSERT_TRUE(layers) << layers.error().message();
    layers_ = std::move(*layers);
    auto index = SourceIndex::Open(dir_.Child("sources.db"), *layers_);
    ASSERT_TRUE(index) << index.error().message();
    index_ = std::move(*index);
    ASSERT_TRUE(MakeDirs(dir_.Child("tmp")));
    context_.client = session::MakeLocalClientServices({});
  }

  SourceKey KeyOf(Source& source, const std::string& identifier, std::map<std::string, std::string> attributes) {
    auto instance = source.Open({identifier, std::move(attributes), {}}, identifier.substr(identifier.find("://") + 3));
    EXPECT_TRUE(instance) << instance.error().message();
    if (!instance) {
      return {};
    }
    auto key = (*instance)->Resolve(context_);
    EXPECT_TRUE(key) << key.error().message();
    return key.value_or(SourceKey());
  }

  std::string ReadIn(const snapshot::FsRef& fs, const std::string& path) {
    const auto mounted = layers_->Mount(fs);
    EXPECT_TRUE(mounted) << mounted.error().message();
    return mounted ? ReadFileInRoot(mounted->fd(), path).value_or("?") : "?";
  }

  std::vector<std::string> Leftovers() { return ListDir(dir_.Child("tmp")).value_or(std::vector<std::string>{"?"}); }

  TempDir dir_ = std::move(*TempDir::Create());
  std::unique_ptr<snapshot::LayerStore> layers_;
  std::unique_ptr<SourceIndex> index_;
  SourceContext context_;
};

// Blobs of a layout of the client.
class BlobSourceTest : public RemoteSourceTest {
 protected:
  void SetUp() override {
    RemoteSourceTest::SetUp();
    ASSERT_TRUE(MakeDirs(dir_.Child("layout/blobs/sha256")));
    context_.client = session::MakeLocalClientServices({.oci_layouts = {{"lay", dir_.Child("layout")}}});
  }
  Digest Put(const std::string& text) {
    const Digest digest = Digest::Of(text);
    EXPECT_TRUE(WriteFileAtomic(dir_.Child("layout/blobs/sha256/" + digest.Hex()), text));
    return digest;
  }

  registry::RegistryClient registry_{registry::RegistryOptions{}};
};

TEST_F(BlobSourceTest, ABlobIsAFile) {
  const auto source = MakeBlobSource({.tmp_dir = dir_.Child("tmp"), .layers = layers_.get(), .registry = &registry_});
  const Digest digest = Put("the blob");
  const std::string identifier = "oci-layout+blob://any/name@" + digest.ToString();
  EXPECT_EQ(KeyOf(*source, identifier, {{"oci.store", "lay"}, {"http.filename", "n"}, {"http.uid", "3"}}).keys.front(),
            Digest::Of(fmt::format(R"({{"Digest":"{}","Filename":"n","Perm":0,"UID":3,"GID":0}})", digest.ToString()))
                .ToString());
  auto instance = source->Open(
      {identifier, {{"oci.store", "lay"}, {"http.filename", "../n"}, {"http.perm", "0741"}, {"http.gid", "9"}}, {}},
      "");
  ASSERT_TRUE(instance) << instance.error().message();
  const auto fs = (*instance)->Fetch(context_);
  ASSERT_TRUE(fs) << fs.error().message();
  EXPECT_EQ(ReadIn(*fs, "n"), "the blob");
  const auto mounted = layers_->Mount(*fs);
  ASSERT_TRUE(mounted);
  const auto info = LstatInRoot(mounted->fd(), "n");
  ASSERT_TRUE(info && *info);
  EXPECT_EQ((*info)->st_mode & 07777U, 0741U);
  EXPECT_EQ((*info)->st_gid, 9U);
  EXPECT_EQ((*info)->st_mtim.tv_sec, 0);
  EXPECT_THAT(Leftovers(), testing::IsEmpty());
}

TEST_F(BlobSourceTest, RefusesWhatIsNotThatBlob) {
  const auto source = MakeBlobSource({.tmp_dir = dir_.Child("tmp"), .layers = layers_.get(), .registry = &registry_});
  const std::string digest = Put("the blob").ToString();
  ASSERT_TRUE(WriteFileAtomic(dir_.Child("layout/blobs/sha256/" + digest.substr(7)), "another"));
  auto instance = source->Open({"oci-layout+blob://n@" + digest, {{"oci.store", "lay"}}, {}}, "");
  ASSERT_TRUE(instance);
  const auto fs = (*instance)->Fetch(context_);
  ASSERT_FALSE(fs);
  EXPECT_TRUE(fs.error().Is(ErrorCode::kDataLoss)) << fs.error().message();
  EXPECT_THAT(Leftovers(), testing::IsEmpty());
  for (const char* const wrong :
       {"docker-image+blob://h/n:tag", "docker-image+blob://h/n", "oci-layout+blob://h/n@x"}) {
    EXPECT_FALSE(source->Open({wrong, {{"oci.store", "lay"}}, {}}, "")) << wrong;
  }
  EXPECT_FALSE(source->Open({"oci-layout+blob://n@" + digest, {}, {}}, "")) << "no layout is named";
}

class GitSourceTest : public BlobSourceTest {
 protected:
  void SetUp() override {
    BlobSourceTest::SetUp();
    if (layers_ == nullptr) {
      return;
    }
    source_ = MakeGitSource({.mirrors_dir = dir_.Child("git"),
                             .tmp_dir = dir_.Child("tmp"),
                             .layers = layers_.get(),
                             .index = index_.get(),
                             .registry = &registry_,
                             .allow_file = true});
    ASSERT_TRUE(MakeDirs(repo_));
    Git({"init", "--quiet", "--initial-branch=main"});
    commit_ = Commit("one");
    Git({"tag", "-a", "-m", "annotated", "v1"});
  }

  std::string Git(std::vector<std::string> args) {
    ProcessSpec spec;
    spec.args = {"git"};
    spec.args.insert(spec.args.end(), args.begin(), args.end());
    spec.cwd = repo_;
    spec.env = std::vector<std::string>{"PATH=/usr/bin:/bin",
                                        "HOME=/nonexistent",
                                        "GIT_AUTHOR_NAME=A",
                                        "GIT_AUTHOR_EMAIL=a@x",
                                        "GIT_AUTHOR_DATE=1600000000 +0000",
                                        "GIT_COMMITTER_NAME=C",
                                        "GIT_COMMITTER_EMAIL=c@x",
                                        "GIT_COMMITTER_DATE=1700000000 +0200"};
    const auto output = RunProcess(spec);
    EXPECT_TRUE(output && output->status.ok()) << (output ? output->err : output.error().message());
    std::string text = output ? output->out : "";
    text.resize(text.find_last_not_of('\n') + 1);
    return text;
  }

  std::string Commit(const std::string& text) {
    EXPECT_TRUE(MakeDirs(repo_ + "/sub"));
    EXPECT_TRUE(WriteFileAtomic(repo_ + "/file", text));
    EXPECT_TRUE(WriteFileAtomic(repo_ + "/sub/inner", "in " + text));
    Git({"add", "."});
    Git({"commit", "-q", "-m", text + "\n\nCo-authored-by: B <b@x>\nCo-Authored-By: D <d@x>"});
    return Git({"rev-parse", "HEAD"});
  }

  GitTreeRequest Request(const std::string& ref = "") {
    GitTreeRequest request;
    request.remote = "file://" + repo_;
    request.ref = ref;
    return request;
  }

  std::string Key(const std::string& fragment, std::map<std::string, std::string> attributes = {}) {
    attributes["git.fullurl"] = "file://" + repo_;
    const SourceKey key = KeyOf(*source_, "git://host/x.git" + fragment, attributes);
    return key.keys.empty() ? "" : key.keys.front();
  }

  const std::string repo_ = dir_.Child("repo");
  std::unique_ptr<GitSource> source_;
  std::string commit_;
};

TEST_F(GitSourceTest, KeysAreThoseOfUpstream) {
  const std::string tag = Git({"rev-parse", "v1"});
  EXPECT_EQ(Key(""), commit_);
  EXPECT_EQ(Key("#v1"), commit_);
  EXPECT_EQ(Key("#" + commit_ + ":sub"), commit_ + ":sub");
  EXPECT_EQ(Key("#v1", {{"git.keepgitdir", "true"}}), tag + ".git#refs/tags/v1");
  EXPECT_EQ(Key("", {{"git.keepgitdir", "true"}}), commit_ + ".git#refs/heads/main");
  EXPECT_EQ(Key("#" + commit_, {{"git.keepgitdir", "true"}}), commit_ + ".git#" + commit_);
  EXPECT_EQ(Key("", {{"git.skipsubmodules", "true"}, {"git.mtime", "commit"}}),
            commit_ + "(skip-submodules)(mtime=commit)");
  EXPECT_EQ(Key("", {{"git.mtime", "checkout"}}), commit_);
  EXPECT_EQ(Key("#x", {{"git.fetchbycommit", "true"}, {"git.checksum", commit_}, {"git.keepgitdir", "true"}}),
            commit_ + ".git#refs/heads/x");
}

TEST_F(GitSourceTest, TreeAndFactsOfACommit) {
  const auto tree = source_->FetchTree(Request(), context_);
  ASSERT_TRUE(tree) << tree.error().message();
  EXPECT_EQ(ReadIn(tree->fs, "file"), "one");
  EXPECT_EQ(tree->commit.id, commit_);
  EXPECT_EQ(tree->commit.ref, "refs/heads/main");
  EXPECT_EQ(tree->commit.author_name, "A");
  EXPECT_EQ(tree->commit.author_email, "a@x");
  EXPECT_EQ(tree->commit.author_time, 1600000000);
  EXPECT_EQ(tree->commit.committer_time, 1700000000);
  EXPECT_THAT(tree->commit.co_authors, testing::ElementsAre("B <b@x>", "D <d@x>"));
  EXPECT_THAT(tree->commit.message, testing::StartsWith("one"));
  EXPECT_THAT(Leftovers(), testing::IsEmpty());
  GitTreeRequest sub = Request("v1");
  sub.subdir = "sub";
  const auto scoped = source_->FetchTree(sub, context_);
  ASSERT_TRUE(scoped) << scoped.error().message();
  EXPECT_EQ(ReadIn(scoped->fs, "inner"), "in one");
  EXPECT_EQ(ReadIn(scoped->fs, "file"), "?");
}

TEST_F(GitSourceTest, OneJobSeesOneCommit) {
  ASSERT_TRUE(source_->FetchTree(Request(), context_));
  const std::string second = Commit("two");
  const auto same = source_->FetchTree(Request(), context_);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->commit.id, commit_);
  context_.client = session::MakeLocalClientServices({});
  const auto next = source_->FetchTree(Request(), context_);
  ASSERT_TRUE(next) << next.error().message();
  EXPECT_EQ(next->commit.id, second);
  EXPECT_EQ(ReadIn(next->fs, "file"), "two");
}

TEST_F(GitSourceTest, WhatMovedSinceItWasResolvedIsStillFetched) {
  auto instance = source_->Open({"git://h/x", {{"git.fullurl", "file://" + repo_}}, {}}, "h/x");
  ASSERT_TRUE(instance);
  ASSERT_TRUE((*instance)->Resolve(context_));
  Commit("two");
  const auto fs = (*instance)->Fetch(context_);
  ASSERT_TRUE(fs) << fs.error().message();
  EXPECT_EQ(ReadIn(*fs, "file"), "one");
}

TEST_F(GitSourceTest, DamagedMirrorsAreMadeAnew) {
  ASSERT_TRUE(source_->FetchTree(Request(), context_));
  const auto names = ListDir(dir_.Child("git"));
  ASSERT_TRUE(names);
  for (const std::string& name : *names) {
    if (!name.ends_with(".lock")) {
      ASSERT_TRUE(RemoveTree(dir_.Child("git/" + name + "/HEAD")));
      ASSERT_TRUE(WriteFileAtomic(dir_.Child("git/" + name + "/shallow.lock"), ""));
    }
  }
  Commit("two");
  context_.client = session::MakeLocalClientServices({});
  const auto tree = source_->FetchTree(Request(), context_);
  ASSERT_TRUE(tree) << tree.error().message();
  EXPECT_EQ(ReadIn(tree->fs, "file"), "two");
}

TEST_F(GitSourceTest, PrunedCheckoutsAreMadeAgain) {
  ASSERT_TRUE(source_->FetchTree(Request(), context_));
  ASSERT_TRUE(layers_->Collect({}));
  const auto again = source_->FetchTree(Request(), context_);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(ReadIn(again->fs, "file"), "one");
}

TEST_F(GitSourceTest, LinksDoNotLeadASubdirectoryOut) {
  ASSERT_EQ(::symlink("/etc", (repo_ + "/out").c_str()), 0);
  Commit("with a link");
  GitTreeRequest request = Request();
  request.subdir = "out";
  const auto tree = source_->FetchTree(request, context_);
  ASSERT_FALSE(tree);
  EXPECT_TRUE(tree.error().Is(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Leftovers(), testing::IsEmpty());
}

TEST_F(GitSourceTest, BundlesCarryAHistoryFromOneBuildToAnother) {
  const std::string second = Commit("two");
  EXPECT_EQ(Key("#main", {{"git.checkoutbundle", "true"}}), second + "(bundle)");
  GitTreeRequest write = Request("main");
  write.checkout_bundle = true;
  auto instance = source_->Open(
      {"git://h/x#main", {{"git.fullurl", "file://" + repo_}, {"git.checkoutbundle", "true"}}, {}}, "h/x#main");
  ASSERT_TRUE(instance) << instance.error().message();
  const auto written = (*instance)->Fetch(context_);
  ASSERT_TRUE(written) << written.error().message();
  const std::string bundle = "oci-layout+blob://any@" + Put(ReadIn(*written, "bundle")).ToString();

  // Nothing is there any more but the bundle.
  ASSERT_TRUE(RemoveTree(repo_));
  ASSERT_TRUE(RemoveTree(dir_.Child("git")));
  for (const std::string& ref : {std::string("main"), std::string(), second, commit_}) {
    GitTreeRequest read = Request(ref);
    read.checksum = ref == commit_ ? commit_ : second;
    read.bundle = bundle;
    read.bundle_store = "lay";
    const auto tree = source_->FetchTree(read, context_);
    ASSERT_TRUE(tree) << ref << ": " << tree.error().message();
    EXPECT_EQ(ReadIn(tree->fs, "file"), ref == commit_ ? "one" : "two");
    EXPECT_EQ(tree->commit.ref, ref == "main" ? "refs/heads/main" : read.checksum);
  }
  GitTreeRequest missing = Request(std::string(40, 'a'));
  missing.checksum = missing.ref;
  missing.bundle = bundle;
  missing.bundle_store = "lay";
  const auto none = source_->FetchTree(missing, context_);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("not found in bundle"));
}

TEST_F(GitSourceTest, BundlesNeedWhatTheyAreReadBy) {
  const std::string bundle = "docker-image+blob://h/n@" + Digest::Of("x").ToString();
  const auto open = [&](std::map<std::string, std::string> attributes) {
    attributes["git.fullurl"] = "file://" + repo_;
    return source_->Open({"git://h/x#main", attributes, {}}, "h/x#main").has_value();
  };
  EXPECT_TRUE(open({{"git.bundle", bundle}, {"git.checksum", commit_}}));
  EXPECT_FALSE(open({{"git.bundle", bundle}}));
  EXPECT_FALSE(open({{"git.bundle", "https://h/n"}, {"git.checksum", commit_}}));
  EXPECT_FALSE(open({{"git.checkoutbundle", "true"}, {"git.keepgitdir", "true"}}));
}

TEST_F(GitSourceTest, AStopEndsTheWaitForALock) {
  ASSERT_TRUE(source_->FetchTree(Request(), context_));
  const auto names = ListDir(dir_.Child("git"));
  ASSERT_TRUE(names);
  std::optional<FileLock> held;
  for (const std::string& name : *names) {
    if (name.ends_with(".lock")) {
      held = *FileLock::TryAcquire(dir_.Child("git/" + name), FileLock::Mode::kExclusive);
    }
  }
  ASSERT_TRUE(held);
  std::stop_source stop;
  context_.stop = stop.get_token();
  std::jthread stopper([&] { stop.request_stop(); });
  const auto tree = source_->FetchTree(Request(), context_);
  ASSERT_FALSE(tree);
  EXPECT_TRUE(tree.error().Is(ErrorCode::kCanceled));
}

// Answers every request with the next of its answers.
class TinyServer {
 public:
  explicit TinyServer(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    url_ = fmt::format("http://127.0.0.1:{}", ntohs(address.sin_port));
    thread_ = std::jthread([this] { Serve(); });
  }
  ~TinyServer() { ::shutdown(listener_.get(), SHUT_RDWR); }

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::size_t answered() const { return next_; }
  // What was asked last.
  std::string last_request() {
    const std::lock_guard lock(mutex_);
    return last_request_;
  }

 private:
  void Serve() {
    while (true) {
      const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client.valid()) {
        return;
      }
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(client.get(), buffer, sizeof(buffer), 0);
        if (got <= 0) {
          break;
        }
        request.append(buffer, static_cast<std::size_t>(got));
      }
      {
        const std::lock_guard lock(mutex_);
        last_request_ = request;
      }
      const std::string answer = next_ < answers_.size() ? answers_[next_] : "HTTP/1.1 500 none\r\n\r\n";
      ++next_;
      EXPECT_TRUE(WriteAll(client.get(), answer, "client"));
      ::shutdown(client.get(), SHUT_RDWR);
    }
  }

  const std::vector<std::string> answers_;
  std::atomic<std::size_t> next_ = 0;
  UniqueFd listener_;
  std::string url_;
  std::mutex mutex_;  // guards last_request_
  std::string last_request_;
  std::jthread thread_;
};

std::string Answer(const std::string& body, const std::string& headers = "") {
  return fmt::format("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), headers,
                     body);
}

class HttpSourceTest : public RemoteSourceTest {
 protected:
  std::unique_ptr<Source> MakeSource(std::uint64_t max_bytes = 1U << 20U) {
    return MakeHttpSource(
        {.tmp_dir = dir_.Child("tmp"), .layers = layers_.get(), .index = index_.get(), .max_bytes = max_bytes});
  }
};

TEST_F(HttpSourceTest, KeysAreDigestsOfUpstreamsJson) {
  const auto source = MakeSource();
  const TinyServer server({Answer("x", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), Answer("x")});
  const Digest x = Digest::Of("x");
  EXPECT_EQ(KeyOf(*source, server.url() + "/dir/f", {}).keys.front(),
            Digest::Of(fmt::format(R"({{"Filename":"f","Perm":0,"UID":0,"GID":0,"Checksum":"{}",)"
                                   R"("LastModTime":"Sun, 06 Nov 1994 08:49:37 GMT"}})",
                                   x.ToString()))
                .ToString());
  EXPECT_EQ(KeyOf(*source, server.url() + "/dir/f",
                  {{"http.perm", "0755"}, {"http.uid", "3"}, {"http.filename", "n"}, {"http.header.accept", "a/b"}})
                .keys.front(),
            Digest::Of(fmt::format(R"({{"Filename":"n","Perm":493,"UID":3,"GID":0,"Checksum":"{}",)"
                                   R"("Header":[{{"Name":"Accept","Value":"a/b"}}]}})",
                                   x.ToString()))
                .ToString());
  // A checksum needs no server.
  EXPECT_EQ(KeyOf(*source, "http://127.0.0.1:1/g", {{"http.checksum", x.ToString()}}).keys.front(),
            Digest::Of(fmt::format(R"({{"Filename":"g","Perm":0,"UID":0,"GID":0,"Checksum":"{}"}})", x.ToString()))
                .ToString());
  EXPECT_EQ(server.answered(), 2U);
}

// Offers one upload, in two pieces.
class OneUpload final : public session::Uploads {
 public:
  Result<> Pull(std::string_view host, std::string_view path,
                const std::function<Result<>(std::string_view data)>& receive, std::stop_token) override {
    EXPECT_EQ(host, "buildkit-session");
    if (path != "/id") {
      return Unexpected(ErrorCode::kNotFound, "no such upload");
    }
    LOAM_TRY(receive("hello "));
    return receive("world");
  }
};

TEST_F(HttpSourceTest, UploadOfTheClient) {
  const auto source = MakeSource();
  const std::string url = "http://buildkit-session/id";
  const auto fetch = [&](const std::string& from) -> Result<std::string> {
    const auto instance = LOAM_TRY(source->Open({from, {{"http.filename", "context"}}, {}}, from.substr(7)));
    return ReadIn(LOAM_TRY(instance->Fetch(context_)), "context");
  };
  EXPECT_TRUE(fetch(url).error().Is(ErrorCode::kNotFound)) << "this client uploads nothing";
  const auto files = session::MakeLocalClientServices({});
  context_.client = session::MakeClientServices({.secrets = files->secrets(),
                                                 .ssh = files->ssh(),
                                                 .local_dirs = files->local_dirs(),
                                                 .oci_layouts = files->oci_layouts(),
                                                 .registry_auth = files->registry_auth(),
                                                 .uploads = std::make_shared<OneUpload>()});
  source->ForgetEndedJobs();
  EXPECT_EQ(fetch(url).value_or("failed"), "hello world");
  EXPECT_FALSE(fetch("http://buildkit-session/other"));
}

TEST_F(HttpSourceTest, TooLongAnAnswerIsRefused) {
  const auto source = MakeSource(10);
  const TinyServer server({Answer(std::string(11, 'x'))});
  auto instance = source->Open({server.url() + "/f", {}, {}}, "");
  ASSERT_TRUE(instance);
  const auto fs = (*instance)->Fetch(context_);
  ASSERT_FALSE(fs);
  EXPECT_TRUE(fs.error().Is(ErrorCode::kResourceExhausted)) << fs.error().message();
  EXPECT_THAT(Leftovers(), testing::IsEmpty());
}

TEST_F(HttpSourceTest, CompressedAnswersAreFilesAsTheyWereBefore) {
  // gzip of "the file\n"
  constexpr unsigned char kPacked[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff,
                                       0x2b, 0xc9, 0x48, 0x55, 0x48, 0xcb, 0xcc, 0x49, 0xe5, 0x02,
                                       0x00, 0xd1, 0x25, 0xa4, 0x7f, 0x09, 0x00, 0x00, 0x00};
  const std::string packed(reinterpret_cast<const char*>(kPacked), sizeof(kPacked));
  const auto source = MakeSource();
  TinyServer server({Answer(packed, "Content-Encoding: gzip\r\n"), Answer("plain")});
  const auto fetch = [&](const std::string& name) {
    auto instance = source->Open({server.url() + "/" + name, {}, {}}, "");
    EXPECT_TRUE(instance);
    const auto fs = (*instance)->Fetch(context_);
    EXPECT_TRUE(fs) << fs.error().message();
    return fs ? ReadIn(*fs, name) : "?";
  };
  EXPECT_EQ(fetch("f"), "the file\n");
  EXPECT_THAT(server.last_request(), HasSubstr("Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(fetch("g"), "plain");
}

TEST_F(HttpSourceTest, EmptyFilesAreFiles) {
  const auto source = MakeSource();
  const TinyServer server({Answer("", "Content-Disposition: attachment; filename=named\r\n")});
  auto instance = source->Open({server.url() + "/f", {}, {}}, "");
  ASSERT_TRUE(instance);
  const auto fs = (*instance)->Fetch(context_);
  ASSERT_TRUE(fs) << fs.error().message();
  EXPECT_EQ(ReadIn(*fs, "named"), "");
}

TEST_F(HttpSourceTest, RefusesWrongAttributes) {
  const auto source = MakeSource();
  for (const auto& [key, value] : std::map<std::string, std::string>{
           {"http.checksum", "x"}, {"http.perm", "rwx"}, {"http.uid", "-1"}, {"http.header.accept", "a\r\nHost: b"}}) {
    EXPECT_FALSE(source->Open({"http://h/f", {{key, value}}, {}}, "h/f")) << key;
  }
  EXPECT_FALSE(source->Open({"http:///f", {}, {}}, "/f"));
  const auto signature = source->Open({"http://h/f", {{"http.sig.pubkey", "x"}}, {}}, "h/f");
  ASSERT_FALSE(signature);
  EXPECT_TRUE(signature.error().Is(ErrorCode::kUnimplemented));
}

}  // namespace
}  // namespace loam::source
