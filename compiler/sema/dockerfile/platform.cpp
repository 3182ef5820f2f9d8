#include "compiler/sema/dockerfile/platform.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
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

bool IsKnownArchitecture(std::string_view arch) {
  return IsOneOf(arch, {"386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "ppc64", "ppc64le", "loong64",
                        "mips", "mipsle", "mips64", "mips64le", "mips64p32", "mips64p32le", "ppc", "riscv", "riscv64",
                        "s390", "s390x", "sparc", "sparc64", "wasm"});
}

bool IsComponent(std::string_view text, std::string_view extra) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           extra.find(c) != std::string_view::npos;
  });
}

std::string_view NormalizeOs(std::string_view os, ir::Graph& graph) {
  if (os.empty()) {
    return "linux";
  }
  if (std::any_of(os.begin(), os.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
    os = graph.Intern(ToLowerAscii(os));
  }
  return os == "macos" ? "darwin" : os;
}

void NormalizeArchitecture(std::string_view& arch, std::string_view& variant, ir::Graph& graph) {
  const auto lower = [&](std::string_view& text) {
    if (std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
      text = graph.Intern(ToLowerAscii(text));
    }
  };
  lower(arch);
  lower(variant);
  if (arch == "i386") {
    arch = "386";
    variant = "";
  } else if (IsOneOf(arch, {"x86_64", "x86-64", "amd64"})) {
    arch = "amd64";
    if (variant == "v1") {
      variant = "";
    }
  } else if (IsOneOf(arch, {"aarch64", "arm64"})) {
    arch = "arm64";
    if (IsOneOf(variant, {"8", "v8", "v8.0"})) {
      variant = "";
    } else if (IsOneOf(variant, {"9", "9.0", "v9.0"})) {
      variant = "v9";
    }
  } else if (arch == "armhf") {
    arch = "arm";
    variant = "v7";
  } else if (arch == "armel") {
    arch = "arm";
    variant = "v6";
  } else if (arch == "arm") {
    if (variant.empty() || variant == "7") {
      variant = "v7";
    } else if (variant == "5") {
      variant = "v5";
    } else if (variant == "6") {
      variant = "v6";
    } else if (variant == "8") {
      variant = "v8";
    }
  }
}

Result<std::string> DecodeOption(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto byte = i + 2 < text.size() ? ParseUint(text.substr(i + 1, 2), 16, 8) : std::nullopt;
    if (!byte) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid escape in `{}`", text));
    }
    out += static_cast<char>(*byte);
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

Result<void> ParseOs(std::string_view part, ir::Platform& platform, ir::Graph& graph) {
  const std::size_t open = part.find('(');
  const std::string_view name = part.substr(0, open);
  if (!IsComponent(name, "_-") || (open != std::string_view::npos && part.back() != ')')) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no operating system", part));
  }
  platform.os = NormalizeOs(graph.Intern(name), graph);
  if (open == std::string_view::npos) {
    return {};
  }
  const auto options = Split(part.substr(open + 1, part.size() - open - 2), '+');
  std::vector<std::string_view> features;
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (!options[i].empty() && !IsComponent(options[i], "_.%-")) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no operating system", part));
    }
    if (i > 0 && options[i].empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` names an empty feature", part));
    }
    const std::string_view decoded = graph.Intern(LOAM_TRY(DecodeOption(options[i])));
    if (i == 0) {
      platform.os_version = decoded;
    } else {
      features.push_back(decoded);
    }
  }
  platform.os_features = graph.CopyArray<std::string_view>(features);
  return {};
}

std::string Join3(std::string_view a, std::string_view b, std::string_view c) {
  std::string out(a);
  for (const std::string_view part : {b, c}) {
    if (!part.empty()) {
      out.append("/").append(part);
    }
  }
  return out;
}

}  // namespace

ir::Platform HostPlatform() { return {"linux", kHostArchitecture, {}, {}, {}}; }

Result<ir::Platform> ParsePlatform(std::string_view text, ir::Graph& graph) {
  const auto invalid = [&] {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no platform (os/architecture[/variant])", text));
  };
  const auto parts = Split(text, '/');
  if (parts.size() > 3) {
    return invalid();
  }
  ir::Platform platform;
  LOAM_TRY(ParseOs(parts[0], platform, graph));
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (!IsComponent(parts[i], "_.-")) {
      return invalid();
    }
  }
  if (parts.size() == 1) {
    if (IsKnownOs(platform.os)) {
      platform.architecture = kHostArchitecture;
      return platform;
    }
    platform.architecture = graph.Intern(parts[0]);
    NormalizeArchitecture(platform.architecture, platform.variant, graph);
    if (platform.architecture == "arm" && platform.variant == "v7") {
      platform.variant = "";
    }
    if (!IsKnownArchitecture(platform.architecture)) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is neither an operating system nor an architecture", text));
    }
    platform.os = "linux";
    return platform;
  }
  platform.architecture = graph.Intern(parts[1]);
  if (parts.size() == 3) {
    platform.variant = graph.Intern(parts[2]);
  }
  NormalizeArchitecture(platform.architecture, platform.variant, graph);
  if (parts.size() == 2 && platform.architecture == "arm" && platform.variant == "v7") {
    platform.variant = "";
  }
  if (parts.size() == 3 && platform.architecture == "arm64" && platform.variant.empty()) {
    platform.variant = "v8";
  }
  return platform;
}

ir::Platform NormalizePlatform(ir::Platform platform, ir::Graph& graph) {
  platform.os = NormalizeOs(platform.os, graph);
  NormalizeArchitecture(platform.architecture, platform.variant, graph);
  if (platform.os_features.size() > 1) {
    std::vector<std::string_view> features(platform.os_features.begin(), platform.os_features.end());
    std::sort(features.begin(), features.end());
    features.erase(std::unique(features.begin(), features.end()), features.end());
    platform.os_features = graph.CopyArray<std::string_view>(features);
  }
  return platform;
}

std::string FormatPlatform(const ir::Platform& platform) {
  return platform.os.empty() ? "unknown" : Join3(platform.os, platform.architecture, platform.variant);
}

std::string FormatPlatformFull(const ir::Platform& platform) {
  if (platform.os.empty() || (platform.os_version.empty() && platform.os_features.empty())) {
    return FormatPlatform(platform);
  }
  std::vector<std::string_view> features(platform.os_features.begin(), platform.os_features.end());
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  std::string os = fmt::format("{}({}", platform.os, EncodeOption(platform.os_version));
  for (const std::string_view feature : features) {
    if (!feature.empty()) {
      os += "+" + EncodeOption(feature);
    }
  }
  return Join3(os + ")", platform.architecture, platform.variant);
}

}  // namespace loam::sema
