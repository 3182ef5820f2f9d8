// A project of twice as many targets takes little more than twice the time, from text to LLB.
#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "compiler/driver/earthfile/compile.h"
#include "compiler/sema/earthfile/project.h"
#include "tests/support/earthfile_hosts.h"

namespace loam::driver::earthfile {
namespace {

using namespace loam::sema::earthfile;

// `count` targets below +all, each on what the one before left (`chain`), or all beside each other.
std::string Targets(int count, bool chain) {
  std::string text = "VERSION 0.8\nFROM alpine\nWORKDIR /src\nCOPY go.mod .\nRUN make deps\nall:\n";
  for (int i = 0; i < count; ++i) {
    text += fmt::format("  BUILD +t{} --x={}\n", i, i);
  }
  for (int i = 0; i < count; ++i) {
    text += fmt::format("t{}:\n  ARG x\n", i);
    text += chain && i > 0 ? fmt::format("  COPY +t{}/out .\n", i - 1) : "";
    text += fmt::format("  COPY src{0} src{0}\n  RUN make $x\n  SAVE ARTIFACT out\n", i);
  }
  return text;
}

double SecondsFor(int count, bool chain) {
  const auto cpu = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);  // what else the machine does is no part of it
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  MemoryProjectHost projects;
  projects.files["Earthfile"] = Targets(count, chain);
  source::SourceManager sources;
  Gate gate;
  TableBuildHost host;
  host.gate = &gate;
  NotingEffects effects;
  Project project(projects, sources, {"", "", &gate});
  EvaluateRequest request;
  request.roots = {"+all"};
  request.project = &project;
  request.sources = &sources;
  request.host = &host;
  request.effects = &effects;
  request.gate = &gate;
  request.options.native_platform = "linux/amd64";
  request.options.user_platform = "linux/amd64";
  request.options.invocation_directory = "/project";
  request.options.parallelism = 1;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const double begin = cpu();
  const auto compiled = Compile(request, {}, emitter);
  const double end = cpu();
  EXPECT_TRUE(compiled && *compiled) << (consumer.diagnostics().empty() ? "" : consumer.diagnostics()[0].message);
  return end - begin;
}

TEST(Growth, IsThatOfTheProject) {
  for (const bool chain : {false, true}) {
    const double once = std::min(SecondsFor(60, chain), SecondsFor(60, chain));
    const double four_times = std::min(SecondsFor(240, chain), SecondsFor(240, chain));
    EXPECT_LT(four_times, 6 * once) << (chain ? "a chain" : "targets beside each other");
  }
}

}  // namespace
}  // namespace loam::driver::earthfile
