#include "compiler/sema/dockerfile/local_source.h"

#include <algorithm>

#include "base/go_json.h"

namespace loam::sema {

void CloseLocalSource(ir::Graph& graph, ir::Value value, LocalSource source, const DockerfileOptions& options) {
  std::string follow;
  auto& paths = source.follow_paths;
  if (std::find(paths.begin(), paths.end(), "/") == paths.end() && !paths.empty()) {
    for (std::string& path : paths) {
      path.erase(0, 1);
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    follow = GoJsonStringList(paths);
  }
  const auto own_session = options.local_session_ids.find(source.name);
  const std::string& session =
      own_session != options.local_session_ids.end() ? own_session->second : options.session_id;
  const std::string excludes =
      source.exclude_patterns.empty() ? std::string() : GoJsonStringList(source.exclude_patterns);
  std::vector<ir::KeyValue> attrs;
  const auto add = [&](std::string_view key, std::string_view text) {
    if (!text.empty()) {
      attrs.push_back({key, text});
    }
  };
  add("local.excludepatterns", excludes);
  add("local.followpaths", follow);
  add("local.session", session);
  add("local.sharedkeyhint", source.shared_key_hint);
  if (session.empty()) {
    attrs.push_back({"local.unique", options.local_unique_id});
  }
  graph.Close<ir::OpKind::kSourceLocal>(value, {source.name, attrs});
}

}  // namespace loam::sema
