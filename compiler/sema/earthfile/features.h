// Feature flags: what the VERSION line of one Earthfile switches on (features.def has the table).
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/earthfile/failure.h"
#include "compiler/sema/earthfile/words.h"

namespace loam::sema::earthfile {

enum class Feature : std::uint8_t {
#define LOAM_EARTH_FEATURE(name, flag, since, meaning) k##name,
#include "compiler/sema/earthfile/features.def"
#undef LOAM_EARTH_FEATURE
};

struct FeatureInfo {
  std::string_view flag;   // without dashes
  std::string_view since;  // "0.7"; "" if only the flag switches it on
  std::string_view meaning;
};
inline constexpr auto kFeatures = std::to_array<FeatureInfo>({
#define LOAM_EARTH_FEATURE(name, flag, since, meaning) {flag, since, meaning},
#include "compiler/sema/earthfile/features.def"
#undef LOAM_EARTH_FEATURE
});
constexpr const FeatureInfo& InfoOf(Feature feature) {
  return kFeatures[static_cast<std::size_t>(feature)];
}
std::optional<Feature> FeatureWithFlag(std::string_view flag);
// How to switch it on, as a hint.
std::string FeatureHint(Feature feature);

class Features {
 public:
  // What `VERSION major.minor` has without flags.
  static Features OfVersion(int major, int minor);

  [[nodiscard]] bool Has(Feature feature) const { return on_[static_cast<std::size_t>(feature)]; }
  void Set(Feature feature, bool on = true) { on_[static_cast<std::size_t>(feature)] = on; }
  [[nodiscard]] int major() const { return major_; }
  [[nodiscard]] int minor() const { return minor_; }
  [[nodiscard]] bool AtLeast(int major, int minor) const {
    return major_ > major || (major_ == major && minor_ >= minor);
  }
  // "VERSION --try 0.8": only the flags that the version does not have by itself, sorted.
  [[nodiscard]] std::string ToString() const;

  friend bool operator==(const Features&, const Features&) = default;

 private:
  std::bitset<kFeatures.size()> on_;
  int major_ = 0;
  int minor_ = 0;
};

struct FeatureSet {
  Features features;
  // Flags that the version has anyway (a note for the user, no mistake).
  std::vector<Word> already_default;
};

// Reads the words after VERSION. `overrides` is the list of --version-flag-overrides: "a,b", with or without dashes.
// Mistakes: unknown flags (with did-you-mean), flags with values, several or no numbers, versions other than 0.0, 0.5 …
// 0.8,
// --arg-scope-and-set without --shell-out-anywhere. `range` is the place of the whole line.
Checked<FeatureSet> ReadFeatures(std::span<const Word> words, std::string_view overrides, source::SourceRange range);

// For callers that have no Earthfile at hand: an unknown name in `overrides`.
Result<> CheckFeatureOverrides(std::string_view overrides);

}  // namespace loam::sema::earthfile
