#include "compiler/sema/earthfile/reference.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "compiler/sema/earthfile/standard_library.h"

namespace loam::sema::earthfile {
namespace {

bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool IsUpper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// The text before and after the one plus that is not escaped, with `\+` unescaped.
Result<std::pair<std::string, std::string>> SplitAtPlus(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      if (i + 1 == text.size()) {
        return Unexpected(ErrorCode::kInvalidArgument, "the backslash at its end escapes nothing");
      }
      ++i;
      if (text[i] != '+') {
        parts.back() += '\\';
      }
      parts.back() += text[i];
    } else if (text[i] == '+') {
      parts.emplace_back();
    } else {
      parts.back() += text[i];
    }
  }
  if (parts.size() == 1) {
    return Unexpected(ErrorCode::kInvalidArgument, "it has no `+`");
  }
  if (parts.size() > 2) {
    return Unexpected(ErrorCode::kInvalidArgument, "it has more than one `+` (write `\\+` for a plus in a path)");
  }
  return std::pair(std::move(parts[0]), std::move(parts[1]));
}

// The project part of a reference.
Result<Reference> ParseProject(std::string_view text, std::string_view home) {
  Reference reference;
  if (text.empty()) {
    reference.local_path = ".";
  } else if (text.starts_with("~/")) {
    if (home.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "`~` has no meaning here, because there is no home directory");
    }
    reference.local_path = CleanPath(fmt::format("{}/{}", home, text.substr(2)));
  } else if (text.starts_with('.') || text.starts_with('/')) {
    reference.local_path = CleanPath(text);
    if (reference.local_path[0] != '.' && reference.local_path[0] != '/') {
      reference.local_path.insert(0, "./");
    }
  } else if (text.find_first_of("/:") != std::string_view::npos) {
    const std::size_t colon = text.find(':');
    reference.git_path = text.substr(0, colon);
    if (colon != std::string_view::npos) {
      reference.tag = text.substr(colon + 1);
    }
    if (reference.git_path.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "there is nothing before the colon");
    }
  } else {
    reference.alias = text;
  }
  return reference;
}

Result<Reference> ParseWith(std::string_view text, std::string_view home, bool targets, bool functions) {
  auto [project, name] = LOAM_TRY(SplitAtPlus(text));
  Reference reference = LOAM_TRY(ParseProject(project, home));
  if (!((targets && IsTargetName(name)) || (functions && IsFunctionName(name)))) {
    if (name.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "there is no name after the `+`");
    }
    if (targets && !functions) {
      return Unexpected(
          ErrorCode::kInvalidArgument,
          fmt::format("`{}` is no target name (a lower-case letter, then letters, digits, `.` and `-`)", name));
    }
    if (functions && !targets) {
      return Unexpected(
          ErrorCode::kInvalidArgument,
          fmt::format("`{}` is no function name (an upper-case letter, then upper-case letters, digits, `.` and `_`)",
                      name));
    }
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is neither a target nor a function name", name));
  }
  reference.name = std::move(name);
  return reference;
}

}  // namespace

bool IsTargetName(std::string_view name) {
  return !name.empty() && IsLower(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
    return IsLower(c) || IsUpper(c) || IsDigit(c) || c == '.' || c == '-';
  });
}

bool IsFunctionName(std::string_view name) {
  return !name.empty() && IsUpper(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsUpper(c) || IsDigit(c) || c == '.' || c == '_'; });
}

bool Reference::IsStandardLibrary() const {
  return git_path.starts_with(kStandardLibraryPrefix) && git_path.size() > kStandardLibraryPrefix.size() &&
         git_path[kStandardLibraryPrefix.size()] == '/';
}

std::string Reference::ProjectCanonical() const {
  if (!git_path.empty()) {
    return tag.empty() ? EscapePlus(git_path) : fmt::format("{}:{}", EscapePlus(git_path), EscapePlus(tag));
  }
  if (local_path == ".") {
    return {};
  }
  return EscapePlus(local_path.empty() ? alias : local_path);
}

std::string Reference::Canonical() const {
  return fmt::format("{}+{}", ProjectCanonical(), name);
}

std::string Reference::ToString() const {
  if (IsImport()) {
    return fmt::format("{}+{}", EscapePlus(alias), name);
  }
  if (IsLocalExternal()) {
    return fmt::format("{}+{}", EscapePlus(local_path), name);
  }
  if (IsRemote() && !IsLocalInternal()) {
    return Canonical();
  }
  return fmt::format("+{}", name);
}

Reference Reference::Project() const {
  Reference project = *this;
  project.name.clear();
  if (!project.git_path.empty() || !project.local_path.empty()) {
    project.alias.clear();
  }
  return project;
}

