#include "llb-emit/image_source.h"

#include <string>

#include <fmt/format.h>

#include "base/digest.h"
#include "llb-emit/encode.h"

namespace loam::llb {

pb::Definition ImageDefinition(std::string_view pinned_ref, const Platform& platform) {
  pb::Op source;
  source.mutable_source()->set_identifier(fmt::format("docker-image://{}", pinned_ref));
  source.mutable_platform()->set_os(platform.os);
  source.mutable_platform()->set_architecture(platform.architecture);
  source.mutable_platform()->set_variant(platform.variant);
  pb::Definition definition;
  const std::string bytes = EncodeOp(source);
  definition.add_def(bytes);
  pb::Op result;
  result.add_inputs()->set_digest(Digest::Of(bytes).ToString());
  definition.add_def(EncodeOp(result));
  return definition;
}

std::optional<Platform> PlatformOf(const pb::Platform& wire) {
  if (wire.os().empty()) {
    return std::nullopt;
  }
  return Platform{wire.os(),
                  wire.architecture(),
                  wire.variant(),
                  wire.osversion(),
                  {wire.osfeatures().begin(), wire.osfeatures().end()}};
}

}  // namespace loam::llb
