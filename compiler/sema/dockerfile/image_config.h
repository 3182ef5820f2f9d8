// ImageConfig: an OCI image config with Docker's additions, as BuildKit reads, changes and writes it. Unknown fields of
// a base image are dropped, as upstream does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/ir/graph.h"

namespace loam::sema {

struct HistoryEntry {
  std::string_view created;  // RFC 3339; empty for none
  std::string_view created_by;
  std::string_view author;
  std::string_view comment;
  bool empty_layer = false;
};

// History is a list from the newest entry back, so that the stages of a chain share what they inherit.
struct HistoryList {
  HistoryEntry entry;
  const HistoryList* older = nullptr;
};

struct Healthcheck {
  std::vector<std::string_view> test;
  std::int64_t interval = 0;  // nanoseconds
  std::int64_t timeout = 0;
  std::int64_t start_period = 0;
  std::int64_t start_interval = 0;
  std::int64_t retries = 0;
};

// All text lives in the graph's arena, the source text or is static. nullopt lists are JSON's null or absent.
struct ImageConfig {
  std::string_view created;
  std::string_view author;
  ir::Platform platform;
  std::string_view rootfs_type;
  std::optional<std::vector<std::string_view>> diff_ids;
  const HistoryList* history = nullptr;

  std::string_view user;
  std::vector<std::string_view> exposed_ports;  // no order, may repeat; written sorted and once
  std::vector<std::string_view> env;
  std::vector<std::string_view> entrypoint;
  std::vector<std::string_view> cmd;
  std::vector<std::string_view> volumes;  // as exposed_ports
  std::string_view working_dir;
  std::vector<std::pair<std::string_view, std::string_view>> labels;  // as exposed_ports; the last one of a key counts
  std::string_view stop_signal;
  bool args_escaped = false;
  std::optional<Healthcheck> healthcheck;
  std::vector<std::string_view> on_build;
  std::vector<std::string_view> shell;
};

void AddHistoryEntry(ImageConfig& config, const HistoryEntry& entry, ir::Graph& graph);

Result<ImageConfig> ParseImageConfig(std::string_view json, ir::Graph& graph);
// The bytes json.Marshal gives upstream.
std::string WriteImageConfig(const ImageConfig& config);
// The config of `FROM scratch`.
ImageConfig EmptyImageConfig(const ir::Platform& platform);
// PATH of images that set none.
std::string_view DefaultPath(std::string_view os);

}  // namespace loam::sema
