// The main context where it is no directory of the client: a git repository, an archive or a lone Dockerfile at a URL,
// or what another build gave as the input "context".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "compiler/ir/graph.h"
#include "compiler/sema/build_host.h"
#include "compiler/sema/dockerfile/options.h"

namespace loam::sema {

struct RemoteContext {
  // What is fetched: a git or HTTP source; the input itself.
  ir::Value source;
  // "[internal] load git source https://…"; empty for an input.
  std::string source_name;
  // What the Dockerfile is in: of an archive, what it holds.
  ir::Value files;
  // What COPY sees: `files`, or a directory in it.
  ir::Value context;
  // The URL is that of a Dockerfile: `files` holds nothing but it, under the name kLoneDockerfile.
  bool is_lone_dockerfile = false;
};
inline constexpr const char* kLoneDockerfile = "context";

// Whether `options` name one.
bool HasRemoteContext(const DockerfileOptions& options);
// Adds it to the graph. Of a URL, the host is asked for the first bytes: an Error if they cannot be had, unless the
// host cannot know (it is taken for an archive then).
Result<RemoteContext> LoadRemoteContext(ir::Graph& graph, const DockerfileOptions& options, BuildHost& host);

// Of an HTTP source: the latest modification of a regular file in the archive that it is, in seconds since the epoch;
// nullopt if it is no archive, holds no file, or the host cannot know.
Result<std::optional<std::int64_t>> ArchiveTime(ir::Graph& graph, ir::Value source, BuildHost& host);

}  // namespace loam::sema
