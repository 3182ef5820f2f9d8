// Names and times as HTTP headers give them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace loam::source {

// The parameter `filename` (or `filename*`) of a Content-Disposition header; "" if there is none.
std::string DispositionFileName(std::string_view header);
// The last element of a name that comes from outside; "download" if nothing of it can be a file name.
std::string SafeFileName(std::string_view name);
// For what is downloaded from `url`: `wanted` if it is not empty, else what the header says, else the URL's last
// element.
std::string DownloadFileName(std::string_view url, std::string_view wanted, std::string_view content_disposition);

// Seconds since the epoch of one of HTTP's three date formats.
std::optional<std::int64_t> ParseHttpTime(std::string_view text);
// "Mon, 02 Jan 2006 15:04:05 GMT"
std::string FormatHttpTime(std::int64_t seconds);

// "W/" left out: ETags are compared weakly.
std::string EtagValue(std::string_view header);
// Host of a URL, without port.
std::string UrlHostName(std::string_view url);

}  // namespace loam::source
