// The definitions that upstream's frontend made of real Dockerfiles, where that folder is at hand.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace loam::llb {

struct LlbFile {
  std::string name;
  std::string bytes;
};

// $LOAM_CONFORMANCE_DIR, or the folder beside the source tree; "" if there is none.
inline std::string ConformanceLlbDir() {
  const char* given = std::getenv("LOAM_CONFORMANCE_DIR");
  const std::filesystem::path root = given != nullptr
                                         ? std::filesystem::path(given)
                                         : std::filesystem::path(LOAM_SOURCE_DIR) / "../shared/conformance";
  const std::filesystem::path dir = root / "dockerfile/llb";
  return std::filesystem::is_directory(dir) ? dir.string() : "";
}

inline std::string ReadTestFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::vector<LlbFile> ReadConformanceLlb() {
  std::vector<LlbFile> files;
  const std::string dir = ConformanceLlbDir();
  if (dir.empty()) {
    return files;
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().extension() == ".pb") {
      files.push_back({entry.path().filename().string(), ReadTestFile(entry.path())});
    }
  }
  std::sort(files.begin(), files.end(), [](const LlbFile& a, const LlbFile& b) { return a.name < b.name; });
  return files;
}

}  // namespace loam::llb

// Leaves the test as skipped, saying why.
#define LOAM_SKIP_WITHOUT_CONFORMANCE()                                                                             \
  if (::loam::llb::ConformanceLlbDir().empty()) {                                                                   \
    GTEST_SKIP() << "no conformance data: set LOAM_CONFORMANCE_DIR to a folder that has dockerfile/llb/*.pb in it"; \
  }
