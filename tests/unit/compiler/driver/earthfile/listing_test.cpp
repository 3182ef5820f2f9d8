#include "compiler/driver/earthfile/listing.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/parse/earthfile.h"

namespace loam::driver::earthfile {
namespace {

constexpr std::string_view kText =
    "VERSION 0.8\n"
    "# tag is the version of the image\n"
    "ARG --global tag = latest\n"
    "ARG local\n"
    "\n"
    "# site builds the pages.\n"
    "#\n"
    "#   It has two paragraphs.\n"
    "site:\n"
    "    FROM alpine\n"
    "    # theme is the look\n"
    "    ARG --required theme\n"
    "    # about nothing that follows\n"
    "    ARG level=3\n"
    "    # out holds the pages\n"
    "    SAVE ARTIFACT out\n"
    "    SAVE ARTIFACT --keep-ts out ./ AS LOCAL dist\n"
    "    SAVE IMAGE --push site:$tag other\n"
    "\n"
    "# something else\n"
    "b-side:\n"
    "    ARG x\n"
    "another:\n";

struct Parsed {
  source::SourceManager sources;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter{consumer};
  const source::Buffer* buffer = *sources.AddText("Earthfile", std::string(kText));
  ast::earthfile::Earthfile file = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(*buffer, emitter), emitter);
  sema::earthfile::Features features = sema::earthfile::Features::OfVersion(0, 8);
};

TEST(Listing, TargetsAreSortedWithTheBase) {
  const Parsed parsed;
  EXPECT_EQ(ListTargets(parsed.file, {}), "+another\n+b-side\n+base\n+site\n");
  EXPECT_EQ(ListTargets(parsed.file, {.args = true, .long_names = true, .path = "./web"}),
            "./web+another\n./web+b-side\n  --x\n./web+base\n./web+site\n  --theme\n  --level\n");
}

TEST(Listing, DocumentationOfOneTarget) {
  const Parsed parsed;
  const auto text = DocumentTarget(parsed.file, parsed.features, "site", true);
  ASSERT_TRUE(text.has_value()) << text.error().message();
  EXPECT_EQ(*text,
            "+site --theme [--tag=latest] [--level=3]\n"
            "    site builds the pages.\n"
            "\n"
            "      It has two paragraphs.\n"
            "  REQUIRED ARGS:\n"
            "    --theme\n"
            "      theme is the look\n"
            "  OPTIONAL ARGS:\n"
            "    --tag=latest\n"
            "      tag is the version of the image\n"
            "    --level=3\n"
            "  ARTIFACTS:\n"
            "    out\n"
            "      out holds the pages\n"
            "  LOCAL ARTIFACTS:\n"
            "    out -> dist\n"
            "  IMAGES:\n"
            "    site:$tag, other\n"
            "\n");
}

TEST(Listing, DocumentationOfAllTargets) {
  const Parsed parsed;
  EXPECT_EQ(*DocumentTargets(parsed.file, parsed.features, false),
            "TARGETS:\n  +site --theme [--tag=latest] [--level=3]\n      site builds the pages.\n\n        It has two "
            "paragraphs.\n");
}

TEST(Listing, WhatHasNoDocumentationSaysHow) {
  const Parsed parsed;
  EXPECT_EQ(DocumentTarget(parsed.file, parsed.features, "sites", true).error().hint(), "did you mean `+site`?");
  EXPECT_EQ(DocumentTarget(parsed.file, parsed.features, "another", true).error().message(), "no doc comment found");
  EXPECT_NE(DocumentTarget(parsed.file, parsed.features, "b-side", true).error().hint().find("first word"),
            std::string::npos);
}

TEST(Listing, TreesAreListedFileByFile) {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(testing::TempDir()) / "listing-tree";
  fs::remove_all(root);
  for (const char* place : {"", "a/b", ".hidden"}) {
    fs::create_directories(root / place);
    std::ofstream(root / place / (std::string(place) == "a/b" ? "build.earth" : "Earthfile")) << "VERSION 0.8\nt:\n";
  }
  fs::create_directories(root / "c");
  std::ofstream(root / "c" / "Earthfile") << "VERSION 0.8\nFRON x\nu:\n";
  const auto listing = ListTree(root.string(), {});
  ASSERT_TRUE(listing.has_value());
  EXPECT_EQ(listing->text, "+base\n+t\n./a/b+base\n./a/b+t\n./c+base\n./c+u\n");
  EXPECT_EQ(listing->files, 3U);
  EXPECT_EQ(listing->targets, 3U);
  EXPECT_NE(listing->mistakes.find("c/Earthfile:2:1: unknown command `FRON`"), std::string::npos);
  EXPECT_FALSE(ListTree((root / "none").string(), {}).has_value());
  fs::remove_all(root);
}

}  // namespace
}  // namespace loam::driver::earthfile
