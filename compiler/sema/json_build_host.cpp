#include "compiler/sema/json_build_host.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace loam::sema {

Result<JsonBuildHost> JsonBuildHost::Parse(std::string_view json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (!parsed.is_object()) {
    return Unexpected(ErrorCode::kInvalidArgument, "image configs must be a JSON object of references");
  }
  JsonBuildHost host;
  for (const auto& [ref, image] : parsed.items()) {
    const auto config = image.is_object() ? image.find("config") : image.end();
    if (!image.is_object() || config == image.end()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("image `{}` has no config", ref));
    }
    const auto digest = image.find("digest");
    host.AddImage(ref, digest != image.end() && digest->is_string() ? digest->get<std::string>() : std::string(),
                  config->is_string() ? config->get<std::string>() : config->dump());
  }
  return host;
}

void JsonBuildHost::AddImage(std::string ref, std::string digest, std::string config) {
  images_[std::move(ref)] = {std::move(digest), std::move(config)};
}

Result<ImageMetadata> JsonBuildHost::ResolveImage(const ImageQuery& query) {
  auto image = images_.find(query.ref);
  if (const std::size_t at = query.ref.find('@'); image == images_.end() && at != std::string_view::npos) {
    // A recorded image by its name and digest.
    const std::string_view name = query.ref.substr(0, at);
    image = std::find_if(images_.begin(), images_.end(), [&](const auto& known) {
      return known.second.digest == query.ref.substr(at + 1) && known.first.substr(0, known.first.find('@')) == name;
    });
  }
  if (image == images_.end()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("`{}` is not among the recorded images", query.ref));
  }
  return ImageMetadata{std::string(query.ref), image->second.digest, image->second.config};
}

}  // namespace loam::sema
