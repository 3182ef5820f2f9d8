// Metadata of a node: what LLB keeps in OpMetadata and Source, apart from the op. It is no part of a node's identity:
// equal nodes that are made twice share one node and collect the metadata of both, in the order of making;
// MergedMetadata (graph.h) is what LLB would have after merging them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "compiler/ir/attributes.h"

namespace loam::ir {

struct ProgressGroup {
  std::string_view id;
  std::string_view name;
  bool weak = false;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("id", self.id);
    visit("name", self.name);
    visit("weak", self.weak);
  }
};

// pb.LinuxResources.
struct LinuxResources {
  std::int64_t memory = 0;
  std::int64_t memory_swap = 0;
  std::uint64_t cpu_shares = 0;
  std::uint64_t cpu_period = 0;
  std::int64_t cpu_quota = 0;
  std::string_view cpuset_cpus;
  std::string_view cpuset_mems;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("memory", self.memory);
    visit("memory_swap", self.memory_swap);
    visit("cpu_shares", self.cpu_shares);
    visit("cpu_period", self.cpu_period);
    visit("cpu_quota", self.cpu_quota);
    visit("cpuset_cpus", self.cpuset_cpus);
    visit("cpuset_mems", self.cpuset_mems);
  }
};

// pb.Range: lines from 1, characters from 0.
struct SourceRange {
  std::int32_t start_line = 0;
  std::int32_t start_character = 0;
  std::int32_t end_line = 0;
  std::int32_t end_character = 0;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("start_line", self.start_line);
    visit("start_character", self.start_character);
    visit("end_line", self.end_line);
    visit("end_character", self.end_character);
  }
};

// pb.Location: ranges in one of the module's sources.
struct SourceLocation {
  std::int32_t source = 0;
  std::span<const SourceRange> ranges;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("source", self.source);
    visit("ranges", self.ranges);
  }
};

struct Metadata {
  bool ignore_cache = false;
  std::span<const KeyValue> description;  // sorted by key
  std::optional<bool> export_cache;
  // Capabilities that do not follow from the op itself (those that do are added on emission).
  Strings extra_caps;
  std::optional<ProgressGroup> progress_group;
  std::optional<LinuxResources> linux_resources;
  std::span<const SourceLocation> locations;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("ignore_cache", self.ignore_cache);
    visit("description", self.description);
    visit("export_cache", self.export_cache);
    visit("extra_caps", self.extra_caps);
    visit("progress_group", self.progress_group);
    visit("linux_resources", self.linux_resources);
    visit("locations", self.locations);
  }
};

}  // namespace loam::ir
