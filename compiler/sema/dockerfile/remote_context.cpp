#include "compiler/sema/dockerfile/remote_context.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "compiler/sema/dockerfile/git_reference.h"
#include "compiler/sema/dockerfile/git_source.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
namespace {

constexpr std::uint64_t kHeadSize = 1024;

// Whether the first bytes of a file are those of a tar archive, perhaps compressed.
bool IsArchive(std::string_view head) {
  for (const std::string_view magic : {"BZh", "\x1F\x8B\x08",
                                       "\xFD"
                                       "7zXZ"}) {
    if (head.starts_with(magic)) {
      return true;
    }
  }
  return head.size() >= 262 && head.substr(257, 5) == "ustar";
}

ir::FileAction CopyToRoot(std::string_view source) {
  ir::FileAction copy;
  copy.kind = ir::FileActionKind::kCopy;
  copy.secondary_input = 0;
  copy.output = 0;
  copy.path = "/";
  copy.source = source;
  copy.mode = -1;
  return copy;
}

Result<RemoteContext> FromUrl(ir::Graph& graph, const std::string& url, BuildHost& host) {
  RemoteContext made;
  const ir::KeyValue attrs[] = {{"http.filename", kLoneDockerfile}};
  made.source = graph.Add<ir::OpKind::kSourceHttp>({}, {url, attrs});
  made.source_name = fmt::format("[internal] load remote build context {}", url);
  const auto head = host.ReadFile(graph, made.source, kLoneDockerfile, kHeadSize);
  if (!head && !head.error().Is(ErrorCode::kUnimplemented)) {
    return Unexpected(head.error().Wrap("failed to read downloaded context"));
  }
  if (head && !IsArchive(*head)) {
    made.is_lone_dockerfile = true;
    made.files = made.source;
    return made;
  }
  ir::FileAction unpack = CopyToRoot("/context");
  unpack.attempt_unpack = true;
  const ir::Value operands[] = {made.source};
  made.files = graph.Add<ir::OpKind::kFile>(operands, {{&unpack, 1}});
  return made;
}

}  // namespace

Result<std::optional<std::int64_t>> ArchiveTime(ir::Graph& graph, ir::Value source, BuildHost& host) {
  constexpr std::uint32_t kGoModeType = 0x8F280000;
  constexpr std::size_t kMaxFiles = 100'000;
  const auto listed = host.ListDirectory(graph, source, "/");
  if (!listed && listed.error().Is(ErrorCode::kUnimplemented)) {
    return std::nullopt;
  }
  const std::vector<FileStat> downloaded = LOAM_TRY(Result<std::vector<FileStat>>(listed));
  if (downloaded.size() != 1) {
    return std::nullopt;
  }
  const std::string file = "/" + downloaded.front().path;
  if (!IsArchive(LOAM_TRY(host.ReadFile(graph, source, file, kHeadSize)))) {
    return std::nullopt;
  }
  ir::FileAction unpack = CopyToRoot(graph.Intern(file));
  unpack.attempt_unpack = true;
  const ir::Value operands[] = {source};
  const ir::Value files = graph.Add<ir::OpKind::kFile>(operands, {{&unpack, 1}});
  std::optional<std::int64_t> newest;
  std::vector<std::string> pending{"/"};
  for (std::size_t read = 0; read < pending.size() && pending.size() < kMaxFiles; ++read) {
    const std::string below = pending[read];
    for (const FileStat& entry : LOAM_TRY(host.ListDirectory(graph, files, below))) {
      const std::string path = (below == "/" ? "" : below) + "/" + entry.path;
      const FileStat stat = LOAM_TRY(host.StatFile(graph, files, path));
      if (stat.is_directory) {
        pending.push_back(path);
      } else if ((stat.mode & kGoModeType) == 0) {
        newest = std::max(newest.value_or(0), stat.modified_ns / 1'000'000'000);
      }
    }
  }
  return newest;
}

bool HasRemoteContext(const DockerfileOptions& options) {
  return !options.remote_context.empty() || options.context_is_input;
}

Result<RemoteContext> LoadRemoteContext(ir::Graph& graph, const DockerfileOptions& options, BuildHost& host) {
  RemoteContext made;
  if (options.remote_context.empty()) {
    made.source = LOAM_TRY(host.LoadInput(graph, "context"));
    made.files = made.source;
  } else if (auto git = LOAM_TRY(ParseGitReference(options.remote_context))) {
    if (options.keep_git_dir) {
      git->keep_git_dir = true;
    }
    // Files get the time of the commit when times matter.
    const auto epoch = options.build_args.find("SOURCE_DATE_EPOCH");
    if (epoch != options.build_args.end() && !epoch->second.empty() && git->mtime.empty()) {
      git->mtime = "commit";
    }
    made.source = AddGitSource(graph, *git);
    made.source_name = fmt::format("[internal] load git source {}", options.remote_context);
    made.files = made.source;
  } else {
    made = LOAM_TRY(FromUrl(graph, options.remote_context, host));
  }
  made.context = made.files;
  if (!options.context_subdir.empty()) {
    ir::FileAction scope = CopyToRoot(graph.Intern(JoinPath("/", options.context_subdir)));
    scope.dir_copy_contents = true;
    const ir::Value operands[] = {made.files};
    made.context = graph.Add<ir::OpKind::kFile>(operands, {{&scope, 1}});
  }
  return made;
}

}  // namespace loam::sema
