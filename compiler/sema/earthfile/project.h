// Project: all Earthfiles of one build, each read and parsed once, when it is first needed.
//
// Safe from many threads. With a gate (gate.h), callers hold it; Project opens it while it waits for the host or for a
// file that another thread is loading.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/earthfile/ast.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/failure.h"
#include "compiler/sema/earthfile/features.h"
#include "compiler/sema/earthfile/gate.h"
#include "compiler/sema/earthfile/imports.h"
#include "compiler/sema/earthfile/project_host.h"
#include "compiler/sema/earthfile/reference.h"
#include "compiler/source/source_manager.h"

namespace loam::sema::earthfile {

// One Earthfile with its directory. Immutable; lives as long as the Project.
struct ProjectFile {
  Reference project;  // absolute within the build: local_path relative to the invocation directory, or git_path and tag
  Place place;        // of its directory
  std::string path;   // as shown to people: "./sub/Earthfile", "github.com/org/repo:main/sub/Earthfile"
  std::string file_name;  // "Earthfile" or "build.earth"
  const source::Buffer* buffer = nullptr;
  ast::earthfile::Earthfile ast;
  Features features;
  // Null for local files.
  const RemoteProject* remote = nullptr;
  // VERSION flags that the version has anyway, and warnings of the parser: told once, by whoever wants to.
  std::vector<diag::Diagnostic> notes;

  // "./sub" of a local file, "." of the invocation directory's.
  [[nodiscard]] bool IsRemote() const { return remote != nullptr; }
};

struct ProjectOptions {
  std::string feature_overrides;  // --version-flag-overrides
  std::string home;               // for `~/`
  Gate* gate = nullptr;
};

class Project {
 public:
  // Both outlive it.
  Project(ProjectHost& host, source::SourceManager& sources, ProjectOptions options);
  ~Project();
  Project(const Project&) = delete;
  Project& operator=(const Project&) = delete;

  // The file of the project that `reference` (absolute, alias resolved) is in. Mistakes: no Earthfile, syntax errors
  // (all of them), no VERSION. A failed load fails again with the same diagnostics.
  Checked<const ProjectFile*> Load(const Reference& reference, source::SourceRange range);
  // Only if it is loaded already.
  [[nodiscard]] const ProjectFile* FindLoaded(const Reference& reference) const;
  // In the order of loading.
  [[nodiscard]] std::vector<const ProjectFile*> files() const;

  // What git says of the file's directory; null outside of a repository. Asked once for each directory.
  Checked<const GitFacts*> Git(const ProjectFile& file);
  // The canonical reference: WithGitFacts.
  Checked<Reference> Canonical(const ProjectFile& file, std::string_view name);

  // From a reference as written to an absolute one: imports, then relative to `from`'s project.
  struct Resolved {
    Reference reference;                   // absolute
    Reference written;                     // as parsed
    std::optional<bool> allow_privileged;  // of the IMPORT it went through
  };
  Checked<Resolved> Resolve(std::string_view text, const Reference& from, const ImportScopes& imports,
                            source::SourceRange range);

  // The recipe of a target; mistakes have did-you-mean among the file's names. "base" gives the base recipe.
  Checked<ast::earthfile::Block> TargetRecipe(const ProjectFile& file, std::string_view name,
                                              source::SourceRange range) const;
  // The recipe of a function without its FUNCTION or COMMAND line, which is checked.
  Checked<ast::earthfile::Block> FunctionRecipe(const ProjectFile& file, std::string_view name,
                                                source::SourceRange range) const;

  // The imports of the file's base recipe, literal ones only: those whose text needs no expansion. For static uses; the
  // evaluation of base gives all of them.
  [[nodiscard]] ImportMap LiteralImports(const ProjectFile& file, diag::Emitter& emitter) const;

  // BUILD ./a/*+t: references with the wildcard replaced, of those directories whose Earthfile has the target, sorted.
  // Mistakes: none left, `**`.
  Checked<std::vector<Reference>> ExpandWildcard(const Reference& absolute, source::SourceRange range);

  [[nodiscard]] ProjectHost& host() { return *host_; }
  [[nodiscard]] source::SourceManager& sources() { return *sources_; }
  [[nodiscard]] const ProjectOptions& options() const { return options_; }

 private:
  struct Impl;
  ProjectHost* host_;
  source::SourceManager* sources_;
  ProjectOptions options_;
  std::unique_ptr<Impl> impl_;
};

// Reads one Earthfile's text: parse, AST, VERSION. For tools that have no project.
Checked<ProjectFile> ParseProjectFile(const source::Buffer& buffer, std::string_view feature_overrides);

}  // namespace loam::sema::earthfile
