// loam-print-back DIR [TEXT]: prints every accepted Dockerfile of DIR/golden.jsonl (whose path contains TEXT) back in
// its plain form, without and with the digests of its images, and compiles it again: ops and image config must be the
// same. Fails if one differs. Exit code 77: there is no such folder.
#include <sys/stat.h>
#include <iostream>

#include <fmt/format.h>

#include "tests/conformance/print_back.h"

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
  int plain = 0;
  int pinned = 0;
  for (loam::conformance::Case& test : *cases) {
    const loam::conformance::Outcome outcome = RunCase(test);
    if (!outcome.ok) {
      continue;
    }
    ++accepted;
    const loam::conformance::PrintBack back = RunPrintBack(test, outcome);
    plain += back.plain ? 1 : 0;
    pinned += back.pinned ? 1 : 0;
    if (!back.difference.empty()) {
      std::cout << fmt::format("{}{}:\n{}", test.file, back.plain ? ", with digests" : "", back.difference);
    }
  }
  std::cout << fmt::format("printed back:           {} of {}\nprinted back, pinned:   {} of {}\n", plain, accepted,
                           pinned, accepted);
  return plain == accepted && pinned == accepted && accepted > 0 ? 0 : 1;
}
