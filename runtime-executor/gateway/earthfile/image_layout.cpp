#include "runtime-executor/gateway/earthfile/image_layout.h"

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file_system.h"

namespace loam::gateway::earthfile {
namespace {

using Json = nlohmann::json;
using namespace nlohmann::literals;

std::string BlobFile(const std::string& digest) {
  const std::size_t colon = digest.find(':');
  return fmt::format("blobs/{}/{}", digest.substr(0, colon), digest.substr(colon + 1));
}

Result<Json> ReadBlob(const std::string& directory, const std::string& digest) {
  const std::string text = LOAM_TRY(ReadFile(fmt::format("{}/{}", directory, BlobFile(digest))));
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return Unexpected(ErrorCode::kInternal, fmt::format("the exported {} is no JSON object", digest));
  }
  return json;
}

}  // namespace

Result<> WriteImageLayout(BuildSite& site, const sema::earthfile::DaemonImage& image, const TreeRef& tree,
                          const std::string& directory, const std::stop_token& stop) {
  // Not compressed: the daemon would unpack at once what is packed here.
  const std::string digest = LOAM_TRY(site.WriteLayout({image.platform_id, tree, image.config}, directory, stop));
  const Json manifest = LOAM_TRY(ReadBlob(directory, digest));
  const std::string config_digest = manifest.value("/config/digest"_json_pointer, "");
  const Json config = LOAM_TRY(ReadBlob(directory, config_digest));
  const Json diff_ids = config.value("/rootfs/diff_ids"_json_pointer, Json::array());
  const Json layers = manifest.value("layers", Json::array());
  if (diff_ids.size() != layers.size()) {
    return Unexpected(ErrorCode::kInternal, "the exported image has not one diff id a layer");
  }
  Json files = Json::array();
  std::string lines;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    std::string file = BlobFile(layers[i].value("digest", ""));
    lines += fmt::format("{} {}\n", diff_ids[i].get_ref<const std::string&>(), file);
    files.push_back(std::move(file));
  }
  const Json entry = {{"Config", BlobFile(config_digest)}, {"RepoTags", Json::array({image.name})}, {"Layers", files}};
  LOAM_TRY(WriteFileAtomic(directory + "/manifest.json", Json::array({entry}).dump()));
  LOAM_TRY(WriteFileAtomic(directory + "/image-id", config_digest + "\n"));
  LOAM_TRY(WriteFileAtomic(directory + "/layers", lines));
  // The index says when it was written: equal images are to be equal directories. The manifest is not `docker load`'s.
  for (const std::string& name : {std::string("index.json"), std::string("oci-layout"), BlobFile(digest)}) {
    if (::unlink((directory + "/" + name).c_str()) != 0) {
      return UnexpectedErrno("remove " + name);
    }
  }
  return {};
}

}  // namespace loam::gateway::earthfile
