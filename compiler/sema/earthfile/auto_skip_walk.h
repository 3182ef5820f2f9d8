// The walk over recipes that auto-skip hashes. It follows evaluation as far as that can be done without building:
// values that need a build are marked, and what depends on them is a mistake only where it names a target or a file.
// auto_skip.cpp has targets and words, auto_skip_recipe.cpp statements and commands, auto_skip_files.cpp files.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/pattern_matcher.h"
#include "compiler/sema/earthfile/auto_skip.h"
#include "compiler/sema/earthfile/flags.h"

namespace loam::sema::earthfile::auto_skip {

// Encloses what only a build can tell; no text of an Earthfile has it.
constexpr char kUnknown = '\x01';

inline bool IsKnown(std::string_view value) {
  return value.find(kUnknown) == std::string_view::npos;
}

// Every part with its length, so that two different sequences never hash alike.
class PartsHash {
 public:
  void Add(std::string_view part);
  void Add(std::span<const ast::earthfile::Word> words);
  std::string Finish() { return sha_.Finish().Hex(); }

 private:
  Sha256 sha_;
};

// What all walks of one request share.
struct Shared {
  Project* project;
  const AutoSkipOptions* options;
  std::size_t targets = 0;
  std::size_t files = 0;
  std::map<std::string, std::string> hashes;  // by target, platform and args
  std::set<std::string> active;               // being walked
  std::map<std::string, std::string> file_hashes;
  std::map<Place, std::shared_ptr<const PatternMatcher>> ignores;
};

// The walk over one target, or over the base recipe of one file.
class TargetWalk {
 public:
  TargetWalk(Shared& shared, const ProjectFile& file, std::string name, const Scope& overriding,
             std::optional<PlatformResolver> platforms)
      : shared_(&shared),
        file_(&file),
        name_(std::move(name)),
        overriding_(overriding),
        platforms_(std::move(platforms)) {}

  // The hash of a target, walked or known.
  static Checked<std::string> HashOf(Shared& shared, const Reference& target, const Scope& overriding,
                                     std::optional<PlatformResolver> platforms, source::SourceRange range);

 private:
  static Checked<std::string> Pinned(const Reference& reference, const Scope& overriding, source::SourceRange range);
  Checked<std::string> Run(source::SourceRange range);
  Checked<Variables::Options> VariableOptions();

  Checked<std::string> Expand(std::string_view word, source::SourceRange range, bool keep_plus = true);
  Checked<std::string> ExpandKnown(std::string_view word, source::SourceRange range, std::string_view what);
  Checked<std::vector<std::string>> ExpandAll(std::span<const Word> words);
  Checked<std::vector<std::string>> ExpandTexts(const std::vector<std::string>& texts, source::SourceRange range);
  FlagParsing Parsing() const { return {.features = &variables_->features(), .expand = {}}; }

  Checked<> Reach(std::string_view reference, const std::vector<PassedArg>& args, bool pass_args,
                  std::string_view platform, source::SourceRange range);
  Checked<std::optional<PlatformResolver>> PlatformsFor(std::string_view platform, source::SourceRange range);
  // A source of COPY, a context of FROM DOCKERFILE: an artifact, or a path of the context.
  Checked<> Source(const Word& word, const std::vector<std::string>& build_args, bool pass_args,
                   std::string_view platform, bool must_exist, bool docker_ignore);
  Checked<> HashFiles(std::string_view path, source::SourceRange range, bool must_exist, bool docker_ignore);
  Checked<> HashTree(const std::string& path, source::SourceRange range, bool docker_ignore);
  Checked<std::shared_ptr<const PatternMatcher>> Ignored(source::SourceRange range, bool docker_ignore);

  Checked<> Walk(ast::earthfile::Block block);
  Checked<> Walk(const ast::earthfile::Statement& statement);
  Checked<std::optional<bool>> Decide(const ast::earthfile::Condition& condition);
  Checked<> If(const ast::earthfile::If& statement);
  // `perhaps`: it is not known whether it runs. What it sets is then not known either.
  Checked<> WalkBranch(ast::earthfile::Block body, bool perhaps);
  Checked<> For(const ast::earthfile::For& statement);
  Checked<> WithDocker(const ast::earthfile::Command& command);
  Checked<> Walk(const ast::earthfile::Command& command);
  Checked<> From(const std::vector<Word>& words, source::SourceRange range);
  Checked<> FromDockerfile(const std::vector<Word>& words, source::SourceRange range);
  Checked<> Build(const std::vector<Word>& words, source::SourceRange range);
  Checked<> Copy(const std::vector<Word>& words, source::SourceRange range);
  Checked<> Arg(const std::vector<Word>& words, source::SourceRange range);
  Checked<> Assign(const std::vector<Word>& words, source::SourceRange range, bool let);
  Checked<> Import(const std::vector<Word>& words, source::SourceRange range);
  Checked<> Do(const std::vector<Word>& words, source::SourceRange range);

  static constexpr std::size_t kMaxFunctionDepth = 100;

  Shared* shared_;
  const ProjectFile* file_;
  std::string name_;
  Scope overriding_;
  std::optional<PlatformResolver> platforms_;
  PartsHash hash_;
  std::optional<Variables> variables_;
  // Over 0: it is not known whether what is walked runs.
  int perhaps_ = 0;
};

}  // namespace loam::sema::earthfile::auto_skip
