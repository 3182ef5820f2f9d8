#include "cli/commands/build_files.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/file_system.h"
#include "compiler/driver/earthfile/front.h"

namespace loam::cli {
namespace {

namespace fs = std::filesystem;

// Directories deeper than this are not searched.
constexpr int kMaxDepth = 64;

void Search(const fs::path& directory, int depth, std::vector<std::string>& found) {
  std::error_code error;
  std::vector<fs::path> below;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory(error) && !entry.is_symlink(error)) {
      if (!name.starts_with('.') && name != "node_modules") {
        below.push_back(entry.path());
      }
    } else if (LanguageOfName(name) && entry.is_regular_file(error)) {
      found.push_back(entry.path().lexically_normal().string());
    }
  }
  for (const fs::path& each : below) {
    if (depth < kMaxDepth) {
      Search(each, depth + 1, found);
    }
  }
}

}  // namespace

std::optional<Language> LanguageOfName(std::string_view path) {
  if (driver::earthfile::IsEarthfileName(path)) {
    return Language::kEarthfile;
  }
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (const std::string_view stem : {"Dockerfile", "Containerfile", "dockerfile", "containerfile"}) {
    const bool is_ignore_file = name.ends_with(".dockerignore");
    if (name == stem || (name.starts_with(stem) && name.substr(stem.size()).starts_with('.') && !is_ignore_file) ||
        (name.ends_with(stem) && name.size() > stem.size() && name[name.size() - stem.size() - 1] == '.')) {
      return Language::kDockerfile;
    }
  }
  return std::nullopt;
}

Result<std::vector<BuildFile>> FindBuildFiles(const Flags& flags) {
  std::optional<Language> stated;
  if (flags.Has("language")) {
    const std::string word = flags.String("language");
    if (word != "dockerfile" && word != "earthfile") {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`--language={}` is no language", word))
                            .WithHint("dockerfile or earthfile"));
    }
    stated = word == "earthfile" ? Language::kEarthfile : Language::kDockerfile;
  }
  std::vector<BuildFile> files;
  const auto add = [&](const std::string& path, const std::string& name) {
    files.push_back({path, name, stated ? *stated : LanguageOfName(name).value_or(Language::kDockerfile)});
  };
  std::error_code error;
  if (flags.positional().empty()) {
    for (const char* path : {"Dockerfile", "Earthfile"}) {
      if (fs::exists(path, error)) {
        add(path, path);
      }
    }
    if (files.empty()) {
      return Unexpected(Error(ErrorCode::kNotFound, "there is neither a Dockerfile nor an Earthfile here")
                            .WithHint("name the files, or a directory to search"));
    }
  }
  for (const std::string& path : flags.positional()) {
    if (path == "-") {
      add(path, flags.Has("stdin-filename") ? flags.String("stdin-filename") : "<stdin>");
    } else if (fs::is_directory(path, error)) {
      std::vector<std::string> found;
      Search(path, 0, found);
      if (found.empty()) {
        return Unexpected(ErrorCode::kNotFound, fmt::format("there is no Dockerfile or Earthfile in `{}`", path));
      }
      std::sort(found.begin(), found.end());
      for (const std::string& each : found) {
        add(each, each);
      }
    } else {
      add(path, path);
    }
  }
  return files;
}

Result<std::string> ReadBuildFile(const Context& context, const BuildFile& file) {
  return file.path == "-" ? ReadAll(context.in_fd, file.name) : ReadFile(file.path);
}

}  // namespace loam::cli
