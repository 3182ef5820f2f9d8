// Targets as stages of a Dockerfile; private to to_dockerfile.cpp and target_commands.cpp.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/ast/earthfile/ast.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/project.h"

namespace loam::convert {

// A path that a target saves.
struct SavedArtifact {
  std::string artifact;  // relative, as in `+target/artifact`
  std::string source;    // absolute
  std::string stage;     // that has it
};

// A target that is being, or was, written as stages.
struct TargetStage {
  std::string name;
  bool done = false;
  bool is_base = false;
  std::vector<SavedArtifact> artifacts;

  // The state behind the commands so far.
  std::string user;                    // "" for root
  std::optional<std::string> workdir;  // absolute; none if only the image knows it
  std::set<std::string, std::less<>> args;
  std::set<std::string, std::less<>> envs;
  std::vector<std::string> caches;  // `--mount=type=cache,…`

  std::string stage;  // its current name
  bool has_stage = false;
  bool saved = false;  // an artifact, since the stage began
  std::size_t parts = 0;
  // ARGs in front of FROM: name and text.
  std::vector<std::pair<std::string, std::optional<std::string>>> pending;
  std::set<std::string, std::less<>> local_args;  // of base: those that are not --global
};

class TargetStages {
 public:
  TargetStages(const sema::earthfile::ProjectFile& file, diag::Emitter& emitter) : file_(file), emitter_(emitter) {}

  // The stages of the target and of all that it uses, written once. Null if it is being written: a cycle.
  const TargetStage* Write(std::string_view name, source::SourceRange range);
  [[nodiscard]] bool ok() const { return !emitter_.has_errors(); }
  [[nodiscard]] std::string Text() const;

 private:
  using Block = ast::earthfile::Block;
  using Command = ast::earthfile::Command;
  using Word = sema::earthfile::Word;
  // Values that a DO gives.
  using Given = std::map<std::string, std::string, std::less<>>;

  void WriteBlock(TargetStage& target, Block block, const Given* given, unsigned depth);
  void WriteCommand(TargetStage& target, const Command& command, const Given* given, unsigned depth);
  void From(TargetStage& target, const Command& command);
  void FromTarget(TargetStage& target, std::string_view name, source::SourceRange range);
  void Run(TargetStage& target, const Command& command);
  bool Mounts(const sema::earthfile::RunFlags& flags, source::SourceRange range, std::string& out);
  void Copy(TargetStage& target, const Command& command);
  void SaveArtifact(TargetStage& target, const Command& command);
  void Arg(TargetStage& target, const Command& command, const Given* given);
  void Env(TargetStage& target, const Command& command);
  void Labels(TargetStage& target, const Command& command);
  void CmdOrEntrypoint(TargetStage& target, const Command& command);
  void Words(TargetStage& target, const Command& command);
  void Healthcheck(TargetStage& target, const Command& command);
  void Cache(TargetStage& target, const Command& command);
  void Do(TargetStage& target, const Command& command, unsigned depth);

  // The global ARGs of the base recipe, for a target that does not begin with it.
  void TakeBaseArgs(TargetStage& target);
  // The path of an artifact in a stage; what is wrong was reported.
  std::optional<std::pair<std::string, std::string>> FindArtifact(const TargetStage& from, std::string_view path,
                                                                  source::SourceRange range);
  // The name of the target if the reference is to this file, or an error.
  std::optional<std::string> LocalName(std::string_view reference, source::SourceRange range);
  // The stage continues under another name: what was saved stays as it was.
  void ChangesFiles(TargetStage& target);
  void Begin(TargetStage& target, std::string_view from);
  std::optional<std::string> Portable(const Word& word, bool one_word = true);
  std::optional<std::string> AbsolutePath(const TargetStage& target, std::string_view path, source::SourceRange range);

  void Line(std::string line);
  void Fail(source::SourceRange range, std::string_view what, std::string_view why);

  const sema::earthfile::ProjectFile& file_;
  diag::Emitter& emitter_;
  std::deque<TargetStage> targets_;
  std::vector<std::pair<std::string, std::string>> globals_;  // ARGs in front of all stages: name, line
  std::vector<std::string> lines_;                            // of the target that is being written
  std::vector<std::string> finished_;                         // of those before
  bool told_times_ = false;
};

}  // namespace loam::convert
