#include "compiler/driver/frontend/local_files.h"

#include "base/go_json.h"
#include "base/strings.h"

namespace loam::driver {

Result<llb::Definition> LocalFilesDefinition(const LocalFiles& files) {
  ir::Graph graph;
  const std::string follow = GoJsonStringList(files.paths);
  std::vector<ir::KeyValue> attrs;
  if (files.differ_none) {
    attrs.push_back({"local.differ", "none"});
  }
  attrs.push_back({"local.followpaths", follow});
  if (!files.session_id.empty()) {
    attrs.push_back({"local.session", files.session_id});
  }
  attrs.push_back({"local.sharedkeyhint", files.shared_key_hint});
  const ir::Value source = graph.Add<ir::OpKind::kSourceLocal>({}, {files.directory, attrs});
  const std::vector<ir::KeyValue> description{{"llb.customname", files.step}};
  ir::Metadata metadata;
  metadata.description = description;
  graph.Annotate(source, metadata);
  return llb::Emit(graph, source);
}

std::vector<std::string> DockerfilePaths(const std::string& name) {
  constexpr std::string_view kDefault = "Dockerfile";
  std::vector<std::string> paths{name, name + ".dockerignore"};
  const std::size_t slash = name.rfind('/');
  const std::size_t base = slash == std::string::npos ? 0 : slash + 1;
  if (std::string_view(name).substr(base) == kDefault) {
    paths.push_back(name.substr(0, base) + ToLowerAscii(kDefault));
  }
  return paths;
}

}  // namespace loam::driver
