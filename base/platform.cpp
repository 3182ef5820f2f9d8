#include "base/platform.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>

#include <fmt/format.h>
#include <sys/utsname.h>

#include "base/strings.h"

namespace loam {
namespace {

#if defined(__x86_64__)
constexpr std::string_view kHostArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kHostArchitecture = "arm64";
#elif defined(__riscv) && __riscv_xlen == 64
constexpr std::string_view kHostArchitecture = "riscv64";
#elif defined(__powerpc64__)
constexpr std::string_view kHostArchitecture = "ppc64le";
#elif defined(__s390x__)
constexpr std::string_view kHostArchitecture = "s390x";
#elif defined(__loongarch64)
constexpr std::string_view kHostArchitecture = "loong64";
#elif defined(__arm__)
constexpr std::string_view kHostArchitecture = "arm";
#else
constexpr std::string_view kHostArchitecture = "386";
#endif

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool IsKnownOs(std::string_view os) {
  return IsOneOf(os, {"aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux",
                      "nacl", "netbsd", "openbsd", "plan9", "solaris", "windows", "zos"});
}

bool IsKnownArchitecture(std::string_view architecture) {
  return IsOneOf(architecture,
                 {"386",     "amd64",   "amd64p32", "arm",    "armbe",  "arm64",    "arm64be",   "ppc64",
                  "ppc64le", "loong64", "mips",     "mipsle", "mips64", "mips64le", "mips64p32", "mips64p32le",
                  "ppc",     "riscv",   "riscv64",  "s390",   "s390x",  "sparc",    "sparc64",   "wasm"});
}

// Letters, digits and `extra`.
bool IsComponent(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           extra.find(c) != std::string_view::npos;
  });
}

std::string NormalizeOs(std::string_view os) {
  if (os.empty()) {
    return "linux";
  }
  std::string lower = ToLowerAscii(os);
  return lower == "macos" ? "darwin" : lower;
}

void NormalizeArchitecture(std::string& architecture, std::string& variant) {
  architecture = ToLowerAscii(architecture);
  variant = ToLowerAscii(variant);
  if (architecture == "i386") {
    architecture = "386";
    variant.clear();
  } else if (IsOneOf(architecture, {"x86_64", "x86-64", "amd64"})) {
    architecture = "amd64";
    if (variant == "v1") {
      variant.clear();
    }
  } else if (IsOneOf(architecture, {"aarch64", "arm64"})) {
    architecture = "arm64";
    if (IsOneOf(variant, {"8", "v8", "v8.0"})) {
      variant.clear();
    } else if (IsOneOf(variant, {"9", "9.0", "v9.0"})) {
      variant = "v9";
    }
  } else if (architecture == "armhf") {
    architecture = "arm";
    variant = "v7";
  } else if (architecture == "armel") {
    architecture = "arm";
    variant = "v6";
  } else if (architecture == "arm") {
    if (variant.empty() || variant == "7") {
      variant = "v7";
    } else if (IsOneOf(variant, {"5", "6", "8"})) {
      variant.insert(0, "v");
    }
  }
}

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? std::optional<int>(lower - 'a' + 10) : std::nullopt;
}

