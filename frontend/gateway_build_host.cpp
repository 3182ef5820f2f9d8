#include "frontend/gateway_build_host.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/driver/frontend/local_files.h"
#include "compiler/passes/lower_capture.h"
#include "frontend/status.h"
#include "llb-emit/emit.h"
#include "llb-emit/import.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::frontend {
namespace {

constexpr std::uint32_t kGoModeDir = 1U << 31;

void SetPlatform(const ir::Platform& platform, pb::Platform& wire) {
  wire.set_os(std::string(platform.os));
  wire.set_architecture(std::string(platform.architecture));
  wire.set_variant(std::string(platform.variant));
  wire.set_osversion(std::string(platform.os_version));
  for (const std::string_view feature : platform.os_features) {
    wire.add_osfeatures(std::string(feature));
  }
}

sema::FileStat StatOf(const fsutil::types::Stat& wire) {
  return {wire.path(), wire.mode(), wire.size(), wire.modtime(), (wire.mode() & kGoModeDir) != 0};
}

// An error says what was being built.
template <class T>
Result<T> Told(Result<T> result, const llb::Definition& definition) {
  if (!result) {
    return Unexpected(WithDefinition(std::move(result).error(), definition.bytes));
  }
  return result;
}

// The time in the header "committer" of a git commit: "committer NAME <MAIL> SECONDS ZONE".
std::optional<std::int64_t> CommitTime(std::string_view commit) {
  for (const std::string_view line : Split(commit.substr(0, commit.find("\n\n")), '\n')) {
    const std::size_t mail_end = line.rfind('>');
    if (!line.starts_with("committer ") || mail_end == std::string_view::npos) {
      continue;
    }
    const std::string_view digits = TrimSpace(line.substr(mail_end + 1));
    std::int64_t seconds = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), seconds).ec == std::errc()) {
      return seconds;
    }
  }
  return std::nullopt;
}

}  // namespace

GatewayBuildHost::GatewayBuildHost(GatewayClient& client, GatewayBuildHostOptions options)
    : client_(client), options_(std::move(options)) {}

Result<sema::ImageMetadata> GatewayBuildHost::ResolveImage(const sema::ImageQuery& query) {
  api::ResolveSourceMetaRequest request;
  request.mutable_source()->set_identifier(
      fmt::format("{}{}", query.oci_store ? "oci-layout://" : "docker-image://", query.ref));
  if (query.oci_store) {
    auto& attrs = *request.mutable_source()->mutable_attrs();
    attrs["oci.store"] = std::string(query.oci_store->store_id);
    if (!query.oci_store->session_id.empty()) {
      attrs["oci.session"] = std::string(query.oci_store->session_id);
    }
  } else {
    request.set_resolvemode(std::string(query.resolve_mode));
    request.mutable_image();
  }
  request.set_logname(std::string(query.log_name));
  if (!query.platform.os.empty()) {
    SetPlatform(query.platform, *request.mutable_platform());
  }
  const sema::Blocking blocking(options_.blocking);
  ImageConfig image = LOAM_TRY(client_.ResolveImage(request));
  return sema::ImageMetadata{std::move(image.ref), std::move(image.digest), std::move(image.config)};
}

Result<> GatewayBuildHost::Evaluate(ir::Graph& graph, ir::Value fs) {
  llb::Definition definition;
  const Ref ref = LOAM_TRY(SolveValue(graph, fs, definition));
  const sema::Blocking blocking(options_.blocking);
  return Told(client_.Evaluate(ref), definition);
}

Result<std::string> GatewayBuildHost::ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path,
                                               std::uint64_t limit) {
  llb::Definition definition;
  const Ref ref = LOAM_TRY(SolveValue(graph, fs, definition));
  const std::string name(path);
  const sema::Blocking blocking(options_.blocking);
  std::string text = LOAM_TRY(Told(client_.ReadFile(ref, name, limit), definition));
  NoteRead(definition);
  return text;
}

Result<sema::FileStat> GatewayBuildHost::StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) {
  llb::Definition definition;
  const Ref ref = LOAM_TRY(SolveValue(graph, fs, definition));
  const std::string name(path);
  const sema::Blocking blocking(options_.blocking);
  return StatOf(LOAM_TRY(Told(client_.StatFile(ref, name), definition)));
}

