#include "fixture.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/digest.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema::earthfile {
namespace {

std::string PathIn(const Place& place, std::string_view path) {
  return JoinPath(place.directory, path);
}

std::string ScriptOf(const ir::ExecAttrs& exec) {
  std::string out;
  for (std::size_t i = 0; i < exec.args.size(); ++i) {
    if (exec.args.size() == 3 && exec.args[1] == "-c" && i < 2) {
      continue;
    }
    out.append(out.empty() ? "" : " ").append(exec.args[i]);
  }
  return out;
}

}  // namespace

Result<std::string> MemoryProjectHost::ReadFile(const Place& place, std::string_view path) {
  const auto found = files.find(PathIn(place, path));
  if (found == files.end()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("{}: not found", path));
  }
  return found->second;
}
Result<bool> MemoryProjectHost::FileExists(const Place& place, std::string_view path) {
  return files.contains(PathIn(place, path));
}
Result<std::vector<DirectoryEntry>> MemoryProjectHost::ListDirectory(const Place& place, std::string_view path) {
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
Result<std::optional<GitFacts>> MemoryProjectHost::Git(const Place&) {
  return std::optional<GitFacts>();
}
Result<RemoteProject> MemoryProjectHost::Fetch(std::string_view git_path, std::string_view tag) {
  RemoteProject remote;
  remote.root = fmt::format("remote:{}", git_path);
  remote.clone_url = fmt::format("https://{}.git", git_path);
  remote.commit = std::string(40, 'a');
  remote.git.git_path = git_path;
  remote.git.branches = {std::string(tag)};
  remote.local_path = fmt::format("/clones/{}", git_path);
  return remote;
}
Result<std::string> MemoryProjectHost::HashFile(const Place& place, std::string_view path) {
  return Digest::Of(LOAM_TRY(ReadFile(place, path))).Hex();
}

Result<ImageMetadata> TableBuildHost::ResolveImage(const ImageQuery& query) {
  resolved.emplace_back(query.ref);
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
Result<> TableBuildHost::Evaluate(ir::Graph&, ir::Value) {
  return {};
}
Result<std::string> TableBuildHost::ReadFile(ir::Graph&, ir::Value, std::string_view path, std::uint64_t) {
  const auto found = files.find(std::string(path));
  if (found == files.end()) {
    return Unexpected(ErrorCode::kNotFound, "no such file");
  }
  return found->second;
}
Result<FileStat> TableBuildHost::StatFile(ir::Graph&, ir::Value, std::string_view) {
  return Unexpected(ErrorCode::kNotFound, "no such file");
}
Result<std::vector<FileStat>> TableBuildHost::ListDirectory(ir::Graph&, ir::Value, std::string_view) {
  return std::vector<FileStat>();
}
Result<ProcessResult> TableBuildHost::Run(ir::Graph& graph, ir::Value capture) {
  const std::string script = ScriptOf(graph.node(capture).As<ir::ExecAttrs>());
  captured.push_back(script);
  const Gate::Opened opened(gate);
  std::this_thread::yield();
  const auto found = answers.find(script);
  return found == answers.end() ? ProcessResult{} : found->second;
}
Result<std::optional<std::int64_t>> TableBuildHost::SourceTime(ir::Graph&, ir::Value) {
  return std::optional<std::int64_t>();
}
Result<loam::sema::RemoteProject> TableBuildHost::FetchProject(ir::Graph&, std::string_view) {
  return Unexpected(ErrorCode::kUnimplemented, "no projects");
}
Result<std::vector<std::string>> TableBuildHost::ListContext(std::string_view) {
  return std::vector<std::string>();
}
Result<std::string> TableBuildHost::ReadContextFile(std::string_view, std::string_view) {
  return Unexpected(ErrorCode::kNotFound, "no such file");
}
Result<std::string> TableBuildHost::ReadDockerfileNeighbour(std::string_view) {
  return Unexpected(ErrorCode::kNotFound, "no such file");
}

Result<ProcessResult> NotingEffects::RunLocally(const LocalCommand& command) {
  commands.push_back(command);
  log.push_back("local " + command.argv.back());
  const auto found = answers.find(command.argv.back());
  return found == answers.end() ? ProcessResult{} : found->second;
}
Result<> NotingEffects::ExportToHost(ir::Graph&, const HostExport& files) {
  log.push_back(fmt::format("export {} -> {}{}", files.source, files.destination, files.directory ? " --dir" : ""));
  return {};
}
Result<ir::Value> NotingEffects::ImportFromHost(ir::Graph& graph, const HostImport& files) {
  log.push_back(fmt::format("import {} -> {}", files.source, files.destination));
  return graph.Add<ir::OpKind::kSourceLocal>({}, {"imported", {}});
}
Result<> NotingEffects::Perform(ir::Graph&, const Outputs& outputs) {
  performed.push_back(outputs);
  log.push_back(fmt::format("perform {} images {} artifacts {} states", outputs.images.size(), outputs.artifacts.size(),
                            outputs.states.size()));
  return {};
}
Result<> NotingEffects::RunTry(ir::Graph&, const TryStep& step) {
  tries.push_back(step);
  return {};
}
Result<> NotingEffects::LoadIntoDocker(ir::Graph&, std::span<const DaemonImage> images) {
  for (const DaemonImage& image : images) {
    log.push_back("load " + image.name);
  }
  return {};
}
Result<> NotingEffects::RunInteractive(ir::Graph&, const InteractiveStep& step) {
  log.push_back(fmt::format("interactive {}{}", step.name.command, step.keep ? " keep" : ""));
  return {};
}
Result<ir::Value> NotingEffects::ImageLayout(ir::Graph& graph, const DaemonImage& image) {
  if (!layouts) {
    return EffectsHost::ImageLayout(graph, image);
  }
  const std::string name = "layout:" + image.name;
  return graph.Add<ir::OpKind::kSourceLocal>({}, {name, {}});
}
void NotingEffects::Notice(std::string_view, std::string_view text) {
  log.push_back(fmt::format("notice {}", text));
}
void NotingEffects::Warning(std::string_view, std::string_view text) {
  warnings.emplace_back(text);
}
Result<bool> NotingEffects::WasBuilt(std::string_view, std::string_view) {
  return false;
}
Result<> NotingEffects::RecordBuilt(std::string_view, std::string_view) {
  return {};
}

Evaluation::Evaluation() {
  host_.gate = &gate_;
  request_.sources = &sources_;
  request_.host = &host_;
  request_.effects = &effects_;
  request_.gate = &gate_;
  request_.options.native_platform = "linux/amd64";
  request_.options.user_platform = "linux/amd64";
  request_.options.invocation_directory = "/project";
  request_.options.local_unique_id = "unique";
  request_.options.version = "1.0";
  // Nothing begins ahead of its turn, so that the order of effects is that of the recipe.
  request_.options.parallelism = 1;
}

bool Evaluation::Run(std::string_view earthfile, std::vector<std::string> roots) {
  projects_.files["Earthfile"] =
      earthfile.starts_with("VERSION") ? std::string(earthfile) : "VERSION 0.8\n" + std::string(earthfile);
  project_ = std::make_unique<Project>(projects_, sources_, ProjectOptions{"", "/home/me", &gate_});
  request_.project = project_.get();
  request_.roots = std::move(roots);
  driver::earthfile::FromDockerfileCompiler dockerfiles(sources_);
  request_.dockerfiles = &dockerfiles;
  diag::Emitter emitter(consumer_);
  auto result = Evaluate(request_, emitter);
  outcome_.reset();
  error_.reset();
  if (!result) {
    error_ = std::move(result).error();
    return false;
  }
  outcome_ = std::move(*result);
  return outcome_.has_value();
}

std::vector<std::string> Evaluation::Steps(ir::Value fs) {
  std::vector<std::string> out;
  const ir::Graph& graph = outcome_->module.graph;
  for (const ir::NodeId id : graph.PostOrder({{fs}})) {
    const ir::Node& node = graph.node(id);
    switch (node.kind()) {
      case ir::OpKind::kSourceImage:
        out.push_back(fmt::format("image {}", node.As<ir::SourceAttrs>().identifier.substr(
                                                  0, node.As<ir::SourceAttrs>().identifier.find('@'))));
        break;
      case ir::OpKind::kSourceLocal: {
        std::string line = fmt::format("local {}", node.As<ir::SourceAttrs>().identifier);
        for (const ir::KeyValue& attr : node.As<ir::SourceAttrs>().attrs) {
          if (attr.key == "local.followpaths" || attr.key == "local.excludepatterns") {
            line += fmt::format(" {}={}", attr.key.substr(6), attr.value);
          }
        }
        out.push_back(line);
        break;
      }
      case ir::OpKind::kSourceGit:
        out.push_back(fmt::format("git {}", node.As<ir::SourceAttrs>().identifier));
        break;
      case ir::OpKind::kExec:
        out.push_back("exec " + ScriptOf(node.As<ir::ExecAttrs>()));
        break;
      case ir::OpKind::kMerge:
        out.emplace_back("merge");
        break;
      case ir::OpKind::kFile:
        for (const ir::FileAction& action : node.As<ir::FileAttrs>().actions) {
          std::string line = action.kind == ir::FileActionKind::kMkdir ? fmt::format("mkdir {}", action.path)
                             : action.kind == ir::FileActionKind::kMkfile
                                 ? fmt::format("mkfile {}", action.path)
                                 : fmt::format("copy {} -> {}", action.source, action.path);
          line += action.kind == ir::FileActionKind::kCopy && !action.dir_copy_contents ? " --dir" : "";
          line += action.kind == ir::FileActionKind::kCopy && !action.owner ? " keep-own" : "";
          line += action.kind == ir::FileActionKind::kCopy && action.mode >= 0 ? fmt::format(" {:o}", action.mode) : "";
          line += action.kind == ir::FileActionKind::kCopy && action.timestamp < 0 ? " keep-ts" : "";
          line += action.allow_empty_wildcard ? " if-exists" : "";
          out.push_back(line);
        }
        break;
      default:
        out.emplace_back("other");
    }
  }
  return out;
}

const ir::ExecAttrs* Evaluation::LastExec() {
  const ir::ExecAttrs* last = nullptr;
  const ir::Graph& graph = outcome_->module.graph;
  const ir::Value roots[] = {outcome_->roots.at(0)};
  for (const ir::NodeId id : graph.PostOrder(roots)) {
    if (graph.node(id).kind() == ir::OpKind::kExec) {
      last = &graph.node(id).As<ir::ExecAttrs>();
    }
  }
  return last;
}

std::vector<std::string> Evaluation::LastEnv() {
  std::vector<std::string> out;
  for (const std::string_view entry : LastExec()->env) {
    out.emplace_back(entry);
  }
  return out;
}

std::string Evaluation::Text(ir::Value fs) {
  ir::ModuleResult& result = outcome_->module.results.emplace_back();
  result.fs = fs;
  std::string text = ir::PrintModule(outcome_->module);
  outcome_->module.results.clear();
  return text;
}

std::string Evaluation::Mistakes() {
  std::string out;
  for (const diag::Diagnostic& diagnostic : consumer_.diagnostics()) {
    out += diagnostic.message + "\n";
    for (const std::string& note : diagnostic.notes) {
      out += "  note: " + note + "\n";
    }
    for (const std::string& hint : diagnostic.hints) {
      out += "  hint: " + hint + "\n";
    }
  }
  return out;
}

}  // namespace loam::sema::earthfile
