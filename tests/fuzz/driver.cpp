// fuzz_<target> [--seconds N] [--seed N] [--max-size N] [--timeout N] [--crashes DIR] [--save DIR] FILE|FOLDER...
//
// Runs every given file (folders: every file in them, recursively), then random changes of them for N seconds (default
// 0: only the files). Inputs that reach new code join the corpus; with --save they are also written there. The first
// input that fails is written to --crashes (default: the working folder) and ends the program; so does one that takes
// longer than --timeout seconds (default 20).
#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <cxxopts.hpp>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "tests/fuzz/coverage.h"
#include "tests/fuzz/mutator.h"
#include "tests/fuzz/target.h"

namespace {

namespace fs = std::filesystem;
using loam::fuzz::kCoverageSlots;

// Signal handlers and the sanitizer's callback get at the input by these.
const std::string* current_input = nullptr;
std::string* crash_path = nullptr;

// Only system calls: runs in signal handlers.
void SaveCurrentInput() {
  if (current_input == nullptr || crash_path == nullptr) {
    return;
  }
  const std::string* input = current_input;
  current_input = nullptr;
  const int fd = ::open(crash_path->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd >= 0) {
    const auto written = ::write(fd, input->data(), input->size());
    ::close(fd);
    if (written == static_cast<ssize_t>(input->size())) {
      constexpr std::string_view kSaved = "\nthe input was saved as ";
      static_cast<void>(!::write(STDERR_FILENO, kSaved.data(), kSaved.size()));
      static_cast<void>(!::write(STDERR_FILENO, crash_path->data(), crash_path->size()));
      static_cast<void>(!::write(STDERR_FILENO, "\n", 1));
    }
  }
}

// Counts the program's own CPU time: a busy machine makes no input slow.
void SetCpuTimer(unsigned seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(seconds);
  ::setitimer(ITIMER_VIRTUAL, &timer, nullptr);
}

void OnSignal(int signal) {
  SaveCurrentInput();
  if (signal == SIGVTALRM) {
    constexpr std::string_view kSlow = "an input took too long\n";
    static_cast<void>(!::write(STDERR_FILENO, kSlow.data(), kSlow.size()));
  }
  // Default action: the exit status names the signal.
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::vector<fs::path> FilesOf(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      files.emplace_back(path);
      continue;
    }
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) {
        files.push_back(entry.path());
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

class Runner {
 public:
  explicit Runner(unsigned timeout) : timeout_(timeout), seen_(kCoverageSlots) {}

  // True if the input reached something new.
  bool Run(const std::string& input) {
    loam::fuzz::ResetCoverage();
    current_input = &input;
    SetCpuTimer(timeout_);
    // An exception that leaves the target is a finding: it ends in SIGABRT.
    [&]() noexcept { LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()); }();
    SetCpuTimer(0);
    current_input = nullptr;
    ++runs_;
    bool found = false;
    const loam::fuzz::CoverageMap& counts = loam::fuzz::Coverage();
    for (std::size_t i = 0; i < kCoverageSlots; ++i) {
      if (counts[i] == 0) {
        continue;
      }
      // How often matters by its order of magnitude only.
      std::uint8_t bucket = 1;
      for (unsigned limit = 1; limit < counts[i] && bucket < 128; limit *= 2) {
        bucket = static_cast<std::uint8_t>(bucket << 1U);
      }
      if ((seen_[i] & bucket) == 0) {
        edges_ += seen_[i] == 0 ? 1 : 0;
        seen_[i] |= bucket;
        found = true;
      }
    }
    return found;
  }

  [[nodiscard]] std::uint64_t runs() const { return runs_; }
  [[nodiscard]] std::size_t edges() const { return edges_; }

 private:
  unsigned timeout_;
  std::vector<std::uint8_t> seen_;
  std::uint64_t runs_ = 0;
  std::size_t edges_ = 0;
};

int Fuzz(const cxxopts::ParseResult& args, const std::string& name) {
  const auto seed = args["seed"].as<std::uint64_t>();
  const std::chrono::seconds seconds(args["seconds"].as<unsigned>());
  const std::size_t max_size = args["max-size"].as<std::size_t>();
  std::string path = fmt::format("{}/crash-{}-{}", args["crashes"].as<std::string>(), name, ::getpid());
  crash_path = &path;

  Runner runner(args["timeout"].as<unsigned>());
  std::vector<std::string> corpus;
  for (const fs::path& file : FilesOf(args["files"].as<std::vector<std::string>>())) {
    corpus.push_back(ReadFile(file));
    runner.Run(corpus.back());
  }
  if (corpus.empty()) {
    std::cerr << "no inputs\n";
    return 2;
  }
  std::cout << fmt::format("{}: {} seeds, {} edges\n", name, corpus.size(), runner.edges());
  std::erase_if(corpus, [&](const std::string& input) { return input.size() > max_size; });
  corpus.emplace_back();

  loam::fuzz::Mutator mutator(seed, max_size);
  const std::size_t seeds = corpus.size();
  const auto end = std::chrono::steady_clock::now() + seconds;
  while (std::chrono::steady_clock::now() < end) {
    std::string input = mutator.Next(corpus);
    if (runner.Run(input)) {
      if (args.count("save") != 0) {
        std::ofstream(fmt::format("{}/{}-{:06}", args["save"].as<std::string>(), seed, corpus.size()), std::ios::binary)
            << input;
      }
      corpus.push_back(std::move(input));
    }
  }
  std::cout << fmt::format("{}: {} inputs run, {} edges, {} inputs found\n", name, runner.runs(), runner.edges(),
                           corpus.size() - seeds);
  crash_path = nullptr;
  return 0;
}

}  // namespace

// A single input must not take more memory than any honest one.
extern "C" const char* __asan_default_options() {
  return "max_allocation_size_mb=1024:hard_rss_limit_mb=6144:handle_abort=0";
}
extern "C" const char* __ubsan_default_options() {
  return "print_stacktrace=1";
}

int main(int argc, char** argv) {
  const std::string name = fs::path(argv[0]).filename();
  cxxopts::Options flags(name, "run inputs, then random changes of them");
  flags.add_options()("seconds", "how long to run changed inputs", cxxopts::value<unsigned>()->default_value("0"))(
      "seed", "of the random numbers", cxxopts::value<std::uint64_t>()->default_value("1"))(
      "max-size", "bytes of a changed input", cxxopts::value<std::size_t>()->default_value("16384"))(
      "timeout", "seconds that one input may take", cxxopts::value<unsigned>()->default_value("20"))(
      "crashes", "where an input that fails is written", cxxopts::value<std::string>()->default_value("."))(
      "save", "where inputs that reach new code are written", cxxopts::value<std::string>())(
      "files", "seeds", cxxopts::value<std::vector<std::string>>());
  flags.parse_positional("files");
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(SaveCurrentInput);
#else
  // With AddressSanitizer these are its own.
  std::signal(SIGSEGV, OnSignal);
  std::signal(SIGBUS, OnSignal);
  std::signal(SIGFPE, OnSignal);
#endif
  std::signal(SIGVTALRM, OnSignal);
  std::signal(SIGABRT, OnSignal);
  try {
    const cxxopts::ParseResult args = flags.parse(argc, argv);
    if (args.count("files") == 0) {
      std::cerr << flags.help();
      return 2;
    }
    return Fuzz(args, name);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    SaveCurrentInput();
    return 2;
  }
}
