#include "cli/lsp/engine_facts.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/image_reference.h"
#include "base/strings.h"
#include "compiler/sema/earthfile/fetched_projects.h"
#include "runtime-executor/engine/build_record_codec.h"

namespace loam::cli {
namespace {

constexpr std::size_t kReadBuilds = 50;
// Where builds of Earthfiles keep the projects that they fetch, in the state folder.
constexpr std::string_view kProjectCache = "/git-projects";

bool IsUsable(const std::string& path) {
  return ::access(path.c_str(), R_OK | W_OK) == 0;
}

std::string PlatformName(const nlohmann::json& json) {
  std::string name = json.value("os", "") + "/" + json.value("architecture", "");
  if (const std::string variant = json.value("variant", ""); !variant.empty()) {
    name += "/" + variant;
  }
  return name;
}

// The config that an index or manifest names for the host's platform, and the platforms there are.
void ReadConfig(const content::ContentStore& store, const content::Descriptor& target, lsp::ImageFacts& facts) {
  const Result<std::string> text = store.ReadBlob(target.digest);
  const auto json = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
  if (!json.is_object()) {
    return;
  }
  if (json.contains("manifests") && json["manifests"].is_array()) {
    const Platform host = HostPlatform();
    for (const auto& entry : json["manifests"]) {
      if (!entry.is_object() || !entry.contains("platform") || !entry["platform"].is_object()) {
        continue;
      }
      const auto& platform = entry["platform"];
      const std::string name = PlatformName(platform);
      if (name.starts_with("unknown")) {
        continue;  // attestations
      }
      facts.platforms.push_back(name);
      const auto digest = Digest::Parse(entry.value("digest", ""));
      if (facts.config.empty() && digest && platform.value("os", "") == host.os &&
          platform.value("architecture", "") == host.architecture && store.Contains(*digest)) {
        std::vector<std::string> all = std::move(facts.platforms);
        content::Descriptor manifest;
        manifest.digest = *digest;
        ReadConfig(store, manifest, facts);
        facts.platforms = std::move(all);
      }
    }
    return;
  }
  if (!json.contains("config") || !json["config"].is_object()) {
    return;
  }
  const auto digest = Digest::Parse(json["config"].value("digest", ""));
  if (Result<std::string> config = digest ? store.ReadBlob(*digest) : Unexpected(ErrorCode::kNotFound, "no digest")) {
    const auto parsed = nlohmann::json::parse(*config, nullptr, false);
    if (parsed.is_object() && parsed.contains("os")) {
      facts.platforms.push_back(PlatformName(parsed));
      facts.config = std::move(*config);
    }
  }
}

}  // namespace

void EngineFacts::OpenImages() {
  if (opened_) {
    return;
  }
  opened_ = true;
  if (!IsUsable(root_ + "/images.db") || !IsUsable(root_ + "/content")) {
    return;
  }
  auto content = content::ContentStore::Open(root_ + "/content");
  if (!content) {
    return;
  }
  content_ = std::move(*content);
  if (auto images = source::ImageStore::Open(root_ + "/images.db", *content_)) {
    images_ = std::move(*images);
  }
}

std::optional<lsp::ImageFacts> EngineFacts::FindImage(std::string_view name) {
  if (const auto known = known_images_.find(name); known != known_images_.end()) {
    return known->second;
  }
  OpenImages();
  std::optional<lsp::ImageFacts> facts;
  auto found = images_ != nullptr ? images_->Find(name) : std::optional<source::StoredImage>();
  if (found && *found) {
    facts.emplace();
    facts->name = (*found)->name;
    facts->digest = (*found)->target.digest.ToString();
    ReadConfig(*content_, (*found)->target, *facts);
    if (const auto size = images_->SizeOf(**found)) {
      facts->size = *size;
    }
  }
  known_images_.emplace(name, facts);
  return facts;
}

std::vector<std::string> EngineFacts::ImageNames() {
  std::vector<std::string> names;
  OpenImages();
  const auto images = images_ != nullptr ? images_->List() : std::vector<source::StoredImage>();
  if (images) {
    for (const source::StoredImage& image : *images) {
      if (const auto reference = ParseImageReference(image.name)) {
        names.push_back(reference->Familiar());
      }
    }
  }
  return names;
}

void EngineFacts::ReadBuilds() {
  builds_.emplace();
  if (!IsUsable(root_ + "/cache.db")) {
    return;
  }
  const auto records = cache::RecordStore::Open(root_ + "/cache.db", SystemClock());
  auto rows = records ? (*records)->Builds("", kReadBuilds) : std::vector<cache::BuildRow>();
  if (!rows) {
    return;
  }
  for (const cache::BuildRow& row : *rows) {
    const std::vector<std::string_view> key = Split(row.build_key, '\n');
    const auto steps = engine::DecodeSteps(row.data);
    // Of a Dockerfile: context, file, stage. Of an Earthfile: its directory and the target.
    if ((key.size() != 3 && key.size() != 2) || !steps) {
      continue;
    }
    KnownBuild build{std::string(key[0]),
                     key.size() == 3 ? std::string(key[1]) : std::string("Earthfile"),
                     std::string(key.back()),
                     {}};
    const auto milliseconds = [](auto from, auto to) {
      return std::chrono::duration_cast<std::chrono::milliseconds>(to - from).count();
    };
    build.facts.title = row.title;
    build.facts.error = row.error;
    build.facts.duration_ms = milliseconds(row.started, row.completed);
    for (const solver::StepReport& step : *steps) {
      using Outcome = solver::StepReport::Outcome;
      if (step.name.starts_with("[internal]")) {
        continue;
      }
      build.facts.steps.push_back({step.name, step.outcome == Outcome::kCached, step.outcome == Outcome::kRan,
                                   step.started && step.completed ? milliseconds(*step.started, *step.completed) : 0});
    }
    builds_->push_back(std::move(build));
  }
}

std::optional<lsp::BuildFacts> EngineFacts::LastBuild(std::string_view path, std::string_view target) {
  if (!builds_) {
    ReadBuilds();
  }
  const std::size_t slash = path.rfind('/');
  const std::string_view folder = path.substr(0, slash);
  const std::string_view name = path.substr(slash + 1);
  for (const KnownBuild& build : *builds_) {
    const std::string_view file = build.dockerfile;
    const bool absolute = file == path;
    const bool named = build.context + "/" + build.dockerfile == path ||
                       (build.context == folder && file.substr(file.rfind('/') + 1) == name);
    if ((absolute || named) && (target.empty() || build.target == target)) {
      return build.facts;
    }
  }
  return std::nullopt;
}

std::optional<std::string> EngineFacts::ProjectDirectory(std::string_view git_path, std::string_view tag) {
  return sema::earthfile::RecallProject(root_ + std::string(kProjectCache), git_path, tag);
}

bool EngineFacts::IsFetched(std::string_view path) {
  const std::string folder = root_ + std::string(kProjectCache) + "/";
  return path.starts_with(folder);
}

void EngineFacts::Forget() {
  builds_.reset();
  known_images_.clear();
}

}  // namespace loam::cli
