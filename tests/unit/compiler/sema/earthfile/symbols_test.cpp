#include "compiler/sema/earthfile/symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/parse/earthfile.h"

namespace loam::sema::earthfile {
namespace {

using ::testing::ElementsAre;

struct Read {
  source::SourceManager sources;
  const source::Buffer* buffer = nullptr;
  ast::earthfile::Earthfile file;
  FileSymbols symbols;

  explicit Read(const std::string& text) {
    buffer = *sources.AddText("Earthfile", "VERSION 0.8\n" + text);
    diag::CollectingConsumer consumer;
    diag::Emitter emitter(consumer);
    file = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(*buffer, emitter), emitter);
    symbols = ReadSymbols(file, *buffer);
  }
  // "project|name|artifact --argument…", one a reference.
  [[nodiscard]] std::vector<std::string> References() const {
    std::vector<std::string> out;
    for (const ReferenceUse& use : symbols.references) {
      std::string text = fmt::format("{}|{}|{}", buffer->TextOf(use.project),
                                     use.name.valid() ? buffer->TextOf(use.name) : "-", buffer->TextOf(use.artifact));
      for (const PassedArgument& argument : use.arguments) {
        text += fmt::format(" {}={}", buffer->TextOf(argument.name_range), argument.value);
      }
      out.push_back(text);
    }
    return out;
  }
  [[nodiscard]] std::vector<std::string> Uses() const {
    std::vector<std::string> out;
    for (const VariableUse& use : symbols.uses) {
      out.push_back(fmt::format("{}{}", use.name, use.in_shell ? " shell" : use.is_set ? " set" : ""));
    }
    return out;
  }
};

TEST(Symbols, ReferencesOfAllCommands) {
  const Read read(
      "IMPORT ./lib AS l\na:\n  FROM --platform=x ./b+base --v=1\n  BUILD --build-arg k=2 --pass-args +c --w \"3 4\"\n "
      " COPY "
      "(+d/out/* --x=5) ../e+f/g a+b.txt ./\n  DO l+FN --y=6\n  WITH DOCKER --load=i=(+j --z=7) --load +k\n    RUN q\n "
      " END\n "
      " FROM DOCKERFILE -f +m/Dockerfile +n/ctx\n");
  EXPECT_THAT(read.References(), ElementsAre("./lib|-|", "./b|base| v=1", "|c| w=\"3 4\" k=2", "|d|/out/* x=5",
                                             "../e|f|/g", "l|FN| y=6", "|j| z=7", "|k|", "|n|/ctx", "|m|/Dockerfile"));
  EXPECT_TRUE(read.symbols.references[2].pass_args);
}

TEST(Symbols, HalfTypedReferencesHavePlaces) {
  EXPECT_THAT(Read("a:\n  BUILD +").References(), ElementsAre("||"));
  EXPECT_THAT(Read("a:\n  COPY +t/").References(), ElementsAre("|t|/"));
  EXPECT_THAT(Read("a:\n  BUILD ./x+").References(), ElementsAre("./x||"));
}

TEST(Symbols, VariablesAndTheirUses) {
  const Read read(
      "ARG --global g=1\nARG own=2\na:\n  ARG --required r\n  LET v = \"$r ${g:-x}\"\n  SET v = '$no'\n  FOR i IN "
      "$(echo $v)\n   "
      " RUN '$i' \\$esc \"$r\"\n  END\n  ENV E=$v\n");
  EXPECT_THAT(read.Uses(), ElementsAre("r", "g", "v set", "v shell", "i shell", "r shell", "v"));
  const FileSymbols& symbols = read.symbols;
  ASSERT_NE(symbols.FindVariable("g", 1, 1000), nullptr);
  EXPECT_EQ(symbols.FindVariable("own", 1, 1000), nullptr) << "an ARG of the base recipe is not global";
  EXPECT_TRUE(symbols.FindVariable("r", 1, 1000)->required);
  EXPECT_EQ(symbols.FindVariable("i", 1, 1000)->kind, VariableKind::kFor);
}

TEST(Symbols, ArtifactsHaveTheirPaths) {
  const Read read(
      "a:\n  FROM b\n  SAVE ARTIFACT x/y\n  SAVE ARTIFACT x z/\n  SAVE ARTIFACT x w AS LOCAL q\n  SAVE ARTIFACT $v\n");
  std::vector<std::string> paths;
  for (const ArtifactSave& save : read.symbols.artifacts) {
    paths.push_back(save.path + (save.as_local ? " local" : ""));
  }
  EXPECT_THAT(paths, ElementsAre("/y", "/z/x", "/w local", ""));
}

TEST(Symbols, DirectoriesOfReferences) {
  const Read read(
      "IMPORT ../lib\na:\n  BUILD +b\n  BUILD ./c/d+e\n  BUILD lib+f\n  BUILD github.com/x/y+z\n  BUILD none+q\n");
  std::vector<std::string> directories;
  for (const ReferenceUse& use : read.symbols.references) {
    directories.push_back(DirectoryOf(read.symbols, use, "/p/q").value_or("-"));
  }
  EXPECT_THAT(directories, ElementsAre("/p/lib", "/p/q", "/p/q/c/d", "/p/lib", "-", "-"));
}

}  // namespace
}  // namespace loam::sema::earthfile