Result<std::string> DecodeOption(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? HexDigit(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? HexDigit(text[i + 2]) : std::nullopt;
    if (!high || !low) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid escape in `{}`", text));
    }
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

std::string EncodeOption(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("%+()/").find(c) != std::string_view::npos) {
      out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out;
}

// `<os>[(<version>[+<feature>]…)]`
Result<> ParseOs(std::string_view part, Platform& platform) {
  const auto invalid = [&] {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no operating system", part));
  };
  const std::size_t open = part.find('(');
  const std::string_view name = part.substr(0, open);
  if (name.empty() || !IsComponent(name, "_-") || (open != std::string_view::npos && part.back() != ')')) {
    return invalid();
  }
  platform.os = NormalizeOs(name);
  if (open == std::string_view::npos) {
    return {};
  }
  const auto options = Split(part.substr(open + 1, part.size() - open - 2), '+');
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (!IsComponent(options[i], "_.%-")) {
      return invalid();
    }
    if (i > 0 && options[i].empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` names an empty feature", part));
    }
    std::string decoded = LOAM_TRY(DecodeOption(options[i]));
    if (i == 0) {
      platform.os_version = std::move(decoded);
    } else {
      platform.os_features.push_back(std::move(decoded));
    }
  }
  return {};
}

std::string JoinParts(std::string_view os, const Platform& platform) {
  std::string out(os);
  for (const std::string* part : {&platform.architecture, &platform.variant}) {
    if (!part->empty()) {
      out += "/" + *part;
    }
  }
  return out;
}

std::vector<std::string> SortedFeatures(std::vector<std::string> features) {
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  return features;
}

// The number in "v<number>", nullopt for anything else.
std::optional<int> VariantNumber(std::string_view variant) {
  if (variant.starts_with('v')) {
    variant.remove_prefix(1);
  }
  int number = 0;
  const auto [end, error] = std::from_chars(variant.data(), variant.data() + variant.size(), number);
  return error == std::errc() && end == variant.data() + variant.size() ? std::optional<int>(number) : std::nullopt;
}

void AddVariant(std::vector<Platform>& out, const Platform& base, std::string_view architecture, std::string variant) {
  Platform platform = base;
  platform.architecture = architecture;
  platform.variant = std::move(variant);
  out.push_back(NormalizePlatform(std::move(platform)));
}

void AddArm(std::vector<Platform>& out, const Platform& base, std::string_view variant) {
  AddVariant(out, base, "arm", std::string(variant));
  if (const auto number = VariantNumber(variant)) {
    for (int older = *number - 1; older >= 5; --older) {
      AddVariant(out, base, "arm", fmt::format("v{}", older));
    }
  }
}

// ARMv8.0 … v8.9 and v9.0 … v9.7. v9.n includes everything up to v8.(n+5).
struct ArmVersion {
  int major;
  int minor;
};
std::optional<ArmVersion> ParseArm64Variant(std::string_view variant) {
  if (variant.empty()) {
    return ArmVersion{8, 0};
  }
  const auto dot = SplitOnce(variant, '.');
  const auto major = VariantNumber(dot ? dot->first : variant);
  const auto minor = dot ? VariantNumber(dot->second) : 0;
  const bool known = major && minor && ((*major == 8 && *minor <= 9) || (*major == 9 && *minor <= 7)) && *minor >= 0;
  return known ? std::optional(ArmVersion{*major, *minor}) : std::nullopt;
}

void AddArm64(std::vector<Platform>& out, const Platform& wanted) {
  const auto add_down_from = [&](int major, int minor) {
    for (; minor >= 0; --minor) {
      AddVariant(out, wanted, "arm64", minor == 0 ? fmt::format("v{}", major) : fmt::format("v{}.{}", major, minor));
    }
  };
  const auto version = ParseArm64Variant(wanted.variant);
  if (!version) {
    out.push_back(wanted);
    return;
  }
  add_down_from(version->major, version->minor);
  if (version->major == 9) {
    add_down_from(8, std::min(version->minor + 5, 9));
  }
  AddArm(out, wanted, "v8");
}

bool AcceptsFeatures(const Platform& accepted, const Platform& offered) {
  return std::includes(accepted.os_features.begin(), accepted.os_features.end(), offered.os_features.begin(),
                       offered.os_features.end());
}

// The first `count` numbers of a Windows version must agree.
bool SameWindowsBuild(std::string_view wanted, std::string_view offered) {
  if (wanted.empty() || offered.empty()) {
    return true;
  }
  const auto a = Split(wanted, '.');
  const auto b = Split(offered, '.');
  return a.size() >= 3 && b.size() >= 3 && std::equal(a.begin(), a.begin() + 3, b.begin());
}

std::string HostArmVariant() {
  if (kHostArchitecture != "arm64" && kHostArchitecture != "arm") {
    return {};
  }
  utsname name{};
  if (::uname(&name) != 0) {
    return {};
  }
  const std::string_view machine = name.machine;
  if (machine == "aarch64") {
    return "v8";
  }
  return machine.starts_with("armv") && machine.size() > 4 ? fmt::format("v{}", machine[4]) : std::string();
}

}  // namespace

std::string Platform::ToString() const {
  return os.empty() ? "unknown" : JoinParts(os, *this);
}

Platform HostPlatform() {
  return {"linux", std::string(kHostArchitecture), HostArmVariant(), {}, {}};
}

Result<Platform> ParsePlatform(std::string_view specifier) {
  const auto invalid = [&] {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("`{}` is no platform (os/architecture[/variant])", specifier));
  };
  const auto parts = Split(specifier, '/');
  if (parts.size() > 3) {
    return invalid();
  }
  Platform platform;
  LOAM_TRY(ParseOs(parts[0], platform));
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].empty() || !IsComponent(parts[i], "_.-")) {
      return invalid();
    }
  }
  if (parts.size() == 1) {
    if (IsKnownOs(platform.os)) {
      platform.architecture = kHostArchitecture;
      if (kHostArchitecture == "arm" && HostArmVariant() != "v7") {
        platform.variant = HostArmVariant();
      }
      return platform;
    }
    platform = {"linux", std::string(parts[0]), {}, {}, {}};
    NormalizeArchitecture(platform.architecture, platform.variant);
    if (!IsKnownArchitecture(platform.architecture)) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("`{}` is neither an operating system nor an architecture", specifier));
    }
  } else {
    platform.architecture = parts[1];
    platform.variant = parts.size() == 3 ? parts[2] : "";
    NormalizeArchitecture(platform.architecture, platform.variant);
  }
  if (parts.size() < 3 && platform.architecture == "arm" && platform.variant == "v7") {
    platform.variant.clear();
  }
  if (parts.size() == 3 && platform.architecture == "arm64" && platform.variant.empty()) {
    platform.variant = "v8";
  }
  return platform;
}

Platform NormalizePlatform(Platform platform) {
  platform.os = NormalizeOs(platform.os);
  NormalizeArchitecture(platform.architecture, platform.variant);
  platform.os_features = SortedFeatures(std::move(platform.os_features));
  return platform;
}

std::string FormatPlatformAll(const Platform& platform) {
  if (platform.os.empty() || (platform.os_version.empty() && platform.os_features.empty())) {
    return platform.ToString();
  }
  std::string os = fmt::format("{}({}", platform.os, EncodeOption(platform.os_version));
  for (const std::string& feature : SortedFeatures(platform.os_features)) {
    if (!feature.empty()) {
      os += "+" + EncodeOption(feature);
    }
  }
  return JoinParts(os + ")", platform);
}

PlatformMatcher::PlatformMatcher(const Platform& wanted) {
  const Platform normal = NormalizePlatform(wanted);
  if (normal.architecture == "amd64") {
    accepted_.push_back(normal);
    const auto number = VariantNumber(normal.variant);
    for (int older = number.value_or(1) - 1; older >= 1; --older) {
      AddVariant(accepted_, normal, "amd64", fmt::format("v{}", older));
    }
    AddVariant(accepted_, normal, "386", "");
  } else if (normal.architecture == "arm") {
    AddArm(accepted_, normal, normal.variant);
  } else if (normal.architecture == "arm64") {
    AddArm64(accepted_, normal);
  } else {
    accepted_.push_back(normal);
  }
}

std::size_t PlatformMatcher::Rank(const Platform& platform) const {
  const Platform offered = NormalizePlatform(platform);
  std::size_t rank = 0;
  for (; rank < accepted_.size(); ++rank) {
    const Platform& accepted = accepted_[rank];
    const bool windows = accepted.os == "windows";
    if (accepted.os == offered.os && accepted.architecture == offered.architecture &&
        accepted.variant == offered.variant && (windows || AcceptsFeatures(accepted, offered)) &&
        (!windows || SameWindowsBuild(accepted.os_version, offered.os_version))) {
      break;
    }
  }
  return rank;
}

bool PlatformMatcher::Matches(const Platform& platform) const {
  return Rank(platform) < accepted_.size();
}

bool PlatformMatcher::Less(const Platform& a, const Platform& b) const {
  const std::size_t rank_a = Rank(a);
  const std::size_t rank_b = Rank(b);
  if (rank_a != rank_b) {
    return rank_a < rank_b;
  }
  return rank_a < accepted_.size() && a.os_features.size() > b.os_features.size();
}

}  // namespace loam
