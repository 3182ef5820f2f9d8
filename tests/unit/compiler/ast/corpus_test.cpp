// Real Dockerfiles with BuildKit's verdicts, if LOAM_CONFORMANCE_DIR names a folder that has them (tests/conformance
// runs the whole compiler on them; here it is only which files the parser and the tree's builder reject).
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "compiler/syntax/tree.h"
#include "tests/unit/compiler/ast/parsed.h"

namespace loam::ast {
namespace {

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Errors that BuildKit's parser and instruction packages report, not its conversion to LLB.
bool IsOfTheParser(const std::string& error) {
  for (const std::string_view part : {"dockerfile parse error", "ENV must have two arguments",
                                      "file with no instructions", "array syntax, arrays must be",
                                      "no build stage in current context", "can't find = in", "unterminated heredoc"}) {
    if (error.find(part) != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST(Corpus, RejectsWhatBuildKitsParserRejects) {
  const char* directory = std::getenv("LOAM_CONFORMANCE_DIR");
  if (directory == nullptr) {
    GTEST_SKIP() << "LOAM_CONFORMANCE_DIR is not set";
  }
  std::ifstream golden(std::string(directory) + "/dockerfile/golden.jsonl");
  ASSERT_TRUE(golden) << "no golden.jsonl in " << directory;
  std::string line;
  std::size_t files = 0;
  while (std::getline(golden, line)) {
    const auto expected = nlohmann::json::parse(line);
    const auto name = expected["file"].get<std::string>();
    const Parsed parsed(Read(std::string(directory) + "/dockerfile/corpus/" + name));
    EXPECT_EQ(syntax::PrintSource(*parsed.dockerfile.tree), parsed.buffer->text()) << name;
    const bool rejected = !expected["ok"].get<bool>() && IsOfTheParser(expected["error"].get<std::string>());
    EXPECT_EQ(parsed.emitter.has_errors(), rejected) << name;
    ++files;
  }
  EXPECT_GT(files, 0U);
}

}  // namespace
}  // namespace loam::ast
