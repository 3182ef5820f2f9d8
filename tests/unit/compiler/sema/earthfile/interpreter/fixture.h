// An evaluation over Earthfiles in memory, with hosts that answer from tables and note what they are asked to do.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/driver/earthfile/dockerfile_compiler.h"
#include "compiler/ir/text.h"
#include "compiler/sema/earthfile/evaluate.h"
#include "compiler/sema/earthfile/project.h"

namespace loam::sema::earthfile {

class MemoryProjectHost : public ProjectHost {
 public:
  // "Earthfile", "lib/Earthfile" -> text.
  std::map<std::string, std::string> files;

  Result<std::string> ReadFile(const Place& place, std::string_view path) override;
  Result<bool> FileExists(const Place& place, std::string_view path) override;
  Result<std::vector<DirectoryEntry>> ListDirectory(const Place& place, std::string_view path) override;
  Result<std::optional<GitFacts>> Git(const Place& place) override;
  Result<RemoteProject> Fetch(std::string_view git_path, std::string_view tag) override;
  Result<std::string> HashFile(const Place& place, std::string_view path) override;
};

class TableBuildHost : public BuildHost {
 public:
  Gate* gate = nullptr;
  // Script of a capture ("/bin/sh -c" taken off) -> its answer. Others print nothing and exit with 0.
  std::map<std::string, ProcessResult> answers;
  std::vector<std::string> captured;
  std::map<std::string, std::string> files;
  std::vector<std::string> resolved;

  Result<ImageMetadata> ResolveImage(const ImageQuery& query) override;
  Result<> Evaluate(ir::Graph& graph, ir::Value fs) override;
  Result<std::string> ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path, std::uint64_t limit) override;
  Result<FileStat> StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) override;
  Result<std::vector<FileStat>> ListDirectory(ir::Graph& graph, ir::Value fs, std::string_view path) override;
  Result<ProcessResult> Run(ir::Graph& graph, ir::Value capture) override;
  Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) override;
  Result<loam::sema::RemoteProject> FetchProject(ir::Graph& graph, std::string_view reference) override;
  Result<std::vector<std::string>> ListContext(std::string_view name) override;
  Result<std::string> ReadContextFile(std::string_view name, std::string_view path) override;
  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override;
};

class NotingEffects : public EffectsHost {
 public:
  std::vector<std::string> log;
  std::vector<LocalCommand> commands;
  std::vector<Outputs> performed;
  std::vector<TryStep> tries;
  std::map<std::string, ProcessResult> answers;
  std::vector<std::string> warnings;
  bool layouts = false;

  Result<ProcessResult> RunLocally(const LocalCommand& command) override;
  Result<> ExportToHost(ir::Graph& graph, const HostExport& files) override;
  Result<ir::Value> ImportFromHost(ir::Graph& graph, const HostImport& files) override;
  Result<> Perform(ir::Graph& graph, const Outputs& outputs) override;
  Result<> RunTry(ir::Graph& graph, const TryStep& step) override;
  Result<> LoadIntoDocker(ir::Graph& graph, std::span<const DaemonImage> images) override;
  Result<> RunInteractive(ir::Graph& graph, const InteractiveStep& step) override;
  Result<ir::Value> ImageLayout(ir::Graph& graph, const DaemonImage& image) override;
  void Notice(std::string_view target, std::string_view text) override;
  void Warning(std::string_view target, std::string_view text) override;
  Result<bool> WasBuilt(std::string_view target, std::string_view hash) override;
  Result<> RecordBuilt(std::string_view target, std::string_view hash) override;
};

class Evaluation : public ::testing::Test {
 protected:
  Evaluation();

  // Evaluates roots of `Earthfile`: "VERSION 0.8\n" is put in front of a text without one. True if it worked.
  bool Run(std::string_view earthfile, std::vector<std::string> roots = {"+t"});
  // The steps that the result of the first root needs, one a line: "exec /bin/sh -c make", "file copy /a -> /b", ….
  std::vector<std::string> Steps() { return Steps(outcome_->roots.at(0)); }
  std::vector<std::string> Steps(ir::Value fs);
  // Messages of all diagnostics with their notes.
  std::string Mistakes();
  // The whole graph as text.
  std::string Text(ir::Value fs);
  // env of the last exec of the first root.
  std::vector<std::string> LastEnv();
  const ir::ExecAttrs* LastExec();

  MemoryProjectHost projects_;
  TableBuildHost host_;
  NotingEffects effects_;
  Gate gate_;
  source::SourceManager sources_;
  diag::CollectingConsumer consumer_;
  EvaluateRequest request_;
  std::unique_ptr<Project> project_;
  std::optional<EvaluateOutcome> outcome_;
  std::optional<Error> error_;
};

}  // namespace loam::sema::earthfile
