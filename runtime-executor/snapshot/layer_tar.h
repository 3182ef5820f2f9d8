// Layers from and to tar streams (OCI image-spec, layer.md).
#pragma once

#include <set>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "runtime-executor/content/byte_stream.h"
#include "runtime-executor/snapshot/host_tree.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::snapshot {

// ".wh." and ".wh..wh..opq" of the specification.
inline constexpr std::string_view kWhiteoutPrefix = ".wh.";
inline constexpr std::string_view kWhiteoutMetaPrefix = ".wh..wh.";
inline constexpr std::string_view kOpaqueMarker = ".wh..wh..opq";

struct ApplyOptions {
  // "trusted.overlay." or "user.overlay.".
  std::string overlay_prefix;
  // True: `root_fd` is a layer directory, whiteouts become overlayfs whiteouts. False: `root_fd` is a mounted
  // filesystem, whiteouts delete.
  bool into_layer = true;
};

// Unpacks a tar below `root_fd`. No entry, link or whiteout reaches outside. Reads the stream to its very end.
// `implied` gets the directories that had no entry of their own and had to be made.
Result<> ApplyTarStream(content::ByteSource& tar, int root_fd, const ApplyOptions& options,
                        std::set<std::string>* implied, std::stop_token stop);

struct WriteTarOptions {
  TarOptions tar;
  std::string overlay_prefix;
  // `root_fd` is a layer directory: overlayfs whiteouts and opaque directories are written as the specification has
  // them.
  bool from_layer = true;
  // Directories that are not written (they were only implied).
  std::set<std::string> skip_dirs;
  // Not null: only these entries, owner 0:0.
  const HostTree* host_tree = nullptr;
};
// Everything below `root_fd` (not itself), depth first, names sorted by bytes, hard links kept.
Result<> WriteTarStream(int root_fd, const WriteTarOptions& options, content::ByteSink& sink, std::stop_token stop);

}  // namespace loam::snapshot