Reference Reference::WithName(std::string new_name) const {
  Reference reference = *this;
  reference.name = std::move(new_name);
  return reference;
}

std::string ArtifactReference::ToString() const {
  return fmt::format("{}{}", target.ToString(), EscapePlus(CleanRootedPath(path)));
}

std::string ArtifactReference::Canonical() const {
  return fmt::format("{}{}", target.Canonical(), EscapePlus(CleanRootedPath(path)));
}

Result<Reference> ParseTargetReference(std::string_view text, std::string_view home) {
  return ParseWith(text, home, true, false);
}

Result<Reference> ParseFunctionReference(std::string_view text, std::string_view home) {
  return ParseWith(text, home, false, true);
}

Result<Reference> ParseReference(std::string_view text, std::string_view home) {
  return ParseWith(text, home, true, true);
}

Result<ArtifactReference> ParseArtifactReference(std::string_view text, std::string_view home) {
  const auto [project, rest] = LOAM_TRY(SplitAtPlus(text));
  const std::size_t slash = rest.find('/');
  if (slash == std::string::npos) {
    return Unexpected(ErrorCode::kInvalidArgument, "there is no `/` and path after the target's name");
  }
  ArtifactReference artifact;
  artifact.target = LOAM_TRY(ParseProject(project, home));
  artifact.target.name = rest.substr(0, slash);
  if (!IsTargetName(artifact.target.name)) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no target name", artifact.target.name));
  }
  artifact.path = rest.substr(slash);
  return artifact;
}

bool IsArtifact(std::string_view text) {
  return ParseArtifactReference(text, "/").has_value();
}

bool LooksLikeReference(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '+') {
      return true;
    }
  }
  return false;
}

Result<Reference> JoinReference(const Reference& from, const Reference& reference) {
  if (from.IsUnresolvedImport() || reference.IsUnresolvedImport()) {
    return Unexpected(ErrorCode::kInvalidArgument, "the import was not looked up");
  }
  Reference joined = reference;
  if (from.IsRemote()) {
    if (reference.IsRemote()) {
      return joined;
    }
    if (reference.local_path.starts_with('/')) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("the absolute path `{}` cannot be used in the remote project {}",
                                    reference.local_path, from.ProjectCanonical()));
    }
    joined.tag = from.tag;
    joined.git_path = reference.IsLocalInternal()
                          ? from.git_path
                          : CleanPath(fmt::format("{}/{}", from.git_path, reference.local_path));
    joined.local_path.clear();
    if (SplitGitPath(joined.git_path).repository != SplitGitPath(from.git_path).repository) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("`{}` leads out of the repository {}", reference.local_path,
                                    SplitGitPath(from.git_path).repository));
    }
    return joined;
  }
  if (reference.IsLocalInternal()) {
    joined.local_path = from.local_path;
  } else if (reference.IsLocalExternal() && !reference.local_path.starts_with('/')) {
    joined.local_path = CleanPath(fmt::format("{}/{}", from.local_path, reference.local_path));
    if (joined.local_path[0] != '.' && joined.local_path[0] != '/') {
      joined.local_path.insert(0, "./");
    }
  }
  return joined;
}

std::string EscapePlus(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (c == '+') {
      result += '\\';
    }
    result += c;
  }
  return result;
}

bool HasPathWildcard(const Reference& reference) {
  return HasWildcard(reference.local_path) || HasWildcard(reference.git_path);
}

std::string DockerTagSafe(std::string_view tag) {
  if (tag.empty()) {
    return "latest";
  }
  std::string safe(tag.substr(0, 128));
  for (std::size_t i = 0; i < safe.size(); ++i) {
    const char c = safe[i];
    const bool word = IsLower(c) || IsUpper(c) || IsDigit(c) || c == '_';
    if (!word && (i == 0 || (c != '.' && c != '-'))) {
      safe[i] = '_';
    }
  }
  return safe;
}

GitPath SplitGitPath(std::string_view git_path) {
  std::size_t end = std::string_view::npos;
  if (const std::size_t dot_git = git_path.find(".git/"); dot_git != std::string_view::npos) {
    end = dot_git + 4;
  } else {
    // github.com/owner/repository
    std::size_t slash = git_path.find('/');
    for (int i = 0; i < 2 && slash != std::string_view::npos; ++i) {
      slash = git_path.find('/', slash + 1);
    }
    end = slash;
  }
  if (end == std::string_view::npos) {
    return {std::string(git_path), ""};
  }
  return {std::string(git_path.substr(0, end)), std::string(git_path.substr(end + 1))};
}

bool IsPinnedTag(std::string_view tag) {
  return tag.starts_with("tags/") ||
         (tag.size() == 40 && tag.find_first_not_of("0123456789abcdef") == std::string_view::npos);
}

}  // namespace loam::sema::earthfile
