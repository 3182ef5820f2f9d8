// Completion of earthly's command line in bash (`complete -o nospace -C earthly earthly`).
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/earthfile/earth_file.h"
#include "cli/commands/earthfile/earth_verbs.h"
#include "compiler/sema/earthfile/project.h"

namespace loam::cli {
namespace {

using Words = std::vector<std::string>;

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool HasEarthfile(const std::string& directory) {
  struct stat info {};
  return ::stat((directory + "/Earthfile").c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

std::vector<std::string> Subdirectories(const std::string& path) {
  std::vector<std::string> names;
  if (auto all = ListDir(path)) {
    for (std::string& name : *all) {
      if (IsDirectory(path + "/" + name)) {
        names.push_back(std::move(name));
      }
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool InRoot(const std::string& directory) {
  std::error_code failed;
  return std::filesystem::weakly_canonical(directory.empty() ? "." : directory, failed) == "/";
}

std::string UnescapedPlus(std::string text) {
  for (std::size_t at = text.find("\\+"); at != std::string::npos; at = text.find("\\+", at + 1)) {
    text.erase(at, 1);
  }
  return text;
}

// Names of the targets that `prefix` ("dir+na") may become. Nothing, and false, if the Earthfile cannot be read.
bool Targets(const std::string& prefix, Words& candidates) {
  const std::size_t plus = prefix.find('+');
  const std::string directory = UnescapedPlus(prefix.substr(0, plus));
  const Result<EarthFile> file = ReadEarthFileIn(
      directory.ends_with('/') && directory.size() > 1 ? directory.substr(0, directory.size() - 1) : directory);
  if (!file || !file->ok() || !sema::earthfile::ParseProjectFile(*file->buffer, "")) {
    return false;
  }
  if (file->ast.targets.empty()) {
    candidates.push_back(prefix.substr(0, plus) + "+base ");
  }
  for (const auto& target : file->ast.targets) {
    candidates.push_back(fmt::format("{}+{} ", prefix.substr(0, plus), target.name));
  }
  return true;
}

bool Paths(const std::string& prefix, Words& candidates) {
  if (prefix == ".") {
    if (!Subdirectories(".").empty()) {
      candidates.emplace_back("./");
    }
    if (!InRoot(".")) {
      candidates.emplace_back("../");
    }
    return true;
  }
  if (prefix == "..") {
    candidates.emplace_back("../");
    return true;
  }
  if (prefix.find('+') != std::string::npos) {
    return Targets(prefix, candidates);
  }
  const std::size_t slash = prefix.rfind('/');
  std::string directory = slash == std::string::npos ? "" : prefix.substr(0, slash + 1);
  std::string begin = slash == std::string::npos ? prefix : prefix.substr(slash + 1);
  if (IsDirectory(prefix) && !prefix.ends_with('/')) {
    bool alone = !HasEarthfile(begin);
    for (const std::string& name : Subdirectories(directory.empty() ? "." : directory)) {
      alone = alone && !(name.starts_with(begin) && name != begin);
    }
    if (alone) {
      directory = prefix + "/";
      begin.clear();
    }
  }
  for (const std::string& name : Subdirectories(directory.empty() ? "." : directory)) {
    if (!name.starts_with(begin)) {
      continue;
    }
    const std::string path = directory + name;
    if (HasEarthfile(path)) {
      candidates.push_back(path + "+");
    }
    if (!Subdirectories(path).empty()) {
      candidates.push_back(path + "/");
    }
  }
  if (prefix != "./" && !prefix.ends_with("/./") && !InRoot(directory)) {
    if (prefix.ends_with("/.")) {
      candidates.push_back(prefix + "./");
    } else if (prefix.ends_with('/')) {
      candidates.push_back(prefix + "../");
    }
  }
  return true;
}

// "--NAME=" of the ARGs of a target.
bool TargetArgs(const std::string& reference, bool artifact, Words& candidates) {
  const std::size_t plus = reference.find('+');
  std::string name = reference.substr(plus + 1);
  const std::size_t slash = name.find('/');
  if (slash != std::string::npos) {
    if (!artifact) {
      return false;
    }
    name.erase(slash);
  } else if (artifact) {
    return false;
  }
  const Result<EarthFile> file = ReadEarthFileIn(UnescapedPlus(reference.substr(0, plus)));
  if (!file || !file->ok()) {
    return false;
  }
  const ast::earthfile::Target* const target = file->ast.FindTarget(name);
  if (target == nullptr && name != "base") {
    return false;
  }
  for (const auto& statement : target == nullptr ? file->ast.base_recipe : target->recipe) {
    if (statement.command != nullptr && statement.command->kind == ast::earthfile::CommandKind::kArg &&
        !statement.command->pairs.empty()) {
      candidates.push_back(fmt::format("--{}=", statement.command->pairs[0].key.text));
    }
  }
  return true;
}

const Flag* FlagOf(std::string_view word) {
  const bool is_long = word.starts_with("--");
  for (const Flag& flag : EarthFlags()) {
    if (is_long ? flag.name == word.substr(2) : word.size() == 2 && flag.short_name == word[1]) {
      return &flag;
    }
  }
  return nullptr;
}

void Flags(Words& candidates) {
  for (const Flag& flag : EarthFlags()) {
    if (!IsHiddenEarthFlag(flag.name)) {
      candidates.push_back(fmt::format("--{} ", flag.name));
    }
  }
  candidates.emplace_back("--help ");
}

// A second name of a verb, which nobody needs to be told.
constexpr std::string_view kAlias = "docker2earth";

bool Candidates(const Words& words, bool hidden, Words& candidates) {
  const std::string& last = words.back();
  bool artifact = false;
  bool value = false;  // the word is a flag's value
  std::string target;
  bool verb = false;
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (value) {
      value = false;
    } else if (!target.empty()) {
      if (!word.starts_with('-')) {
        return true;  // nothing follows
      }
    } else if (word.starts_with('-')) {
      artifact = artifact || word == "-a" || word == "--artifact";
      const Flag* const flag = FlagOf(word);
      value = flag != nullptr && (flag->kind == FlagKind::kString || flag->kind == FlagKind::kList);
    } else if (!verb && (word.find('+') != std::string::npos || word.starts_with('.') || word.starts_with('/'))) {
      target = word;
    } else {
      verb = true;
    }
  }
  if (value || verb) {
    return true;
  }
  if (!target.empty()) {
    return !last.starts_with('-') || last.ends_with('=') || TargetArgs(target, artifact, candidates);
  }
  if (last.starts_with('-')) {
    Flags(candidates);
    return true;
  }
  if (last.starts_with('.') || last.starts_with('/') || last.find('+') != std::string::npos) {
    return Paths(last, candidates);
  }
  for (const EarthVerb& known : EarthVerbs()) {
    if (!known.hidden || (hidden && known.name != kAlias)) {
      candidates.push_back(fmt::format("{} ", known.name));
    }
  }
  if (hidden) {
    candidates.emplace_back("build ");
  }
  if (!Subdirectories(".").empty()) {
    candidates.emplace_back("./");
  }
  if (HasEarthfile(".")) {
    candidates.emplace_back("+");
  }
  return true;
}

}  // namespace

Exit CompleteEarthly(Context& context, const std::string& line, const std::string& point) {
  std::size_t end = 0;
  const auto [rest, failed] = std::from_chars(point.data(), point.data() + point.size(), end);
  if (failed != std::errc() || rest != point.data() + point.size() || end == 0 || end > line.size()) {
    return Exit::kFailed;
  }
  Words words;
  for (const std::string_view word : Split(std::string_view(line).substr(0, end), ' ')) {
    words.emplace_back(word);
  }
  if (words.size() < 2) {
    return Exit::kOk;
  }
  const std::string home = context.Env("HOME");
  const bool tilde = words.back().starts_with("~/");
  for (std::string& word : words) {
    if (word.starts_with("~/")) {
      word.replace(0, 1, home);
    }
  }
  Words candidates;
  if (!Candidates(words, IsTrueText(context.Env("EARTHLY_SHOW_HIDDEN")), candidates)) {
    return Exit::kFailed;
  }
  std::sort(candidates.begin(), candidates.end());
  for (const std::string& candidate : candidates) {
    if (candidate.starts_with(words.back())) {
      // As it was written.
      PrintTo(context.out, "{}{}\n", tilde ? "~" : "", std::string_view(candidate).substr(tilde ? home.size() : 0));
    }
  }
  return Exit::kOk;
}

}  // namespace loam::cli
