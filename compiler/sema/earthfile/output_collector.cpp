// Outputs of scopes, put together.
#include <map>

#include <fmt/format.h>

#include "base/image_reference.h"
#include "base/strings.h"
#include "compiler/sema/earthfile/interpreter.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;

// "app:latest" for linux/arm64 -> "app:latest_linux_arm64".
std::string PlatformName(std::string_view name, std::string_view platform) {
  std::string out(name);
  const std::size_t slash = name.rfind('/');
  const std::size_t colon = name.rfind(':');
  if (colon == std::string_view::npos || (slash != std::string_view::npos && colon < slash)) {
    out += ":latest";
  }
  out += '_';
  for (const char letter : platform) {
    out += letter == '/' ? '_' : letter;
  }
  return out;
}

Checked<> CheckName(const ImageItem& image) {
  const std::string& name = image.output.name;
  const auto parsed = ParseImageReference(TrimSpace(name));
  if (parsed) {
    return {};
  }
  Failure failure = Fail<Kind::kEarthBadValue>(image.range, "image name", name, parsed.error().message())
                        .Note(fmt::format("in {}", image.output.target));
  if (name.starts_with('/')) {
    failure = std::move(failure).Hint("the variable in front of the `/` is empty here");
  }
  return tl::unexpected<Failure>(std::move(failure));
}

}  // namespace

void OutputCollector::Add(const SaveScope& scope, bool saves, bool pushes) {
  for (const SaveScope::Entry& entry : scope.entries) {
    if (entry.item != nullptr) {
      if (seen_.insert(entry.item.get()).second) {
        AddItem(*entry.item, saves, pushes);
      }
    } else if (seen_.insert(entry.build.get()).second) {
      AddState(entry.build->state.fs);
      Add(entry.build->scopes.front(), saves, pushes);
    }
  }
}

void OutputCollector::AddAfterPush(const SaveScope& scope, bool saves, bool pushes) {
  for (const SaveScope::Entry& entry : scope.entries) {
    if (entry.build != nullptr && seen_.insert(entry.build.get()).second) {
      if (entry.build->push_state) {
        AddState(*entry.build->push_state);
        Add(entry.build->after_push, saves, pushes);
      }
      AddAfterPush(entry.build->scopes.front(), saves, pushes);
    }
  }
}

void OutputCollector::AddState(ir::Value fs) {
  if (fs.is_scratch()) {
    return;
  }
  for (const ir::Value known : outputs_.states) {
    if (known == fs) {
      return;
    }
  }
  outputs_.states.push_back(fs);
}

void OutputCollector::AddItem(const OutputItem& item, bool saves, bool pushes) {
  if (const auto* artifact = std::get_if<ArtifactItem>(&item)) {
    if (saves) {
      outputs_.artifacts.push_back(artifact->output);
    }
    return;
  }
  ImageItem image = std::get<ImageItem>(item);
  image.output.local = saves || image.forced;
  if (image.output.push && saves && !pushes) {
    unpushed_.push_back(image.output.name);
  }
  image.output.push = image.output.push && pushes;
  if ((image.output.local || image.output.push) && !image.output.name.empty()) {
    images_.push_back(std::move(image));
  }
}

Checked<Outputs> OutputCollector::Take() {
  struct Tag {
    bool multi_platform = false;
    bool has_platform = false;
    bool no_manifest_list = false;
  };
  std::map<std::string, Tag, std::less<>> tags;
  for (const ImageItem& image : images_) {
    const std::string& name = image.output.name;
    LOAM_TRY(CheckName(image));
    const auto [known, added] = tags.emplace(name, Tag{});
    if (!added) {
      if (known->second.has_platform != image.has_platform) {
        return Fail<Kind::kEarthDuplicateImage>(
            image.range,
            fmt::format("SAVE IMAGE {} is defined multiple times, but not all commands defined a --platform value",
                        name));
      }
      if (!image.has_platform) {
        if (!image.check_duplicate) {
          continue;
        }
        return Fail<Kind::kEarthDuplicateImage>(
                   image.range, fmt::format("SAVE IMAGE {} was already declared (none had --platform values)", name))
            .Hint("every image of one build needs a name of its own");
      }
      if (known->second.no_manifest_list || image.no_manifest_list) {
        return Fail<Kind::kEarthDuplicateImage>(
            image.range,
            fmt::format("cannot save image {} defined multiple times, but declared as SAVE IMAGE --no-manifest-list",
                        name));
      }
    }
    known->second = {image.has_platform && !image.no_manifest_list, image.has_platform, image.no_manifest_list};
  }
  std::set<std::string, std::less<>> platform_names;
  for (ImageItem& image : images_) {
    ImageOutput& output = image.output;
    if (tags[output.name].multi_platform) {
      output.multi_platform = true;
      output.platform_name = PlatformName(output.name, output.platform_id);
      if (!platform_names.insert(output.platform_name).second && image.check_duplicate) {
        return Fail<Kind::kEarthDuplicateImage>(
            image.range, fmt::format("image {} is defined multiple times for the same platform ({})", output.name,
                                     output.platform_id));
      }
    }
    outputs_.images.push_back(std::move(output));
  }
  images_.clear();
  return std::move(outputs_);
}

}  // namespace loam::sema::earthfile
