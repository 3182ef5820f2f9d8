// A small module with every kind of op, for the tests of this folder.
#pragma once

#include <vector>

#include "compiler/ir/module.h"

namespace loam::llb {

inline ir::Value AddImage(ir::Graph& graph, std::string_view ref) {
  static constexpr ir::Platform kPlatform{
      .os = "linux", .architecture = "amd64", .variant = {}, .os_version = {}, .os_features = {}};
  return graph.Add<ir::OpKind::kSourceImage>({}, {.identifier = ref, .attrs = {}}, {.platform = &kPlatform});
}

inline ir::Value AddContext(ir::Graph& graph, std::string_view paths) {
  const std::vector<ir::KeyValue> attrs = {{"local.followpaths", paths}, {"local.unique", "u"}};
  return graph.Add<ir::OpKind::kSourceLocal>({}, {.identifier = "context", .attrs = attrs});
}

inline ir::Value AddRun(ir::Graph& graph, ir::Value base, std::string_view command) {
  const std::vector<std::string_view> args = {"/bin/sh", "-c", command};
  const std::vector<ir::Mount> mounts = {{.input = 0, .dest = "/", .output = 0}};
  ir::ExecAttrs exec;
  exec.args = args;
  exec.cwd = "/";
  exec.mounts = mounts;
  return graph.Add<ir::OpKind::kExec>({{base}}, exec);
}

inline ir::Value AddCopy(ir::Graph& graph, ir::Value base, ir::Value from, std::string_view src,
                         std::string_view dest) {
  const bool scratch = base.is_scratch();
  const std::vector<ir::Value> operands = scratch ? std::vector<ir::Value>{from} : std::vector<ir::Value>{base, from};
  const std::vector<ir::FileAction> actions = {{.kind = ir::FileActionKind::kCopy,
                                                .input = scratch ? -1 : 0,
                                                .secondary_input = scratch ? 0 : 1,
                                                .output = 0,
                                                .path = dest,
                                                .source = src,
                                                .mode = -1,
                                                .create_dest_path = true}};
  return graph.Add<ir::OpKind::kFile>(operands, {.actions = actions});
}

inline void Name(ir::Graph& graph, ir::Value value, std::string_view name) {
  const std::vector<ir::KeyValue> description = {{"llb.customname", name}};
  ir::Metadata metadata;
  metadata.description = description;
  graph.Annotate(value, metadata);
}

// FROM alpine; RUN make; COPY --from=build /out /bin/
inline ir::Module SampleModule() {
  ir::Module module;
  ir::Graph& graph = module.graph;
  module.sources.push_back(
      {.filename = "Dockerfile", .language = "Dockerfile", .data = "FROM alpine\nRUN make\n", .state = {}});
  const ir::Value alpine = AddImage(graph, "docker.io/library/alpine:latest");
  Name(graph, alpine, "[build 1/2] FROM docker.io/library/alpine:latest");
  const ir::Value make = AddRun(graph, alpine, "make");
  const std::vector<ir::KeyValue> description = {{"llb.customname", "[build 2/2] RUN make"}};
  const std::vector<ir::SourceRange> ranges = {{.start_line = 2, .end_line = 2, .end_character = 8}};
  const std::vector<ir::SourceLocation> locations = {{.source = 0, .ranges = ranges}};
  ir::Metadata metadata;
  metadata.description = description;
  metadata.locations = locations;
  metadata.progress_group = ir::ProgressGroup{.id = "g", .name = "group", .weak = true};
  graph.Annotate(make, metadata);
  const ir::Value copy = AddCopy(graph, {}, make, "/out", "/bin/");
  Name(graph, copy, "[stage-1 1/1] COPY --from=build /out /bin/");
  module.results.push_back(
      {.platform_id = "linux/amd64", .fs = copy, .image_config = {}, .base_image_config = {}, .platform = {}});
  return module;
}

}  // namespace loam::llb
