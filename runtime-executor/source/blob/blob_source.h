// The blob source: a blob of a registry or of the client's OCI layout as a file.
#pragma once

#include <memory>
#include <string>

#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/source/source.h"

namespace loam::source {

// Pointers are kept and must outlive the source.
struct BlobSourceOptions {
  // For downloads on their way to a layer: on the file system of the layers.
  std::string tmp_dir;
  snapshot::LayerStore* layers = nullptr;
  registry::RegistryClient* registry = nullptr;
};

std::unique_ptr<Source> MakeBlobSource(BlobSourceOptions options);

}  // namespace loam::source
