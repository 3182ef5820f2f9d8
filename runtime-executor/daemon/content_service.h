// containerd's content service, read-only: clients fetch logs, errors and manifests of the build history through it.
#pragma once

#include <memory>
#include <vector>

#include <grpcpp/impl/codegen/service_type.h>

#include "runtime-executor/content/content_store.h"

namespace loam::daemon {

// The stores outlive the service; a blob is looked for in their order.
std::unique_ptr<grpc::Service> MakeContentService(std::vector<const content::ContentStore*> stores);

}  // namespace loam::daemon
