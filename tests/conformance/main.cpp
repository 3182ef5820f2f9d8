// loam-conformance [--dir DIR] [--only TEXT] [--diff] [--json OUT] [--floor FILE] [--quiet] [--repeat N]
//
// Compiles every Dockerfile of DIR/dockerfile and counts how many agree with the recorded answers in LLB, image config,
// warnings and rejection, then the build-check cases beside them; parses every Earthfile of DIR/earthfile and compares
// the trees. DIR may also be one of the two folders itself. --floor fails if a count is lower than the file says.
// Exit code 77: there is neither folder.
#include <sys/stat.h>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <cxxopts.hpp>
#include <nlohmann/json.hpp>

#include "tests/conformance/checks.h"
#include "tests/conformance/compare.h"
#include "tests/conformance/earthfile.h"
#include "tests/conformance/hadolint.h"

namespace {

using loam::conformance::Case;
using loam::conformance::Outcome;

constexpr int kSkipped = 77;

struct Totals {
  int cases = 0;
  int accepted = 0;
  int llb = 0;
  int image = 0;
  int metadata = 0;
  int warnings = 0;
  int rejections = 0;
  loam::conformance::CheckTotals checks;
  loam::conformance::HadolintTotals hadolint;
};

bool Exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

nlohmann::json ToJson(const Case& test, const Outcome& outcome) {
  nlohmann::json row{
      {"kind", "dockerfile"}, {"file", test.file}, {"ok", outcome.ok}, {"microseconds", outcome.microseconds}};
  if (!outcome.error.empty()) {
    row["error"] = outcome.error;
  }
  if (outcome.ok) {
    row["head"] = outcome.head;
    row["digests"] = outcome.digests;
    row["image"] = nlohmann::json::parse(outcome.image, nullptr, false);
  }
  row["warnings"] = nlohmann::json::parse(outcome.warnings, nullptr, false);
  return row;
}

// Counts of one folder that must not fall.
struct Counts {
  const char* cases_name;
  int cases;
  std::vector<std::pair<const char*, int>> counts;
};

// False if a count is below the floor.
bool KeepsFloor(const std::string& path, const std::vector<Counts>& folders) {
  std::ifstream in(path);
  const auto floor = nlohmann::json::parse(in, nullptr, false);
  if (!floor.is_object()) {
    std::cerr << path << ": not a JSON object\n";
    return false;
  }
  bool ok = true;
  for (const Counts& folder : folders) {
    if (floor.value(folder.cases_name, 0) != folder.cases) {
      std::cout << fmt::format("the floor of `{}` was recorded for another corpus; not compared\n", folder.cases_name);
      continue;
    }
    for (const auto& [name, count] : folder.counts) {
      if (const int least = floor.value(name, 0); count < least) {
        std::cerr << fmt::format("{}: {} is below the floor of {}\n", name, count, least);
        ok = false;
      }
    }
  }
  return ok;
}

// Prints the figures; false, with a message, if the folder cannot be read.
bool RunDockerfiles(const std::string& dir, const cxxopts::ParseResult& args, nlohmann::json& rows, Totals& totals) {
  auto cases = loam::conformance::LoadCases(dir, args["only"].as<std::string>());
  if (!cases) {
    std::cerr << cases.error().message() << "\n";
    return false;
  }
  std::vector<double> times;
  const bool quiet = args.count("quiet") != 0;
  for (Case& test : *cases) {
    Outcome outcome = RunCase(test);
    for (int i = 1; i < args["repeat"].as<int>(); ++i) {
      outcome.microseconds = std::min(outcome.microseconds, RunCase(test).microseconds);
    }
    ++totals.cases;
    totals.accepted += test.ok ? 1 : 0;
    const bool llb = SameLlb(test, outcome);
    const bool image = SameImage(test, outcome);
    const bool metadata = SameMetadata(dir, test, outcome);
    totals.metadata += metadata ? 1 : 0;
    const bool rejection = test.ok == outcome.ok;
    totals.llb += llb ? 1 : 0;
    totals.image += image ? 1 : 0;
    const bool warnings = SameWarnings(test, outcome);
    totals.warnings += warnings ? 1 : 0;
    totals.rejections += rejection ? 1 : 0;
    times.push_back(outcome.microseconds);
    const bool differs = !rejection || !warnings || (test.ok && (!llb || !image || !metadata));
    if (differs && !quiet) {
      std::cout << fmt::format("{}:{}{}{}{}{}\n", test.file, warnings ? "" : " warnings", rejection ? "" : " rejection",
                               rejection && test.ok && !metadata ? " metadata" : "",
                               rejection && test.ok && !llb ? " llb" : "",
                               rejection && test.ok && !image ? " image" : "");
    }
    if (args.count("diff") != 0 && (differs || !args["only"].as<std::string>().empty())) {
      std::cout << DescribeDifference(dir, test, outcome);
    }
    if (!args["json"].as<std::string>().empty()) {
      rows.push_back(ToJson(test, outcome));
    }
  }
  std::sort(times.begin(), times.end());
  double sum = 0;
  for (const double time : times) {
    sum += time;
  }
  std::cout << fmt::format(
      "{} Dockerfiles, {} of them accepted upstream\n"
      "LLB identical:          {} of {}\n"
      "image config identical: {} of {}\n"
      "metadata identical:     {} of {}\n"
      "warnings identical:     {} of {}\n"
      "rejections agreeing:    {} of {}\n"
      "median {:.0f} us per file, {:.0f} files/s\n",
      totals.cases, totals.accepted, totals.llb, totals.accepted, totals.image, totals.accepted, totals.metadata,
      totals.accepted, totals.warnings, totals.cases, totals.rejections, totals.cases,
      times.empty() ? 0.0 : times[times.size() / 2], sum > 0 ? static_cast<double>(times.size()) * 1e6 / sum : 0.0);
  const auto checks = loam::conformance::RunChecks(dir, quiet);
  if (!checks) {
    std::cerr << checks.error().message() << "\n";
    return false;
  }
  totals.checks = *checks;
  std::cout << fmt::format("build-check cases:      {} of {}\nbuild-check examples:   {} of {}\n", checks->agreeing,
                           checks->cases, checks->documented_agreeing, checks->documented);
  const auto hadolint = loam::conformance::RunHadolintCases(dir, quiet);
  if (!hadolint) {
    std::cerr << hadolint.error().message() << "\n";
    return false;
  }
  totals.hadolint = *hadolint;
  std::cout << fmt::format("hadolint cases:         {} of {}\n", hadolint->agreeing, hadolint->cases);
  if (hadolint->has_shellcheck) {
    std::cout << fmt::format("ShellCheck cases:       {} of {}\n", hadolint->shell_agreeing, hadolint->shell_cases);
  } else {
    std::cout << "ShellCheck cases:       skipped: shellcheck is not installed\n";
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  cxxopts::Options flags("loam-conformance", "compare the compiler with recorded answers");
  flags.add_options()("dir", "folder with dockerfile/ and earthfile/",
                      cxxopts::value<std::string>()->default_value("../shared/conformance"))(
      "only", "only files whose path contains this", cxxopts::value<std::string>()->default_value(""))(
      "diff", "show the first differences")("quiet", "print only the totals")(
      "json", "write what was computed to this file", cxxopts::value<std::string>()->default_value(""))(
      "floor", "counts that must be reached", cxxopts::value<std::string>()->default_value(""))(
      "repeat", "compile every file this often, take the fastest", cxxopts::value<int>()->default_value("1"));
  try {
    const auto args = flags.parse(argc, argv);
    const std::string dir = args["dir"].as<std::string>();
    const bool is_earthfile = loam::conformance::HasEarthfiles(dir);
    const std::string dockerfiles = Exists(dir + "/golden.jsonl") && !is_earthfile ? dir : dir + "/dockerfile";
    const std::string earthfiles = is_earthfile ? dir : dir + "/earthfile";
    const bool has_dockerfiles = Exists(dockerfiles + "/golden.jsonl");
    const bool has_earthfiles = loam::conformance::HasEarthfiles(earthfiles);
    if (!has_dockerfiles && !has_earthfiles) {
      std::cout << "skipped: there is neither " << dockerfiles << "/golden.jsonl nor " << earthfiles << "\n";
      return kSkipped;
    }
    nlohmann::json rows = nlohmann::json::array();
    std::vector<Counts> folders;
    if (has_dockerfiles) {
      Totals totals;
      if (!RunDockerfiles(dockerfiles, args, rows, totals)) {
        return 2;
      }
      folders.push_back({"cases",
                         totals.cases,
                         {{"llb_identical", totals.llb},
                          {"image_identical", totals.image},
                          {"metadata_identical", totals.metadata},
                          {"warnings_identical", totals.warnings},
                          {"rejections_agreeing", totals.rejections},
                          {"check_cases_agreeing", totals.checks.agreeing},
                          {"check_examples_agreeing", totals.checks.documented_agreeing},
                          {"hadolint_agreeing", totals.hadolint.agreeing}}});
      if (totals.hadolint.has_shellcheck) {
        folders.back().counts.emplace_back("shellcheck_agreeing", totals.hadolint.shell_agreeing);
      }
    }
    if (has_earthfiles) {
      const auto totals = loam::conformance::RunEarthfiles(earthfiles,
                                                           {.only = args["only"].as<std::string>(),
                                                            .quiet = args.count("quiet") != 0,
                                                            .diff = args.count("diff") != 0,
                                                            .repeat = args["repeat"].as<int>()},
                                                           rows);
      if (!totals) {
        std::cerr << totals.error().message() << "\n";
        return 2;
      }
      std::cout << fmt::format(
          "{} Earthfiles, {} of them accepted upstream\n"
          "trees identical:        {} of {}\n"
          "rejections agreeing:    {} of {}\n"
          "median {:.0f} us per file from text to tree\n",
          totals->cases, totals->accepted, totals->trees, totals->accepted, totals->rejections, totals->cases,
          totals->median_us);
      folders.push_back(
          {"earthfile_cases",
           totals->cases,
           {{"earthfile_trees_identical", totals->trees}, {"earthfile_rejections_agreeing", totals->rejections}}});
    }
    if (!args["json"].as<std::string>().empty()) {
      std::ofstream(args["json"].as<std::string>())
          << rows.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    }
    const std::string floor = args["floor"].as<std::string>();
    return floor.empty() || KeepsFloor(floor, folders) ? 0 : 1;
  } catch (const cxxopts::exceptions::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
