// Hosts for an evaluation of Earthfiles that answer from tables, and note what they are asked to do.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/strings.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/earthfile/effects_host.h"
#include "compiler/sema/earthfile/gate.h"
#include "compiler/sema/earthfile/project_host.h"

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
  std::mutex mutex;  // guards resolved

  Result<ImageMetadata> ResolveImage(const ImageQuery& query) override;
  Result<> Evaluate(ir::Graph& graph, ir::Value fs) override;
  Result<std::string> ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path, std::uint64_t limit) override;
  Result<FileStat> StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) override;
  Result<std::vector<FileStat>> ListDirectory(ir::Graph& graph, ir::Value fs, std::string_view path) override;
  Result<ProcessResult> Run(ir::Graph& graph, ir::Value capture) override;
  Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) override;
  Result<loam::sema::RemoteProject> FetchProject(ir::Graph& graph, std::string_view reference) override;
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

// "Earthfile" and the files that lines `### path` begin.
inline std::map<std::string, std::string> SplitFiles(std::string_view text) {
  std::map<std::string, std::string> files;
  std::string* current = &files["Earthfile"];
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    if (line.starts_with("### ")) {
      current = &files[std::string(TrimSpace(line.substr(4)))];
    } else {
      current->append(line);
    }
  }
  return files;
}

// --- what they do

inline std::string PathIn(const Place& place, std::string_view path) {
  return JoinPath(place.directory, path);
}

inline std::string ScriptOf(const ir::ExecAttrs& exec) {
  std::string out;
  for (std::size_t i = 0; i < exec.args.size(); ++i) {
    if (exec.args.size() == 3 && exec.args[1] == "-c" && i < 2) {
      continue;
    }
    out.append(out.empty() ? "" : " ").append(exec.args[i]);
  }
  return out;
}

inline Result<std::string> MemoryProjectHost::ReadFile(const Place& place, std::string_view path) {
  const auto found = files.find(PathIn(place, path));
  if (found == files.end()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("{}: not found", path));
  }
  return found->second;
}
inline Result<bool> MemoryProjectHost::FileExists(const Place& place, std::string_view path) {
  return files.contains(PathIn(place, path));
}
inline Result<std::vector<DirectoryEntry>> MemoryProjectHost::ListDirectory(const Place& place, std::string_view path) {
  std::string front = PathIn(place, path);
  front = front == "." ? "" : front + "/";
  std::map<std::string, bool> entries;
  for (const auto& [name, text] : files) {
    if (name.starts_with(front)) {
      const std::string rest = name.substr(front.size());
      const std::size_t slash = rest.find('/');
      entries.emplace(rest.substr(0, slash), slash != std::string::npos);
    }
  }
  std::vector<DirectoryEntry> out;
  for (const auto& [name, directory] : entries) {
    out.push_back({name, directory});
  }
  return out;
}
inline Result<std::optional<GitFacts>> MemoryProjectHost::Git(const Place&) {
  return std::optional<GitFacts>();
}
inline Result<RemoteProject> MemoryProjectHost::Fetch(std::string_view git_path, std::string_view tag) {
  RemoteProject remote;
  remote.root = fmt::format("remote:{}", git_path);
  remote.clone_url = fmt::format("https://{}.git", git_path);
  remote.commit = std::string(40, 'a');
  remote.git.git_path = git_path;
  remote.git.branches = {std::string(tag)};
  remote.local_path = fmt::format("/clones/{}", git_path);
  return remote;
}
inline Result<std::string> MemoryProjectHost::HashFile(const Place& place, std::string_view path) {
  return Digest::Of(LOAM_TRY(ReadFile(place, path))).Hex();
}

