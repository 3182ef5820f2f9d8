#include "runtime-executor/source/source.h"

#include <fmt/format.h>

#include "base/check.h"

namespace loam::source {

void SourceSet::Register(std::unique_ptr<Source> source) {
  for (std::string& scheme : source->Schemes()) {
    const bool added = by_scheme_.emplace(std::move(scheme), source.get()).second;
    LOAM_CHECK(added, "two sources have the same scheme");
  }
  sources_.push_back(std::move(source));
}

void SourceSet::ForgetEndedJobs() {
  for (const auto& source : sources_) {
    source->ForgetEndedJobs();
  }
}

Result<std::unique_ptr<SourceInstance>> SourceSet::Open(const SourceRequest& request) const {
  const std::string_view identifier = request.identifier;
  const std::size_t separator = identifier.find("://");
  if (separator == std::string_view::npos || separator == 0) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no source (scheme://…)", identifier));
  }
  const auto found = by_scheme_.find(identifier.substr(0, separator));
  if (found == by_scheme_.end()) {
    return Unexpected(ErrorCode::kUnimplemented, fmt::format("sources of the kind `{}` are not supported ({})",
                                                             identifier.substr(0, separator), identifier));
  }
  return found->second->Open(request, identifier.substr(separator + 3));
}

}  // namespace loam::source