Result<std::vector<sema::FileStat>> GatewayBuildHost::ListDirectory(ir::Graph& graph, ir::Value fs,
                                                                    std::string_view path) {
  llb::Definition definition;
  const Ref ref = LOAM_TRY(SolveValue(graph, fs, definition));
  const std::string name(path);
  const sema::Blocking blocking(options_.blocking);
  std::vector<sema::FileStat> entries;
  for (const fsutil::types::Stat& entry : LOAM_TRY(client_.ReadDir(ref, name))) {
    entries.push_back(StatOf(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return entries;
}

Result<sema::ProcessResult> GatewayBuildHost::Run(ir::Graph& graph, ir::Value capture) {
  const ir::Value lowered = passes::LowerCapture(graph, capture, passes::CaptureRoot::kUnused);
  llb::Definition definition;
  const Ref ref = LOAM_TRY(SolveValue(graph, lowered, definition));
  const sema::Blocking blocking(options_.blocking);
  sema::ProcessResult result;
  const std::string code = LOAM_TRY(Told(client_.ReadFile(ref, passes::kCaptureExitCode), definition));
  const std::string_view digits = TrimSpace(code);
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), result.exit_code);
  if (failed != std::errc() || end != digits.data() + digits.size()) {
    return Unexpected(ErrorCode::kInternal, fmt::format("a command left no exit code but `{}`", digits));
  }
  result.standard_output = LOAM_TRY(client_.ReadFile(ref, passes::kCaptureOutput));
  return result;
}

Result<std::optional<std::int64_t>> GatewayBuildHost::SourceTime(ir::Graph& graph, ir::Value source) {
  const llb::Definition definition = LOAM_TRY(llb::Emit(graph, source));
  pb::Definition parsed;
  pb::Op op;
  if (!parsed.ParseFromString(definition.bytes) || parsed.def_size() == 0 || !op.ParseFromString(parsed.def(0)) ||
      !op.has_source()) {
    return Unexpected(ErrorCode::kInvalidArgument, "the time of something that is no source is asked for");
  }
  if (!client_.Has("source.metaresolver")) {
    return std::optional<std::int64_t>();
  }
  api::ResolveSourceMetaRequest request;
  *request.mutable_source() = op.source();
  request.set_logname("[internal] resolve main build context metadata");
  if (op.source().identifier().starts_with("git://")) {
    request.mutable_git()->set_returnobject(true);
  }
  const sema::Blocking blocking(options_.blocking);
  const api::ResolveSourceMetaResponse response = LOAM_TRY(client_.ResolveSource(request));
  if (response.has_git() && !response.git().commitobject().empty()) {
    return CommitTime(response.git().commitobject());
  }
  if (response.http().has_lastmodified()) {
    return std::optional(response.http().lastmodified().seconds());
  }
  return std::optional<std::int64_t>();
}

Result<ir::Value> GatewayBuildHost::LoadInput(ir::Graph& graph, std::string_view name) {
  const auto found = options_.inputs.find(std::string(name));
  if (found == options_.inputs.end()) {
    return BuildHost::LoadInput(graph, name);
  }
  return llb::ImportInput(graph, name, found->second);
}

Result<sema::RemoteProject> GatewayBuildHost::FetchProject(ir::Graph&, std::string_view) {
  return Unexpected(ErrorCode::kUnimplemented, "projects cannot be fetched while compiling");
}

Result<std::string> GatewayBuildHost::ReadContextFile(std::string_view name, std::string_view path) {
  if (name == options_.dockerfile_directory) {
    return ReadDockerfileNeighbour(path);
  }
  return ReadLocal(name, {std::string(path)}, fmt::format("{}-{}", name, path), fmt::format("load {}", path), path);
}

Result<std::string> GatewayBuildHost::ReadDockerfileNeighbour(std::string_view path) {
  const std::string& name = options_.dockerfile_name;
  std::vector<std::string> paths = driver::DockerfilePaths(name);
  if (std::find(paths.begin(), paths.end(), path) == paths.end()) {
    paths = {std::string(path)};
  }
  return ReadLocal(options_.dockerfile_directory, paths, options_.dockerfile_directory,
                   "load build definition from " + name, path);
}

Result<std::string> GatewayBuildHost::ReadLocal(std::string_view name, const std::vector<std::string>& paths,
                                                std::string_view hint, std::string_view shown, std::string_view path) {
  const auto own = options_.local_session_ids.find(std::string(name));
  const llb::Definition definition = LOAM_TRY(driver::LocalFilesDefinition(
      {.directory = std::string(name),
       .paths = paths,
       .shared_key_hint = std::string(hint),
       .step = fmt::format("[internal] {}", shown),
       .session_id = own == options_.local_session_ids.end() ? options_.session_id : own->second,
       .differ_none = client_.HasLlb("source.local.differ")}));
  const sema::Blocking blocking(options_.blocking);
  const Ref ref = LOAM_TRY(Solve(definition));
  std::string text = LOAM_TRY(client_.ReadFile(ref, path));
  NoteRead(definition);
  return text;
}

GatewayBuildHost::Origin GatewayBuildHost::last_read() const {
  const std::lock_guard lock(mutex_);
  return last_read_;
}

void GatewayBuildHost::NoteRead(const llb::Definition& definition) {
  const std::lock_guard lock(mutex_);
  last_read_ = {definition.bytes, definition.head.ToString()};
}

// What is solved is what the graph says now: the definition is written before anything blocks.
Result<Ref> GatewayBuildHost::SolveValue(const ir::Graph& graph, ir::Value fs, llb::Definition& definition) {
  definition = LOAM_TRY(llb::Emit(graph, fs));
  if (definition.bytes.empty()) {
    return Ref{};
  }
  if (options_.on_definition) {
    options_.on_definition(graph, definition);
  }
  const sema::Blocking blocking(options_.blocking);
  return Told(Solve(definition), definition);
}

Result<Ref> GatewayBuildHost::Solve(const llb::Definition& definition) {
  // The definition's last op knows which output of the vertex is meant.
  const std::string key(definition.ops.empty() ? std::string() : definition.ops.back().digest.ToString());
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = solved_.find(key); found != solved_.end()) {
      return found->second;
    }
  }
  Ref ref = LOAM_TRY(client_.Solve(definition.bytes));
  const std::lock_guard lock(mutex_);
  return solved_.emplace(key, std::move(ref)).first->second;
}

}  // namespace loam::frontend