inline Result<ImageMetadata> TableBuildHost::ResolveImage(const ImageQuery& query) {
  {
    const std::lock_guard lock(mutex);  // images are asked for in parallel
    resolved.emplace_back(query.ref);
  }
  if (query.ref.find("missing") != std::string_view::npos) {
    return Unexpected(ErrorCode::kNotFound, "not found");
  }
  ImageMetadata out;
  out.digest = "sha256:" + Digest::Of(query.ref).Hex();
  out.config = fmt::format(
      R"({{"architecture":"{}","os":"linux","config":{{"Env":["PATH=/bin","FROM_IMAGE=1"],"Cmd":["/bin/sh"],)"
      R"("WorkingDir":"/w","User":""}},"rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}})",
      query.platform.architecture, std::string(64, '1'));
  return out;
}
inline Result<> TableBuildHost::Evaluate(ir::Graph&, ir::Value) {
  return {};
}
inline Result<std::string> TableBuildHost::ReadFile(ir::Graph&, ir::Value, std::string_view path, std::uint64_t) {
  const auto found = files.find(std::string(path));
  if (found == files.end()) {
    return Unexpected(ErrorCode::kNotFound, "no such file");
  }
  return found->second;
}
inline Result<FileStat> TableBuildHost::StatFile(ir::Graph&, ir::Value, std::string_view) {
  return Unexpected(ErrorCode::kNotFound, "no such file");
}
inline Result<std::vector<FileStat>> TableBuildHost::ListDirectory(ir::Graph&, ir::Value, std::string_view) {
  return std::vector<FileStat>();
}
inline Result<ProcessResult> TableBuildHost::Run(ir::Graph& graph, ir::Value capture) {
  const std::string script = ScriptOf(graph.node(capture).As<ir::ExecAttrs>());
  captured.push_back(script);
  const Gate::Opened opened(gate);
  std::this_thread::yield();
  const auto found = answers.find(script);
  return found == answers.end() ? ProcessResult{} : found->second;
}
inline Result<std::optional<std::int64_t>> TableBuildHost::SourceTime(ir::Graph&, ir::Value) {
  return std::optional<std::int64_t>();
}
inline Result<loam::sema::RemoteProject> TableBuildHost::FetchProject(ir::Graph&, std::string_view) {
  return Unexpected(ErrorCode::kUnimplemented, "no projects");
}
inline Result<std::string> TableBuildHost::ReadContextFile(std::string_view, std::string_view) {
  return Unexpected(ErrorCode::kNotFound, "no such file");
}
inline Result<std::string> TableBuildHost::ReadDockerfileNeighbour(std::string_view) {
  return Unexpected(ErrorCode::kNotFound, "no such file");
}

inline Result<ProcessResult> NotingEffects::RunLocally(const LocalCommand& command) {
  commands.push_back(command);
  log.push_back("local " + command.argv.back());
  const auto found = answers.find(command.argv.back());
  return found == answers.end() ? ProcessResult{} : found->second;
}
inline Result<> NotingEffects::ExportToHost(ir::Graph&, const HostExport& files) {
  log.push_back(fmt::format("export {} -> {}{}", files.source, files.destination, files.directory ? " --dir" : ""));
  return {};
}
inline Result<ir::Value> NotingEffects::ImportFromHost(ir::Graph& graph, const HostImport& files) {
  log.push_back(fmt::format("import {} -> {}", files.source, files.destination));
  return graph.Add<ir::OpKind::kSourceLocal>({}, {"imported", {}});
}
inline Result<> NotingEffects::Perform(ir::Graph&, const Outputs& outputs) {
  performed.push_back(outputs);
  log.push_back(fmt::format("perform {} images {} artifacts {} states", outputs.images.size(), outputs.artifacts.size(),
                            outputs.states.size()));
  return {};
}
inline Result<> NotingEffects::RunTry(ir::Graph&, const TryStep& step) {
  tries.push_back(step);
  return {};
}
inline Result<> NotingEffects::LoadIntoDocker(ir::Graph&, std::span<const DaemonImage> images) {
  for (const DaemonImage& image : images) {
    log.push_back("load " + image.name);
  }
  return {};
}
inline Result<> NotingEffects::RunInteractive(ir::Graph&, const InteractiveStep& step) {
  log.push_back(fmt::format("interactive {}{}", step.name.command, step.keep ? " keep" : ""));
  return {};
}
inline Result<ir::Value> NotingEffects::ImageLayout(ir::Graph& graph, const DaemonImage& image) {
  if (!layouts) {
    return EffectsHost::ImageLayout(graph, image);
  }
  const std::string name = "layout:" + image.name;
  return graph.Add<ir::OpKind::kSourceLocal>({}, {name, {}});
}
inline void NotingEffects::Notice(std::string_view, std::string_view text) {
  log.push_back(fmt::format("notice {}", text));
}
inline void NotingEffects::Warning(std::string_view, std::string_view text) {
  warnings.emplace_back(text);
}
inline Result<bool> NotingEffects::WasBuilt(std::string_view, std::string_view) {
  return false;
}
inline Result<> NotingEffects::RecordBuilt(std::string_view, std::string_view) {
  return {};
}

}  // namespace loam::sema::earthfile
