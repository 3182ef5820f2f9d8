// loam-format-corpus DIR [TEXT [BUILDS]]: formats every file of DIR/dockerfile and DIR/earthfile (whose path contains
// TEXT) that is accepted, formats the result again, and compiles Dockerfiles: nothing may change the second time, and
// ops, head and image config, or the recorded tree of an Earthfile, must be the same (comments are compared by the
// formatter). Fails if one differs. Exit code 77: there is no such folder.
#include <sys/stat.h>
#include <cstdlib>
#include <iostream>
#include <limits>

#include <fmt/format.h>

#include "compiler/format/dockerfile.h"
#include "tests/conformance/compare.h"
#include "tests/conformance/format_earthfiles.h"

namespace {

loam::Result<std::string> Format(const std::string& text) {
  loam::source::SourceManager sources;
  const loam::source::Buffer* buffer = LOAM_TRY(sources.AddText("Dockerfile", text));
  loam::diag::CollectingConsumer consumer;
  loam::diag::Emitter emitter(consumer);
  return loam::format::FormatDockerfile(*buffer, emitter);
}

loam::Result<loam::conformance::FormatTotals> FormatDockerfiles(const std::string& dir, const std::string& only) {
  auto cases = LOAM_TRY(loam::conformance::LoadCases(dir, only));
  loam::conformance::FormatTotals totals;
  for (loam::conformance::Case& test : cases) {
    const loam::conformance::Outcome before = RunCase(test);
    if (!before.ok) {
      continue;
    }
    ++totals.accepted;
    const auto text = Format(test.text);
    if (!text) {
      std::cout << test.file << ": " << text.error().message() << "\n";
      continue;
    }
    ++totals.formatted;
    totals.changed += *text != test.text ? 1 : 0;
    const auto again = Format(*text);
    const bool stable = again && *again == *text;
    loam::conformance::Case printed = test;
    printed.text = *text;
    const loam::conformance::Outcome after = RunCase(printed);
    const bool equal =
        after.ok && after.head == before.head && after.digests == before.digests && after.image == before.image;
    totals.idempotent += stable ? 1 : 0;
    totals.same += equal ? 1 : 0;
    if (!stable || !equal) {
      std::cout << fmt::format("{}:{}{}\n", test.file, stable ? "" : " not idempotent", equal ? "" : " other build");
    }
  }
  return totals;
}

bool Report(const char* what, const loam::Result<loam::conformance::FormatTotals>& totals) {
  if (!totals) {
    std::cerr << totals.error().message() << "\n";
    return false;
  }
  std::cout << fmt::format("{}: formatted, comments kept: {} of {} ({} changed); idempotent: {}; unchanged: {}\n", what,
                           totals->formatted, totals->accepted, totals->changed, totals->idempotent, totals->same);
  if (totals->targets > 0) {
    std::cout << fmt::format("  targets of changed files: {} evaluated of {}, {} make something else\n",
                             totals->evaluated, totals->targets, totals->other_builds);
  }
  return totals->AllWell();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string dir = argc > 1 ? argv[1] : "../shared/conformance";
  const std::string only = argc > 2 ? argv[2] : "";
  const int builds = argc > 3 ? std::atoi(argv[3]) : std::numeric_limits<int>::max();
  struct stat info {};
  if (::stat((dir + "/dockerfile/golden.jsonl").c_str(), &info) != 0) {
    std::cout << "skipped: there is no " << dir << "/dockerfile/golden.jsonl\n";
    return 77;
  }
  const bool dockerfiles = Report("Dockerfiles", FormatDockerfiles(dir + "/dockerfile", only));
  const bool earthfiles = Report("Earthfiles", loam::conformance::FormatEarthfiles(dir + "/earthfile", only, builds));
  return dockerfiles && earthfiles ? 0 : 1;
}
