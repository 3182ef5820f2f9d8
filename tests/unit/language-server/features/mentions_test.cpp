#include "language-server/features/mentions.h"

#include <gtest/gtest.h>

namespace loam::lsp {
namespace {

std::vector<std::string> Texts(const std::vector<MentionedName>& names) {
  std::vector<std::string> texts;
  for (const MentionedName& name : names) {
    texts.push_back(name.text);
  }
  return texts;
}

TEST(Mentions, BakeHcl) {
  const std::string text =
      "# target \"no\" {}\nvariable \"TAG\" { default = \"x\" }\ntarget \"app\" {\n  context = \"src\"\n"
      "  dockerfile = \"dev.Dockerfile\" // why\n  target = \"build\"\n  args = {\n    A = \"1\"\n    \"B\" = TAG\n  "
      "}\n"
      "  labels = { target = \"no\" }\n}\ntarget \"half";
  const auto found = MentionsIn(FileRole::kBake, "/w/docker-bake.hcl", text);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "app");
  EXPECT_EQ(found[0].dockerfile, "/w/src/dev.Dockerfile");
  EXPECT_EQ(text.substr(found[0].target->span.begin, found[0].target->span.size()), "build");
  EXPECT_EQ(Texts(found[0].arguments), (std::vector<std::string>{"A", "B"}));
}

TEST(Mentions, BakeJson) {
  const std::string text =
      R"({"group": {"default": {"targets": ["a"]}}, "target": {"a": {"target": "t", "args": {"X": "1"}}, "b": {}}})";
  const auto found = MentionsIn(FileRole::kBake, "/w/docker-bake.json", text);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "a");
  EXPECT_EQ(found[0].dockerfile, "/w/Dockerfile");
  EXPECT_EQ(found[0].target->text, "t");
  EXPECT_EQ(Texts(found[0].arguments), std::vector<std::string>{"X"});
  EXPECT_EQ(found[1].name, "b");
}

TEST(Mentions, Compose) {
  const std::string text =
      "services:\n  db:\n    image: postgres\n  web:\n    build: ./web\n  api:\n    build:\n      context: api\n"
      "      dockerfile: 'Dockerfile.dev'   # c\n      target: \"run\"\n      args:\n        - A=1\n        - B\n"
      "    environment:\n      target: no\n  job:\n    build:\n      args:\n        C: 2\nvolumes:\n  build:\n    x: "
      "y\n";
  const auto found = MentionsIn(FileRole::kCompose, "/w/compose.yaml", text);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].name, "web");
  EXPECT_EQ(found[0].dockerfile, "/w/web/Dockerfile");
  EXPECT_EQ(found[1].dockerfile, "/w/api/Dockerfile.dev");
  EXPECT_EQ(text.substr(found[1].target->span.begin, found[1].target->span.size()), "run");
  EXPECT_EQ(Texts(found[1].arguments), (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(found[2].name, "job");
  EXPECT_EQ(Texts(found[2].arguments), std::vector<std::string>{"C"});
}

// Every prefix of a file is read as well.
TEST(Mentions, HalfTyped) {
  const std::string compose = "services:\n  a:\n    build:\n      target: \"x\"\n      args:\n        - A=1\n";
  const std::string hcl = "target \"a\" {\n  args = { A = \"1\" }\n  target = \"t\"\n}\n";
  for (std::size_t size = 0; size <= compose.size(); ++size) {
    (void)MentionsIn(FileRole::kCompose, "/w/c", compose.substr(0, size));
  }
  for (std::size_t size = 0; size <= hcl.size(); ++size) {
    (void)MentionsIn(FileRole::kBake, "/w/b.hcl", hcl.substr(0, size));
  }
}

}  // namespace
}  // namespace loam::lsp
