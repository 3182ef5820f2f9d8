// References: targets, functions, artifacts and the projects they are in.
//
//   +t   ./dir+t   ../x+t   /abs+t   ~/x+t   github.com/org/repo/sub:ref+t   alias+t   +t/path/of/artifact
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace loam::sema::earthfile {

// A target, a function, or (with an empty name) the project itself: the directory of one Earthfile. Exactly one of the
// forms: local (local_path), remote (git_path), import (only `alias`). After resolution `alias` may also be set.
struct Reference {
  std::string git_path;    // "github.com/org/repo/sub"
  std::string tag;         // "main", a commit, "tags/v1"; "" is the default branch
  std::string local_path;  // "." same Earthfile, "./sub", "../x", "/abs"
  std::string alias;       // of an IMPORT
  std::string name;        // target or FUNCTION

  [[nodiscard]] bool IsRemote() const { return !git_path.empty(); }
  [[nodiscard]] bool IsLocalInternal() const { return local_path == "."; }
  [[nodiscard]] bool IsLocalExternal() const { return !local_path.empty() && local_path != "."; }
  [[nodiscard]] bool IsImport() const { return !alias.empty(); }
  // An alias that was not looked up yet.
  [[nodiscard]] bool IsUnresolvedImport() const { return IsImport() && git_path.empty() && local_path.empty(); }
  // Not of the Earthfile it is used in: overriding args do not flow there.
  [[nodiscard]] bool IsExternal() const { return IsRemote() || IsLocalExternal() || IsImport(); }
  // From the library in the binary: "loam/std/rust".
  [[nodiscard]] bool IsStandardLibrary() const;

  // As written: the alias if there is one.
  [[nodiscard]] std::string ToString() const;
  // With the project that an alias stands for: "github.com/org/repo:main+t", "./sub+t", "+t".
  [[nodiscard]] std::string Canonical() const;
  // The same without name: "github.com/org/repo:main", "./sub", "" for ".".
  [[nodiscard]] std::string ProjectCanonical() const;
  // Without name and alias.
  [[nodiscard]] Reference Project() const;
  [[nodiscard]] Reference WithName(std::string new_name) const;

  friend auto operator<=>(const Reference&, const Reference&) = default;
  friend bool operator==(const Reference&, const Reference&) = default;
};

struct ArtifactReference {
  Reference target;
  std::string path;  // "/dist/*", from the artifact root

  [[nodiscard]] std::string ToString() const;
  [[nodiscard]] std::string Canonical() const;
  friend bool operator==(const ArtifactReference&, const ArtifactReference&) = default;
};

inline constexpr std::string_view kBaseTarget = "base";
bool IsTargetName(std::string_view name);
bool IsFunctionName(std::string_view name);

// kInvalidArgument says what is wrong. `home` is what `~/` stands for.
Result<Reference> ParseTargetReference(std::string_view text, std::string_view home = "");
Result<Reference> ParseFunctionReference(std::string_view text, std::string_view home = "");
// Either: the name's letters decide.
Result<Reference> ParseReference(std::string_view text, std::string_view home = "");
Result<ArtifactReference> ParseArtifactReference(std::string_view text, std::string_view home = "");
// A source of COPY is an artifact if it parses as one.
bool IsArtifact(std::string_view text);
// FROM and --load: a reference has an unescaped plus, an image has none.
bool LooksLikeReference(std::string_view text);

// `reference` (no unresolved alias) as seen from the file of `from`: relative paths are relative to it, inside a remote
// they stay in its repository and tag. kInvalidArgument: an absolute path inside of a remote, an unresolved alias.
Result<Reference> JoinReference(const Reference& from, const Reference& reference);

// `+` in a path is written `\+`.
std::string EscapePlus(std::string_view text);

// A target whose path has wildcards: BUILD ./a/*+t.
bool HasPathWildcard(const Reference& reference);

// A tag as it may stand in an image name: other characters become `_`, at most 128 of them, "latest" for "".
std::string DockerTagSafe(std::string_view tag);

// "github.com/org/repo" split from "github.com/org/repo/sub": host with two more elements, unless the path has ".git"
// (then up to it). The rest is the directory in the repository.
struct GitPath {
  std::string repository;
  std::string directory;  // "" at the top
};
GitPath SplitGitPath(std::string_view git_path);
// True for a commit of 40 hexadecimal digits and for "tags/…": what auto-skip accepts.
bool IsPinnedTag(std::string_view tag);

}  // namespace loam::sema::earthfile
