#include "compiler/sema/dockerfile/container_path.h"

#include <algorithm>

#include <fmt/format.h>

#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {

std::string ToSlash(std::string_view path, std::string_view os) {
  std::string out(path);
  if (os == "windows") {
    std::replace(out.begin(), out.end(), '\\', '/');
  }
  return out;
}

Result<std::string> StripDrive(std::string_view path, std::string_view os, bool keep_slash) {
  if (os != "windows") {
    return std::string(path);
  }
  const auto clean = [&](std::string_view part) {
    const std::string slashed = ToSlash(part, os);
    std::string cleaned = CleanPath(slashed);
    if (keep_slash && cleaned.size() > 1 && slashed.ends_with('/')) {
      cleaned += '/';
    }
    return cleaned;
  };
  if (path.size() == 2 && path[1] == ':') {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` names a drive, but no path on it", path));
  }
  if (ToSlash(path.substr(0, 2), os) == "//") {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is a UNC path, which is not supported", path));
  }
  const std::size_t colon = path.find(':');
  if (colon == std::string_view::npos) {
    return clean(path);
  }
  const std::string_view drive = path.substr(0, colon);
  if (drive != "c" && drive != "C") {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is not on the system drive C:", path));
  }
  return clean(path.substr(colon + 1));
}

bool IsAbsoluteIn(std::string_view path, std::string_view os) {
  if (os != "windows") {
    return IsAbsPath(path);
  }
  const auto stripped = StripDrive(path, os, false);
  return stripped && IsAbsPath(*stripped);
}

Result<std::string> NormalizeIn(std::string_view parent, std::string_view path, std::string_view os, bool keep_slash) {
  const std::string original = ToSlash(path, os);
  std::string base = LOAM_TRY(StripDrive(parent.empty() ? "/" : ToSlash(parent, os), os, keep_slash));
  if (!IsAbsoluteIn(base, os)) {
    base = JoinPath("/", base);
  }
  std::string result = LOAM_TRY(StripDrive(original.empty() ? base : original, os, keep_slash));
  if (!IsAbsoluteIn(result, os)) {
    result = JoinPath(base, result);
  }
  if (keep_slash) {
    if (original.ends_with('/') && !result.ends_with('/')) {
      result += '/';
    } else if (original.ends_with("/.")) {
      if (result != "/") {
        result += '/';
      }
      result += '.';
    }
  }
  return ToSlash(result, os);
}

Result<std::string> NormalizeWorkdir(std::string_view current, std::string_view path, std::string_view os) {
  std::string result = LOAM_TRY(NormalizeIn(current, path, os, false));
  if (os == "windows") {
    std::replace(result.begin(), result.end(), '/', '\\');
  }
  return result;
}

}  // namespace loam::sema
