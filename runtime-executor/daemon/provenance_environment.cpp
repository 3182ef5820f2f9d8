#include "runtime-executor/daemon/provenance_environment.h"

#include <fcntl.h>

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/rooted_fs.h"

namespace loam::daemon {
namespace {

constexpr const char* kOwnMembers[] = {"buildConfig", "builderPlatform", "platform"};

}  // namespace

Result<std::string> ReadProvenanceEnvironment(const std::string& directory) {
  const Result<UniqueFd> opened = OpenFile(directory, O_RDONLY | O_DIRECTORY);
  if (!opened) {
    return opened.error().Is(ErrorCode::kNotFound) ? Result<std::string>(std::string()) : Unexpected(opened.error());
  }
  std::vector<std::string> names;
  for (const DirEntry& entry : LOAM_TRY(ReadDir(opened->get()))) {
    if (entry.name.ends_with(".json")) {
      names.push_back(entry.name);
    }
  }
  std::sort(names.begin(), names.end());
  nlohmann::json environment = nlohmann::json::object();
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    const nlohmann::json parsed = nlohmann::json::parse(LOAM_TRY(loam::ReadFile(path)), nullptr, false);
    if (!parsed.is_object()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("failed to parse {}: it is no JSON object", path));
    }
    environment.update(parsed);
  }
  for (const char* own : kOwnMembers) {
    if (environment.contains(own)) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("key \"{}\" is builtin and not allowed to be modified in provenance config", own));
    }
  }
  return environment.dump();
}

}  // namespace loam::daemon
