#include "runtime-executor/snapshot/fs_ref.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/check.h"
#include "base/strings.h"

namespace loam::snapshot {
namespace {
constexpr std::string_view kScratchText = "scratch";
constexpr std::string_view kLayersPrefix = "layers:";
}  // namespace

FsRef::FsRef(std::vector<LayerRef> layers) {
  for (const LayerRef& layer : layers) {
    LOAM_CHECK(layer != nullptr, "a stack holds no null layer");
  }
  if (!layers.empty()) {
    layers_ = std::make_shared<const std::vector<LayerRef>>(std::move(layers));
  }
}

FsRef::FsRef(std::shared_ptr<const HostTree> host_tree) : host_tree_(std::move(host_tree)) {}

std::span<const LayerRef> FsRef::layers() const {
  return layers_ == nullptr ? std::span<const LayerRef>() : std::span<const LayerRef>(*layers_);
}

std::vector<LayerId> FsRef::layer_ids() const {
  std::vector<LayerId> ids;
  ids.reserve(layers().size());
  for (const LayerRef& layer : layers()) {
    ids.push_back(layer->id());
  }
  return ids;
}

FsRef FsRef::Stack(const FsRef& above) const {
  LOAM_CHECK(!is_host_tree() && !above.is_host_tree(), "a host tree is no layer");
  if (above.is_scratch()) {
    return *this;
  }
  if (is_scratch()) {
    return above;
  }
  std::vector<LayerRef> all(layers().begin(), layers().end());
  all.insert(all.end(), above.layers().begin(), above.layers().end());
  return FsRef(std::move(all));
}

bool FsRef::SuffixAbove(const FsRef& lower, FsRef* suffix) const {
  if (is_host_tree() || lower.is_host_tree() || lower.layers().size() > layers().size()) {
    return false;
  }
  const auto same = [](const LayerRef& a, const LayerRef& b) { return a->id() == b->id(); };
  if (!std::equal(lower.layers().begin(), lower.layers().end(), layers().begin(), same)) {
    return false;
  }
  const auto rest = layers().subspan(lower.layers().size());
  *suffix = FsRef(std::vector<LayerRef>(rest.begin(), rest.end()));
  return true;
}

Result<std::string> FsRef::ToText() const {
  if (is_host_tree()) {
    return Unexpected(ErrorCode::kInvalidArgument, "a directory of the host cannot be kept as a result");
  }
  if (is_scratch()) {
    return std::string(kScratchText);
  }
  std::string text(kLayersPrefix);
  for (const LayerRef& layer : layers()) {
    if (text.size() > kLayersPrefix.size()) {
      text += ',';
    }
    text += std::to_string(layer->id().value());
  }
  return text;
}

bool operator==(const FsRef& a, const FsRef& b) {
  return a.host_tree_ == b.host_tree_ && a.layer_ids() == b.layer_ids();
}

Result<std::vector<LayerId>> ParseLayerIds(std::string_view text) {
  std::vector<LayerId> ids;
  if (text == kScratchText) {
    return ids;
  }
  const auto bad = [&] {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no filesystem reference", text));
  };
  if (!text.starts_with(kLayersPrefix)) {
    return bad();
  }
  for (const std::string_view part : Split(text.substr(kLayersPrefix.size()), ',')) {
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), id);
    if (error != std::errc() || end != part.data() + part.size() || id <= 0) {
      return bad();
    }
    ids.emplace_back(id);
  }
  return ids;
}

}  // namespace loam::snapshot
