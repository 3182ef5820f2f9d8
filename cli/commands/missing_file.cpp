#include "cli/commands/missing_file.h"

#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/pattern_matcher.h"
#include "base/strings.h"

namespace loam::cli {

namespace {

// The path of `"/path": not found`.
std::optional<std::string> MissingPath(const std::string& message) {
  constexpr std::string_view kTail = "\": not found";
  const std::size_t end = message.rfind(kTail);
  const std::size_t begin = end == std::string::npos ? end : message.rfind("\"/", end);
  if (begin == std::string::npos) {
    return std::nullopt;
  }
  return message.substr(begin + 2, end - begin - 2);
}

// "line 3 of .dockerignore": the last line whose pattern excludes the path.
std::string ExcludingLine(const std::string& file, const std::string& name, const std::string& path) {
  const Result<std::string> text = ReadFile(file);
  if (!text) {
    return {};
  }
  std::string found;
  const std::vector<std::string_view> lines = Split(*text, '\n');
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::vector<std::string> patterns = ParseIgnoreFile(lines[i]);
    if (patterns.empty() || patterns[0].starts_with('!')) {
      continue;
    }
    const Result<PatternMatcher> matcher = PatternMatcher::Create(patterns);
    if (matcher && matcher->MatchesOrParentMatches(path)) {
      found = fmt::format("line {} of {}", i + 1, name);
    }
  }
  return found;
}

std::string Excluded(const BuildContext& files, const std::string& path) {
  const std::string own = files.dockerfile_name + ".dockerignore";
  const std::string own_file = files.dockerfile_dir + "/" + own;
  struct stat info {};
  const bool has_own = ::stat(own_file.c_str(), &info) == 0;
  const std::string line = has_own ? ExcludingLine(own_file, own, path)
                                   : ExcludingLine(files.context_dir + "/.dockerignore", ".dockerignore", path);
  return line.empty() ? std::string() : fmt::format("`{}` is excluded by {}", path, line);
}

}  // namespace

std::string MissingFileHint(const Error& error, const std::string& step, const BuildContext& files) {
  const std::optional<std::string> path = MissingPath(error.message());
  if (!path || files.context_dir.empty() || step.find("--from=") != std::string::npos ||
      (step.find("COPY") == std::string::npos && step.find("ADD") == std::string::npos)) {
    return {};
  }
  const std::filesystem::path file = std::filesystem::path(files.context_dir) / *path;
  struct stat info {};
  if (::lstat(file.c_str(), &info) == 0) {
    return Excluded(files, *path);
  }
  const Result<std::vector<std::string>> siblings = ListDir(file.parent_path().string());
  if (!siblings) {
    return fmt::format("the directory `{}` is not in the build context `{}`",
                       std::filesystem::path(*path).parent_path().string(), files.context_dir);
  }
  if (const auto near = NearestWord(file.filename().string(), *siblings)) {
    return fmt::format("did you mean `{}`?", (std::filesystem::path(*path).parent_path() / *near).string());
  }
  return fmt::format("paths are relative to the build context `{}`", files.context_dir);
}

}  // namespace loam::cli
