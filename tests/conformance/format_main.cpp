// loam-format-corpus DIR [TEXT]: formats every Dockerfile of DIR/golden.jsonl (whose path contains TEXT) that is
// accepted, formats the result again and compiles it: nothing may change the second time, and ops, head and image
// config must be the same (comments are compared by the formatter). Fails if one differs. Exit code 77: there is no
// such folder.
#include <sys/stat.h>
#include <iostream>

#include <fmt/format.h>

#include "compiler/format/dockerfile.h"
#include "tests/conformance/compare.h"

namespace {

loam::Result<std::string> Format(const std::string& text) {
  loam::source::SourceManager sources;
  const loam::source::Buffer* buffer = LOAM_TRY(sources.AddText("Dockerfile", text));
  loam::diag::CollectingConsumer consumer;
  loam::diag::Emitter emitter(consumer);
  return loam::format::FormatDockerfile(*buffer, emitter);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string dir = argc > 1 ? argv[1] : "../shared/conformance/dockerfile";
  struct stat info {};
  if (::stat((dir + "/golden.jsonl").c_str(), &info) != 0) {
    std::cout << "skipped: there is no " << dir << "/golden.jsonl\n";
    return 77;
  }
  auto cases = loam::conformance::LoadCases(dir, argc > 2 ? argv[2] : "");
  if (!cases) {
    std::cerr << cases.error().message() << "\n";
    return 2;
  }
  int accepted = 0;
  int formatted = 0;
  int changed = 0;
  int idempotent = 0;
  int same = 0;
  for (loam::conformance::Case& test : *cases) {
    const loam::conformance::Outcome before = RunCase(test);
    if (!before.ok) {
      continue;
    }
    ++accepted;
    const auto text = Format(test.text);
    if (!text) {
      std::cout << test.file << ": " << text.error().message() << "\n";
      continue;
    }
    ++formatted;
    changed += *text != test.text ? 1 : 0;
    const auto again = Format(*text);
    const bool stable = again && *again == *text;
    loam::conformance::Case printed = test;
    printed.text = *text;
    const loam::conformance::Outcome after = RunCase(printed);
    const bool equal =
        after.ok && after.head == before.head && after.digests == before.digests && after.image == before.image;
    idempotent += stable ? 1 : 0;
    same += equal ? 1 : 0;
    if (!stable || !equal) {
      std::cout << fmt::format("{}:{}{}\n", test.file, stable ? "" : " not idempotent", equal ? "" : " other build");
    }
  }
  std::cout << fmt::format("formatted, comments kept: {} of {} ({} changed)\nidempotent: {}\nthe same build: {}\n",
                           formatted, accepted, changed, idempotent, same);
  return accepted > 0 && formatted == accepted && idempotent == accepted && same == accepted ? 0 : 1;
}
