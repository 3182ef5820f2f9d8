// loam-passes-gain DIR: the figures of docs/passes.md. DIR holds golden.jsonl and corpus/; exit code 77: it does not.
#include <sys/stat.h>

#include <iostream>
#include <string>

#include "tests/conformance/gain.h"

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  const std::string dir = argc > 1 ? argv[1] : "../shared/conformance/dockerfile";
  struct stat info {};
  if (::stat((dir + "/golden.jsonl").c_str(), &info) != 0) {
    std::cout << "skipped: there is no " << dir << "/golden.jsonl\n";
    return kSkipped;
  }
  auto cases = loam::conformance::LoadCases(dir, "");
  if (!cases) {
    std::cerr << cases.error().message() << "\n";
    return 2;
  }
  const loam::conformance::Gain gain = loam::conformance::MeasureGain(*cases);
  std::cout << loam::conformance::GainText(gain);
  return gain.failures.empty() ? 0 : 1;
}
