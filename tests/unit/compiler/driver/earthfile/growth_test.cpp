// Work grows with the project and not faster: allocated bytes and CPU time of listing, static check and evaluation, for
// a monorepo and one of four times its size.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <map>
#include <new>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file_system.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/earthfile/compile.h"
#include "compiler/driver/earthfile/listing.h"
#include "compiler/sema/earthfile/check.h"
#include "compiler/sema/earthfile/project.h"
#include "tests/support/earthfile_hosts.h"

namespace {
std::atomic<std::size_t> allocated_bytes{0};
}  // namespace

// g++ -O2 inlines one of a pair and then takes the other for the library's.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
void* operator new(std::size_t size, const std::nothrow_t& /*unused*/) noexcept {
  allocated_bytes.fetch_add(size, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
  if (void* const memory = operator new(size, std::nothrow)) {
    return memory;
  }
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace loam::driver::earthfile {
namespace {

using sema::earthfile::MemoryProjectHost;

constexpr std::size_t kTargets = 10;
constexpr std::size_t kProjects = 16;
constexpr std::size_t kFactor = 4;
// Four times the work; the rest is what growing containers and a deeper tree cost, and noise of the clock. Work that
// grew with the square would be sixteen times.
constexpr double kMostBytes = 5;
constexpr double kMostTime = 8;
constexpr int kRuns = 3;

// `projects` directories, ten targets each, that share functions; +all builds them all.
std::map<std::string, std::string> Monorepo(std::size_t projects) {
  std::map<std::string, std::string> files;
  files["lib/Earthfile"] =
      "VERSION 0.8\nFROM alpine\nSTAMP:\n    FUNCTION\n    ARG --required name\n    RUN echo $name > stamp\n";
  std::string& root = files["Earthfile"];
  root = "VERSION 0.8\nFROM alpine\nall:\n";
  for (std::size_t p = 0; p < projects; ++p) {
    std::string& text = files[fmt::format("services/s{}/Earthfile", p)];
    text = "VERSION 0.8\nIMPORT ../../lib AS lib\nFROM alpine\nARG --global PROFILE=release\nWORKDIR /src\n";
    for (std::size_t t = 0; t < kTargets; ++t) {
      text += fmt::format(
          "# t{0} is a part.\nt{0}:\n    ARG LEVEL=1\n    COPY main.c .\n    RUN make part-{0} PROFILE=$PROFILE "
          "LEVEL=$LEVEL\n    DO lib+STAMP --name=s{1}-{0}\n    SAVE ARTIFACT out\n",
          t, p);
      root += fmt::format("    BUILD ./services/s{}+t{}\n", p, t);
    }
  }
  return files;
}

struct Cost {
  double bytes = 0;
  double seconds = 0;
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime);
}

// The least of some runs: what else the machine does only adds.
template <class Work>
Cost CostOf(const Work& work) {
  Cost least{std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  for (int run = 0; run < kRuns; ++run) {
    const std::size_t bytes = allocated_bytes.load();
    const double begin = CpuSeconds();
    work();
    least.seconds = std::min(least.seconds, CpuSeconds() - begin);
    least.bytes = std::min(least.bytes, static_cast<double>(allocated_bytes.load() - bytes));
  }
  return least;
}

void ExpectLinear(const Cost& small, const Cost& large) {
  fmt::print("bytes {:.2f}, CPU time {:.2f}\n", large.bytes / small.bytes, large.seconds / small.seconds);
  EXPECT_LT(large.bytes / small.bytes, kMostBytes) << small.bytes << " and " << large.bytes << " bytes";
  EXPECT_GT(large.bytes / small.bytes, 2) << "the work was not done";
  EXPECT_LT(large.seconds / small.seconds, kMostTime) << small.seconds << " and " << large.seconds << " s";
}

struct Host : MemoryProjectHost {
  explicit Host(std::size_t projects) { files = Monorepo(projects); }
};

void Check(Host& host) {
  source::SourceManager sources;
  sema::earthfile::Project project(host, sources, {});
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto root = sema::earthfile::ParseReference("+all", "");
  ASSERT_TRUE(root);
  const auto summary = sema::earthfile::CheckProject(project, *root, {}, emitter);
  EXPECT_TRUE(summary.ok) << diag::RenderTerminal(consumer.diagnostics(), sources);
  EXPECT_EQ(summary.targets, (host.files.size() - 2) * kTargets + 1);
}

void Evaluate(Host& host) {
  source::SourceManager sources;
  sema::earthfile::Gate gate;
  sema::earthfile::Project project(host, sources, {.gate = &gate});
  sema::earthfile::TableBuildHost build_host;
  build_host.gate = &gate;
  sema::earthfile::NotingEffects effects;
  sema::earthfile::EvaluateRequest request;
  request.roots = {"+all"};
  request.project = &project;
  request.sources = &sources;
  request.host = &build_host;
  request.effects = &effects;
  request.gate = &gate;
  request.options.native_platform = request.options.user_platform = "linux/amd64";
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto compiled = Compile(request, {}, emitter);
  ASSERT_TRUE(compiled) << compiled.error().message();
  ASSERT_TRUE(*compiled) << diag::RenderTerminal(consumer.diagnostics(), sources);
  EXPECT_GE((*compiled)->outputs.states.size(), (host.files.size() - 2) * kTargets);
}

TEST(Growth, OfListing) {
  const auto cost = [](std::size_t projects) {
    const TempDir directory = *TempDir::Create();
    for (const auto& [name, text] : Monorepo(projects)) {
      const std::string path = directory.Child(name);
      EXPECT_TRUE(MakeDirs(path.substr(0, path.rfind('/'))));
      EXPECT_TRUE(WriteFileAtomic(path, text));
    }
    return CostOf([&] {
      const auto listing = ListTree(directory.path(), {});
      ASSERT_TRUE(listing);
      EXPECT_EQ(listing->targets, projects * kTargets + 1);
    });
  };
  ExpectLinear(cost(kProjects), cost(kFactor * kProjects));
}

TEST(Growth, OfTheStaticCheck) {
  const auto cost = [](std::size_t projects) {
    Host host(projects);
    return CostOf([&] { Check(host); });
  };
  ExpectLinear(cost(kProjects), cost(kFactor * kProjects));
}

TEST(Growth, OfEvaluatingIndependentTargets) {
  const auto cost = [](std::size_t projects) {
    Host host(projects);
    return CostOf([&] { Evaluate(host); });
  };
  ExpectLinear(cost(kProjects), cost(kFactor * kProjects));
}

}  // namespace
}  // namespace loam::driver::earthfile
