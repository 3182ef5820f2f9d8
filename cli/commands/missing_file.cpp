#include "cli/commands/missing_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/pattern_matcher.h"
#include "base/strings.h"

namespace loam::cli {

namespace {

namespace fs = std::filesystem;

// How much of a context is searched for a file of the same name.
constexpr int kSearchedEntries = 20'000;

bool Exists(const fs::path& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

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

// Whether the step reads the main context: COPY and ADD without --from, RUN with a bind mount of it.
bool ReadsContext(const std::string& step) {
  const bool run = step.find("RUN") != std::string::npos && step.find("--mount=") != std::string::npos;
  const bool copy = step.find("COPY") != std::string::npos || step.find("ADD") != std::string::npos;
  return run ? step.find("from=") == std::string::npos : copy && step.find("--from=") == std::string::npos;
}

// A source of the step that has a wildcard and may be about `path`: "src/*.ts" for "src"; "" if there is none.
std::string WildcardFor(const std::string& step, const std::string& path) {
  for (const std::string_view word : Split(step, ' ')) {
    std::string clean(word);
    clean.erase(0, std::min(clean.find_first_not_of("./"), clean.size()));
    if (!word.starts_with("--") && !word.starts_with('[') && HasWildcard(clean) && clean.starts_with(path)) {
      return clean;
    }
  }
  return {};
}

struct IgnoreFile {
  std::string name;
  std::string path;
};

// Where a file is looked for.
struct Searched {
  std::string directory;
  IgnoreFile ignore;
};

// The ignore file that counts is that of the Dockerfile, else that of the context.
Searched SearchedIn(const BuildContext& files) {
  const std::string own = files.dockerfile_name + ".dockerignore";
  const std::string path = files.dockerfile_dir + "/" + own;
  return {files.context_dir,
          Exists(path) ? IgnoreFile{own, path} : IgnoreFile{".dockerignore", files.context_dir + "/.dockerignore"}};
}

// "`src/a` is excluded by line 3 of .dockerignore (`src/*`)": the last line whose pattern excludes the path; "" if it
// is not excluded.
std::string Excluded(const IgnoreFile& ignore, const std::string& path) {
  const Result<std::string> text = ReadFile(ignore.path);
  const Result<PatternMatcher> whole =
      text ? PatternMatcher::Create(ParseIgnoreFile(*text)) : PatternMatcher::Create({});
  if (!text || !whole || !whole->MatchesOrParentMatches(path)) {
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
      std::string_view line = lines[i];
      while (line.ends_with('\r') || line.ends_with(' ')) {
        line.remove_suffix(1);
      }
      found = fmt::format("`{}` is excluded by line {} of {} (`{}`)", path, i + 1, ignore.name, line);
    }
  }
  return found;
}

// The file of this name that lies elsewhere in the context and is not excluded; "" if there is none, or several.
std::string SameNameElsewhere(const Searched& in, const std::string& name) {
  const Result<std::string> text = ReadFile(in.ignore.path);
  const Result<PatternMatcher> ignored =
      PatternMatcher::Create(text ? ParseIgnoreFile(*text) : std::vector<std::string>());
  std::string found;
  int entries = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(in.directory, fs::directory_options::skip_permission_denied, error), end;
       !error && entry != end && entries < kSearchedEntries; entry.increment(error), ++entries) {
    const std::string path = entry->path().lexically_relative(in.directory).generic_string();
    if (ignored && ignored->MatchesOrParentMatches(path)) {
      if (!ignored->has_exceptions()) {
        entry.disable_recursion_pending();
      }
      continue;
    }
    if (entry->path().filename() == name) {
      if (!found.empty()) {
        return {};
      }
      found = path;
    }
  }
  return found;
}

// What the first part of `path` that does not exist may have been meant to be.
std::string NearestName(const Searched& in, const std::string& path) {
  const fs::path root = in.directory;
  fs::path known;
  for (const fs::path& part : fs::path(path)) {
    if (Exists(root / known / part)) {
      known /= part;
      continue;
    }
    const Result<std::vector<std::string>> siblings = ListDir((root / known).string());
    if (!siblings) {
      return {};
    }
    const std::string name = part.string();
    const auto same = std::find_if(siblings->begin(), siblings->end(),
                                   [&](const std::string& other) { return EqualsIgnoreCase(other, name); });
    if (same != siblings->end()) {
      return fmt::format("it is called `{}`: upper and lower case differ", (known / *same).string());
    }
    if (const auto near = NearestWord(name, *siblings)) {
      return fmt::format("did you mean `{}`?", (known / *near).string());
    }
    const std::string elsewhere = SameNameElsewhere(in, fs::path(path).filename().string());
    if (!elsewhere.empty()) {
      return fmt::format("did you mean `{}`?", elsewhere);
    }
    if (known / part != fs::path(path)) {
      return fmt::format("the directory `{}` is not in the build context `{}`", (known / part).string(), in.directory);
    }
    return fmt::format("paths are relative to the build context `{}`", in.directory);
  }
  return {};
}

std::string HintFor(const Searched& in, const std::string& path, const std::string& step) {
  if (!Exists(fs::path(in.directory) / path)) {
    return NearestName(in, path);
  }
  if (std::string excluded = Excluded(in.ignore, path); !excluded.empty()) {
    return excluded;
  }
  const std::string wildcard = WildcardFor(step, path);
  return wildcard.empty() ? std::string() : fmt::format("no file of the build context matches `{}`", wildcard);
}

}  // namespace

std::string MissingFileHint(const Error& error, const std::string& step, const BuildContext& files) {
  const std::optional<std::string> path = MissingPath(error.message());
  return path && !files.context_dir.empty() && ReadsContext(step) ? HintFor(SearchedIn(files), *path, step)
                                                                  : std::string();
}

std::string MissingEarthfileCopyHint(const Error& error, const std::string& command, const std::string& directory) {
  const std::optional<std::string> path = MissingPath(error.message());
  if (!path || !command.starts_with("COPY ")) {
    return {};
  }
  for (std::string_view word : Split(command, ' ')) {
    word.remove_prefix(word.starts_with('(') ? 1 : 0);
    const std::size_t plus = word.find('+');
    if (plus == std::string_view::npos || word.starts_with("--") || (plus > 0 && word[plus - 1] == '\\')) {
      continue;
    }
    const std::size_t slash = word.find('/', plus);
    return slash == std::string_view::npos
               ? fmt::format("`{}` is read as a file: an artifact of that target is written `{}/PATH`", word, word)
               : fmt::format("the SAVE ARTIFACT commands of `{}` say which artifacts there are", word.substr(0, slash));
  }
  for (const char* const name : {".earthlyignore", ".earthignore"}) {
    if (Exists(directory + "/" + name)) {
      return HintFor({directory, {name, directory + "/" + name}}, *path, command);
    }
  }
  return HintFor({directory, {}}, *path, command);
}

}  // namespace loam::cli
