// Paths inside the image, with Windows' rules where the image is one of Windows (drive letters, backslashes).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace loam::sema {

// `path` with its drive letter removed and slashes forward; unchanged unless `os` is "windows". kInvalidArgument for
// another drive than C, a bare drive letter or a UNC path.
Result<std::string> StripDrive(std::string_view path, std::string_view os, bool keep_slash);
// Whether the path is absolute once its drive is stripped.
bool IsAbsoluteIn(std::string_view path, std::string_view os);
// `path`, joined to `parent` if it is relative (an absolute one is not cleaned, as upstream). `keep_slash` keeps a "/"
// or
// "/." at the end.
Result<std::string> NormalizeIn(std::string_view parent, std::string_view path, std::string_view os, bool keep_slash);
// The new working directory, with the separators of `os`.
Result<std::string> NormalizeWorkdir(std::string_view current, std::string_view path, std::string_view os);
// Backslashes to slashes on Windows.
std::string ToSlash(std::string_view path, std::string_view os);

}  // namespace loam::sema
