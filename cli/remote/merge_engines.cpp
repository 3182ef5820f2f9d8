#include "cli/remote/merge_engines.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/file_system.h"
#include "base/go_json.h"
#include "base/image_reference.h"
#include "base/strings.h"
#include "cli/config.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/exporter/exporter.h"
#include "runtime-executor/registry/registry_client.h"

namespace loam::cli {
namespace {

using content::Descriptor;
namespace media_type = content::media_type;

bool IsTrue(const engine::ExportRequest& request, const char* attribute) {
  const auto found = request.attributes.find(attribute);
  return found != request.attributes.end() && (found->second == "true" || found->second == "1");
}

const engine::ExportRequest* PushedImage(const std::vector<engine::ExportRequest>& exports) {
  const auto found =
      std::find_if(exports.begin(), exports.end(), [](const auto& request) { return request.type == "image"; });
  return found == exports.end() ? nullptr : &*found;
}

std::string Attribute(const engine::ExportRequest& request, const char* name) {
  const auto found = request.attributes.find(name);
  return found == request.attributes.end() ? std::string() : found->second;
}

// By digest, an image has no tag.
std::string WithoutTag(ImageReference reference) {
  reference.tag.clear();
  return reference.ToString();
}

}  // namespace

Result<std::vector<EngineShare>> ShareOut(const std::vector<std::string>& wanted,
                                          std::span<const std::vector<std::string>> offered) {
  std::vector<EngineShare> shares;
  const auto give = [&](std::size_t engine, const std::string& platform) {
    const auto found =
        std::find_if(shares.begin(), shares.end(), [&](const EngineShare& share) { return share.engine == engine; });
    (found != shares.end() ? *found : shares.emplace_back(EngineShare{engine, {}})).platforms.push_back(platform);
  };
  for (const std::string& platform : wanted) {
    std::optional<std::size_t> chosen;
    for (std::size_t i = 0; i < offered.size() && !chosen; ++i) {
      if (!offered[i].empty() && offered[i].front() == platform) {
        chosen = i;
      }
    }
    for (std::size_t i = 0; i < offered.size() && !chosen; ++i) {
      if (std::find(offered[i].begin(), offered[i].end(), platform) != offered[i].end()) {
        chosen = i;
      }
    }
    if (!chosen) {
      return Unexpected(Error(ErrorCode::kFailedPrecondition, fmt::format("none of the engines builds {}", platform))
                            .WithHint("name an engine that does with --engine"));
    }
    give(*chosen, platform);
  }
  return shares;
}

Result<std::vector<engine::ExportRequest>> PartialExports(const std::vector<engine::ExportRequest>& exports) {
  std::vector<engine::ExportRequest> parts;
  std::size_t images = 0;
  for (const engine::ExportRequest& request : exports) {
    engine::ExportRequest part = request;
    if (request.type == "image" && (IsTrue(request, "push") || IsTrue(request, "push-by-digest"))) {
      if (++images > 1) {
        return Unexpected(ErrorCode::kUnimplemented, "several engines push one image, under as many names as you like");
      }
      part.attributes["push"] = "true";
      part.attributes["push-by-digest"] = "true";
      const std::string names = Attribute(request, "name");
      const ImageReference name = LOAM_TRY(ParseImageReference(Split(names, ',').front()));
      part.attributes["name"] = WithoutTag(name);
    } else if (request.type == "local") {
      part.attributes["platform-split"] = "true";
    } else {
      return Unexpected(
          Error(ErrorCode::kUnimplemented, fmt::format("`{}` cannot be put together from several engines",
                                                       request.type == "image" ? "image without push" : request.type))
              .WithHint("use --push or -o DIRECTORY, or build one platform at a time"));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<std::map<std::string, std::string>> MergePushed(const std::vector<engine::ExportRequest>& exports,
                                                       std::span<const std::map<std::string, std::string>> parts,
                                                       session::ClientServices& client, std::stop_token stop) {
  std::map<std::string, std::string> response;
  const engine::ExportRequest* const image = PushedImage(exports);
  if (image == nullptr) {
    return response;
  }
  const std::string names_text = Attribute(*image, "name");
  const std::vector<std::string_view> names = Split(names_text, ',');
  const Config config = LOAM_TRY(LoadConfig());
  registry::RegistryOptions options;
  options.hosts = config.registries;
  registry::RegistryClient registry(std::move(options));
  const registry::Access access{client.registry_auth(), IsTrue(*image, "registry.insecure")};
  const ImageReference repository = LOAM_TRY(ParseImageReference(names.front()));

  // Each part is an index of its platforms, and of what is attested of them; one alone may be a manifest.
  nlohmann::ordered_json index = {{"schemaVersion", 2}, {"mediaType", media_type::kOciIndex}};
  index["manifests"] = nlohmann::ordered_json::array();
  nlohmann::ordered_json attestations = nlohmann::ordered_json::array();
  for (const auto& part : parts) {
    const auto digest = part.find(std::string(exporter::kResponseDigest));
    if (digest == part.end()) {
      return Unexpected(ErrorCode::kInternal, "an engine did not say what it has pushed");
    }
    ImageReference pushed = repository;
    pushed.tag.clear();
    pushed.digest = digest->second;
    const Descriptor root = LOAM_TRY(registry.Resolve(pushed, access, stop));
    if (!media_type::IsIndex(root.media_type)) {
      return Unexpected(ErrorCode::kInternal, fmt::format("an engine pushed {} instead of an index", root.media_type));
    }
    const content::Index pushed_index =
        LOAM_TRY(content::ParseIndex(LOAM_TRY(registry.FetchManifest(pushed, root, access, stop))));
    if (root.media_type == media_type::kDockerManifestList) {
      index["mediaType"] = media_type::kDockerManifestList;
    }
    for (const Descriptor& manifest : pushed_index.manifests) {
      const bool attests = manifest.annotations.contains("vnd.docker.reference.digest");
      (attests ? attestations : index["manifests"]).push_back(ToJson(manifest));
    }
  }
  for (nlohmann::ordered_json& manifest : attestations) {
    index["manifests"].push_back(std::move(manifest));
  }

  const TempDir folder = LOAM_TRY(TempDir::Create("", "loam-index-"));
  const auto store = LOAM_TRY(content::ContentStore::Open(folder.path()));
  const std::string text = EscapeLikeGo(index.dump(2));
  Descriptor root;
  root.media_type = index["mediaType"].get<std::string>();
  root.digest = LOAM_TRY(store->WriteBlob(text));
  root.size = text.size();
  registry::PushOptions push;
  push.root_only = true;
  push.by_digest = IsTrue(*image, "push-by-digest");
  for (const std::string_view name : names) {
    ImageReference reference = LOAM_TRY(ParseImageReference(TrimSpace(name)));
    if (reference.domain != repository.domain || reference.path != repository.path) {
      return Unexpected(ErrorCode::kUnimplemented,
                        fmt::format("several engines push to one repository: not to {} and {}", names.front(), name));
    }
    LOAM_TRY_CONTEXT(fmt::format("failed to push {}", name),
                     registry.Push(reference, root, *store, access, push, stop));
  }
  response[std::string(exporter::kResponseDigest)] = root.digest.ToString();
  response[std::string(exporter::kResponseDescriptor)] = Base64Encode(EscapeLikeGo(ToJson(root).dump()));
  response[std::string(exporter::kResponseImageName)] = names_text;
  return response;
}

}  // namespace loam::cli
