#include "compiler/sema/dockerfile/remote_context.h"

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
