// file:// URIs and paths.
#pragma once

#include <string>
#include <string_view>

namespace loam::lsp {

// The path of a file URI, percent signs decoded, "." and ".." resolved; "" for other schemes.
std::string PathOfUri(std::string_view uri);
// "file:///a%20b"; `path` is absolute.
std::string UriOfPath(std::string_view path);

}  // namespace loam::lsp
