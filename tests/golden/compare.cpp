#include "tests/golden/compare.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

namespace loam::golden {

namespace {

namespace fs = std::filesystem;

std::string Read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string FirstDifference(const std::string& expected, const std::string& actual) {
  std::istringstream a(expected);
  std::istringstream b(actual);
  std::string line_a;
  std::string line_b;
  for (int number = 1;; ++number) {
    const bool has_a = static_cast<bool>(std::getline(a, line_a));
    const bool has_b = static_cast<bool>(std::getline(b, line_b));
    if (!has_a && !has_b) {
      return "they differ in the last line's end";
    }
    if (has_a != has_b || line_a != line_b) {
      return fmt::format("line {}\n  expected: {}\n  actual:   {}", number, has_a ? line_a : "<end of file>",
                         has_b ? line_b : "<end of file>");
    }
  }
}

bool WantsUpdate(int argc, char** argv) {
  const char* variable = std::getenv("LOAM_UPDATE_GOLDEN");
  return (variable != nullptr && std::string_view(variable) == "1") ||
         std::any_of(argv + 1, argv + argc, [](std::string_view argument) { return argument == "--update"; });
}

}  // namespace

int RunGolden(int argc, char** argv, const std::string& directory, const std::string& input_ending,
              const std::function<Outputs(const source::SourceManager&, const source::Buffer&)>& make) {
  const bool update = WantsUpdate(argc, argv);
  std::vector<fs::path> inputs;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename().string().ends_with(input_ending)) {
      inputs.push_back(entry.path());
    }
  }
  std::sort(inputs.begin(), inputs.end());
  int failures = 0;
  int files = 0;
  for (const fs::path& input : inputs) {
    source::SourceManager sources;
    const Result<const source::Buffer*> buffer = sources.AddText(input.filename().string(), Read(input));
    if (!buffer) {
      std::cout << buffer.error().message() << "\n";
      return 1;
    }
    for (const auto& [ending, text] : make(sources, **buffer)) {
      const fs::path expected_path = input.string() + ending;
      ++files;
      if (update) {
        std::ofstream(expected_path, std::ios::binary) << text;
        continue;
      }
      if (!fs::exists(expected_path)) {
        std::cout << fmt::format("{} is missing; make it with --update\n", expected_path.string());
        ++failures;
      } else if (const std::string expected = Read(expected_path); expected != text) {
        std::cout << fmt::format("{}: {}\n", expected_path.string(), FirstDifference(expected, text));
        ++failures;
      }
    }
  }
  std::cout << fmt::format("{} inputs, {} files{}, {} differ\n", inputs.size(), files, update ? " written" : "",
                           failures);
  return failures == 0 && !inputs.empty() ? 0 : 1;
}

}  // namespace loam::golden
