#include "runtime-executor/gateway/earthfile/output_writer.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/platform.h"

namespace loam::gateway::earthfile {
namespace {

using sema::earthfile::ImageOutput;

struct NamedImage {
  const ImageOutput* output;
  const TreeRef* tree;
};

SiteImage ImageOf(const NamedImage& image) {
  return {.platform = image.output->platform_id, .tree = *image.tree, .config = image.output->config};
}

// One name, exported once.
struct ImageExport {
  std::string name;
  std::vector<SiteImage> platforms;
  bool multi_platform = false;
};

std::string DigestOf(const std::map<std::string, std::string>& response) {
  const auto found = response.find("containerimage.digest");
  return found == response.end() ? std::string() : found->second;
}

}  // namespace

void OutputWriter::Note(WrittenOutput output) {
  const std::lock_guard lock(mutex_);
  written_.push_back(std::move(output));
}

std::vector<WrittenOutput> OutputWriter::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

Result<> OutputWriter::Save(const TreeRef& tree, const sema::earthfile::ArtifactOutput& artifact,
                            const std::stop_token& stop) {
  if (tree->is_scratch()) {
    if (artifact.if_exists) {
      return {};
    }
    return Unexpected(ErrorCode::kNotFound,
                      fmt::format("cannot save artifact {}, since it does not exist", artifact.artifact));
  }
  return Save(LOAM_TRY(site_.Mount(tree, stop)), artifact);
}

Result<> OutputWriter::Save(const snapshot::MountedFs& mounted, const sema::earthfile::ArtifactOutput& artifact) {
  const std::vector<WrittenFile> files = LOAM_TRY(SaveArtifact(mounted, {.source = artifact.source,
                                                                         .destination = artifact.destination,
                                                                         .directory = options_.directory,
                                                                         .if_exists = artifact.if_exists,
                                                                         .artifact = artifact.artifact,
                                                                         .on_file = options_.on_file}));
  for (const WrittenFile& file : files) {
    Note({WrittenOutput::Kind::kArtifact, artifact.target,
          artifact.target.empty() ? artifact.artifact : artifact.target + "/" + file.source, file.destination});
  }
  return {};
}

Result<bool> OutputWriter::LoadIntoDocker(const SiteImage& image, const std::string& name,
                                          const std::stop_token& stop) {
  if (!options_.docker.find) {
    return false;
  }
  const auto daemon = [&] {
    const std::lock_guard lock(docker_mutex_);
    if (!docker_) {
      docker_ = options_.docker.find();
    }
    return *docker_;
  }();
  const auto load = [&]() -> Result<bool> {
    const auto attributes = LOAM_TRY(Result<std::optional<DockerLoad::Attributes>>(daemon));
    if (!attributes) {
      return false;
    }
    engine::ExportRequest request;
    request.type = "docker-load";
    request.attributes = *attributes;
    request.attributes["name"] = name;
    // The daemon unpacks it at once: compression would be work for both sides.
    request.attributes["compression"] = "uncompressed";
    LOAM_TRY(site_.Export(std::span(&image, 1), request, stop));
    return true;
  };
  Result<bool> loaded = load();
  if (!loaded && !options_.docker.required && !stop.stop_requested()) {
    options_.docker.warn(fmt::format("image {} is not in Docker: {}", name, loaded.error().message()));
    return false;
  }
  return loaded;
}

Result<> OutputWriter::Images(const driver::earthfile::CompiledOutputs& outputs, const std::vector<TreeRef>& trees,
                              std::size_t first, const std::stop_token& stop) {
  // By name, in the order of the recipe.
  std::vector<std::pair<std::string, std::vector<NamedImage>>> names;
  for (std::size_t i = 0; i < outputs.images.size(); ++i) {
    const ImageOutput& output = outputs.images[i].output;
    auto found =
        std::find_if(names.begin(), names.end(), [&](const auto& entry) { return entry.first == output.name; });
    if (found == names.end()) {
      found = names.insert(names.end(), {output.name, {}});
    }
    found->second.push_back({&output, &trees[first + i]});
  }
  const auto write = [&](const ImageExport& image, bool push, bool insecure) -> Result<std::string> {
    engine::ExportRequest request;
    request.type = "image";
    request.attributes = {{"name", image.name}, {"store", push ? "false" : "true"}};
    if (push) {
      request.attributes["push"] = "true";
      if (insecure) {
        request.attributes["registry.insecure"] = "true";
      }
    }
    request.multi_platform = image.multi_platform;
    return DigestOf(LOAM_TRY(site_.Export(image.platforms, request, stop)));
  };
  const std::string host = HostPlatform().ToString();
  if (!options_.no_output) {
    for (const auto& [name, images] : names) {
      for (const NamedImage& image : images) {
        if (!image.output->local) {
          continue;
        }
        std::vector<std::string> local_names;
        if (!image.output->multi_platform || image.output->platform_id == host) {
          local_names.push_back(name);
        }
        if (image.output->multi_platform) {
          local_names.push_back(image.output->platform_name);
        }
        for (const std::string& local_name : local_names) {
          std::string digest = LOAM_TRY(write({local_name, {ImageOf(image)}, false}, false, false));
          const bool loaded = LOAM_TRY(LoadIntoDocker(ImageOf(image), local_name, stop));
          Note({WrittenOutput::Kind::kImage, image.output->target, local_name, std::move(digest), loaded});
        }
      }
    }
  }
  if (!options_.push) {
    return {};
  }
  for (const auto& [name, images] : names) {
    ImageExport image{name, {}, false};
    bool insecure = false;
    const ImageOutput* pushed = nullptr;
    for (const NamedImage& part : images) {
      if (part.output->push) {
        pushed = part.output;
        insecure = insecure || part.output->insecure;
        image.multi_platform = image.multi_platform || part.output->multi_platform;
        image.platforms.push_back(ImageOf(part));
      }
    }
    if (pushed != nullptr) {
      std::string digest = LOAM_TRY(write(image, true, insecure));
      Note({WrittenOutput::Kind::kPush, pushed->target, name, std::move(digest)});
    }
  }
  return {};
}

Result<> OutputWriter::Perform(const driver::earthfile::CompiledOutputs& outputs, const std::stop_token& stop) {
  std::vector<std::string_view> definitions;
  for (const llb::Definition& state : outputs.states) {
    definitions.push_back(state.bytes);
  }
  const std::size_t first_image = definitions.size();
  for (const driver::earthfile::CompiledImage& image : outputs.images) {
    definitions.push_back(image.definition.bytes);
  }
  const std::size_t first_artifact = definitions.size();
  for (const driver::earthfile::CompiledArtifact& artifact : outputs.artifacts) {
    definitions.push_back(artifact.definition.bytes);
  }
  if (definitions.empty()) {
    return {};
  }
  const std::vector<TreeRef> trees = LOAM_TRY(site_.BuildAll(definitions, stop));
  if (!options_.no_output) {
    for (std::size_t i = 0; i < outputs.artifacts.size(); ++i) {
      LOAM_TRY(Save(trees[first_artifact + i], outputs.artifacts[i].output, stop));
    }
  }
  return Images(outputs, trees, first_image, stop);
}

Result<> OutputWriter::WriteArtifact(const driver::earthfile::CompiledWanted& wanted, const std::string& destination,
                                     const std::stop_token& stop) {
  const std::string_view bytes = wanted.definition.bytes;
  const std::vector<TreeRef> trees = LOAM_TRY(site_.BuildAll(std::span(&bytes, 1), stop));
  const std::string& source = wanted.artifact.source;
  sema::earthfile::ArtifactOutput artifact;
  artifact.source = source;
  artifact.destination = destination;
  artifact.target = wanted.artifact.target;
  artifact.artifact = wanted.artifact.target + (source.starts_with('/') ? "" : "/") + source;
  return Save(trees.front(), artifact, stop);
}

}  // namespace loam::gateway::earthfile
