#include "compiler/sema/earthfile/features.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;

constexpr std::pair<int, int> VersionOf(std::string_view text) {
  return {text[0] - '0', text[2] - '0'};
}

std::vector<std::string> FlagNames() {
  std::vector<std::string> names;
  for (const FeatureInfo& info : kFeatures) {
    names.emplace_back(info.flag);
  }
  return names;
}

// "a, --b" -> "a", "b".
std::vector<std::string_view> SplitOverrides(std::string_view overrides) {
  std::vector<std::string_view> names;
  for (std::string_view part : Split(TrimSpace(overrides), ',')) {
    part = TrimSpace(part.substr(0, part.find('=')));
    if (part.starts_with("--")) {
      part.remove_prefix(2);
    }
    if (!part.empty()) {
      names.push_back(part);
    }
  }
  return names;
}

std::optional<int> Digits(std::string_view text) {
  if (text.empty() || text.size() > 4 || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  int value = 0;
  for (const char c : text) {
    value = value * 10 + (c - '0');
  }
  return value;
}

void ApplyNegations(Features& features) {
  if (features.Has(Feature::kNoUseRegistryForWithDocker)) {
    features.Set(Feature::kUseRegistryForWithDocker, false);
  }
}

}  // namespace

std::optional<Feature> FeatureWithFlag(std::string_view flag) {
  for (std::size_t i = 0; i < kFeatures.size(); ++i) {
    if (kFeatures[i].flag == flag) {
      return static_cast<Feature>(i);
    }
  }
  return std::nullopt;
}

std::string FeatureHint(Feature feature) {
  const FeatureInfo& info = InfoOf(feature);
  return info.since.empty() ? fmt::format("switch it on with `VERSION --{} 0.8`", info.flag)
                            : fmt::format("it is on since `VERSION {}`; before that, `VERSION --{} …` switches it on",
                                          info.since, info.flag);
}

Features Features::OfVersion(int major, int minor) {
  Features features;
  features.major_ = major;
  features.minor_ = minor;
  for (std::size_t i = 0; i < kFeatures.size(); ++i) {
    if (!kFeatures[i].since.empty()) {
      const auto [since_major, since_minor] = VersionOf(kFeatures[i].since);
      features.on_[i] = features.AtLeast(since_major, since_minor);
    }
  }
  return features;
}

std::string Features::ToString() const {
  const Features plain = OfVersion(major_, minor_);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < kFeatures.size(); ++i) {
    if (on_[i] && !plain.on_[i]) {
      words.push_back(fmt::format("--{}", kFeatures[i].flag));
    }
  }
  std::sort(words.begin(), words.end());
  words.insert(words.begin(), "VERSION");
  words.push_back(fmt::format("{}.{}", major_, minor_));
  return Join(words, " ");
}

Result<> CheckFeatureOverrides(std::string_view overrides) {
  for (const std::string_view name : SplitOverrides(overrides)) {
    if (!FeatureWithFlag(name)) {
      Error error(ErrorCode::kInvalidArgument,
                  fmt::format("--version-flag-overrides: `{}` is no flag of VERSION", name));
      if (const auto near = NearestWord(name, FlagNames())) {
        error = std::move(error).WithHint(fmt::format("did you mean `{}`?", *near));
      }
      return Unexpected(std::move(error));
    }
  }
  return {};
}

Checked<FeatureSet> ReadFeatures(std::span<const Word> words, std::string_view overrides, source::SourceRange range) {
  FeatureSet set;
  std::vector<std::pair<Feature, Word>> flags;
  std::size_t next = 0;
  for (; next < words.size(); ++next) {
    const Word& word = words[next];
    if (word.text == "--") {
      ++next;
      break;
    }
    if (word.text.size() < 2 || word.text[0] != '-') {
      break;
    }
    std::string_view name = word.text;
    name.remove_prefix(std::min<std::size_t>(name.find_first_not_of('-'), 2));
    const std::size_t equals = name.find('=');
    const std::optional<Feature> feature = FeatureWithFlag(name.substr(0, equals));
    if (!feature || !word.text.starts_with("--")) {
      Failure failure = Fail<Kind::kEarthUnknownFeature>(word.range, word.text);
      if (const auto near = NearestWord(name.substr(0, equals), FlagNames())) {
        failure = std::move(failure).Hint(fmt::format("did you mean `--{}`?", *near));
      }
      return failure;
    }
    if (equals != std::string_view::npos) {
      return Fail<Kind::kEarthFeatureValue>(word.range, name.substr(0, equals))
          .Hint(fmt::format("write `--{}`, or leave it out", name.substr(0, equals)));
    }
    flags.emplace_back(*feature, word);
  }
  if (words.size() != next + 1) {
    const Word* extra = next + 1 < words.size() ? &words[next + 1] : nullptr;
    return Fail<Kind::kEarthVersionWords>(extra != nullptr ? extra->range : range);
  }
  const Word& number = words[next];
  const auto parts = SplitOnce(number.text, '.');
  const std::optional<int> major = parts ? Digits(parts->first) : std::nullopt;
  const std::optional<int> minor = parts ? Digits(parts->second) : std::nullopt;
  if (!major || !minor) {
    return Fail<Kind::kEarthVersionWords>(number.range).Hint(fmt::format("`{}` is no version number", number.text));
  }
  if (*major != 0 || (*minor != 0 && (*minor < 5 || *minor > 8))) {
    return Fail<Kind::kEarthUnsupportedVersion>(number.range, number.text).Hint("use `VERSION 0.8`");
  }
  set.features = Features::OfVersion(*major, *minor);
  for (auto& [feature, word] : flags) {
    if (set.features.Has(feature) && !InfoOf(feature).since.empty()) {
      set.already_default.push_back(std::move(word));
    }
    set.features.Set(feature);
  }
  ApplyNegations(set.features);
  if (set.features.Has(Feature::kArgScopeAndSet) && !set.features.Has(Feature::kShellOutAnywhere)) {
    return Fail<Kind::kEarthFeatureDependency>(range, InfoOf(Feature::kArgScopeAndSet).flag,
                                               InfoOf(Feature::kShellOutAnywhere).flag)
        .Hint("use `VERSION 0.8`, which has both");
  }
  if (auto known = CheckFeatureOverrides(overrides); !known) {
    return FailWith({}, std::move(known).error());
  }
  for (const std::string_view name : SplitOverrides(overrides)) {
    set.features.Set(*FeatureWithFlag(name));
  }
  ApplyNegations(set.features);
  return set;
}

}  // namespace loam::sema::earthfile
