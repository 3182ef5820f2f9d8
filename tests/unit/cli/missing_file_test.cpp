#include "cli/commands/missing_file.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/file_system.h"

namespace loam::cli {
namespace {

class MissingFileTest : public testing::Test {
 protected:
  MissingFileTest() : dir_(TempDir::Create().value()) {
    files_.context_dir = dir_.path();
    files_.dockerfile_dir = dir_.path();
    files_.dockerfile_name = "Dockerfile";
    for (const char* name : {"src/app.go", "src/main.go", "docs/README.md", "package.json", "cmd/tool/util.go"}) {
      Write(name, "");
    }
    Write(".dockerignore", "# comment\nnode_modules\nsrc/*.go\n!src/main.go\n");
  }

  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = std::filesystem::path(dir_.path()) / name;
    std::filesystem::create_directories(path.parent_path());
    ASSERT_TRUE(WriteFileAtomic(path.string(), text).has_value());
  }

  std::string Hint(const std::string& path, const std::string& step) {
    return MissingFileHint(Error(ErrorCode::kNotFound, "\"/" + path + "\": not found"), step, files_);
  }

  TempDir dir_;
  BuildContext files_;
};

TEST_F(MissingFileTest, ExcludedByALine) {
  EXPECT_EQ(Hint("src/app.go", "[2/2] COPY src/app.go /a"),
            "`src/app.go` is excluded by line 3 of .dockerignore (`src/*.go`)");
  EXPECT_EQ(Hint("src/main.go", "[2/2] COPY src/main.go /a"), "");
}

TEST_F(MissingFileTest, TheIgnoreFileOfTheDockerfileTakesTheOthersPlace) {
  Write("Dockerfile.dockerignore", "docs\n");
  EXPECT_EQ(Hint("docs/README.md", "[2/2] ADD docs/README.md /a"),
            "`docs/README.md` is excluded by line 1 of Dockerfile.dockerignore (`docs`)");
  EXPECT_EQ(Hint("src/app.go", "[2/2] COPY src/app.go /a"), "");
}

TEST_F(MissingFileTest, Names) {
  EXPECT_EQ(Hint("src/Main.go", "[2/2] COPY src/Main.go /a"),
            "it is called `src/main.go`: upper and lower case differ");
  EXPECT_EQ(Hint("pakage.json", "[2/2] COPY pakage.json /a"), "did you mean `package.json`?");
  EXPECT_EQ(Hint("doc/README.md", "[2/2] COPY doc/README.md /a"), "did you mean `docs`?");
  EXPECT_EQ(Hint("lib/util.go", "[2/2] COPY lib/util.go /a"), "did you mean `cmd/tool/util.go`?");
  EXPECT_EQ(Hint("lib/other.go", "[2/2] COPY lib/other.go /a"),
            "the directory `lib` is not in the build context `" + files_.context_dir + "`");
  EXPECT_EQ(Hint("zzzzzz", "[2/2] RUN --mount=type=bind,source=zzzzzz,target=/x true"),
            "paths are relative to the build context `" + files_.context_dir + "`");
}

TEST_F(MissingFileTest, AWildcardWithoutAMatch) {
  EXPECT_EQ(Hint("docs", "[2/2] COPY docs/*.txt /a/"), "no file of the build context matches `docs/*.txt`");
}

TEST_F(MissingFileTest, OtherSourcesAndOtherErrors) {
  EXPECT_EQ(Hint("src/app.go", "[2/2] COPY --from=build src/app.go /a"), "");
  EXPECT_EQ(Hint("nope", "[2/2] RUN --mount=from=build,source=/nope,target=/x true"), "");
  EXPECT_EQ(MissingFileHint(Error(ErrorCode::kNotFound, "no such thing"), "COPY a b", files_), "");
}

TEST_F(MissingFileTest, CopyOfAnEarthfile) {
  Write(".earthlyignore", "docs\n");
  const auto hint = [&](const std::string& path, const std::string& command) {
    return MissingEarthfileCopyHint(Error(ErrorCode::kNotFound, "\"/" + path + "\": not found"), command, dir_.path());
  };
  EXPECT_EQ(hint("src/mian.go", "COPY src/mian.go ."), "did you mean `src/main.go`?");
  EXPECT_EQ(hint("docs/README.md", "COPY docs/README.md ."),
            "`docs/README.md` is excluded by line 1 of .earthlyignore (`docs`)");
  EXPECT_EQ(hint("src/nothing", "COPY src/app.go ."), "paths are relative to the build context `" + dir_.path() + "`");
  EXPECT_EQ(hint("+m", "COPY +m ."), "`+m` is read as a file: an artifact of that target is written `+m/PATH`");
  EXPECT_EQ(hint("otu", "COPY --chown=1 (./lib+m/otu --a=1) ."),
            "the SAVE ARTIFACT commands of `./lib+m` say which artifacts there are");
  EXPECT_EQ(hint("a+b", "COPY a\\+b ."), "paths are relative to the build context `" + dir_.path() + "`");
  EXPECT_EQ(hint("x", "RUN cat x"), "");
}

}  // namespace
}  // namespace loam::cli
