#include "runtime-executor/source/http/http_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::source {
namespace {

constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const char* const first = text.data() + i + 1;
    if (i + 2 >= text.size() || std::from_chars(first, first + 2, value, 16).ptr != first + 2) {
      return std::nullopt;
    }
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

// One `name=value` or `name="value"` at the start of `text`, which is cut behind it.
std::optional<std::pair<std::string, std::string>> TakeParameter(std::string_view& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return std::nullopt;
  }
  std::string name = ToLowerAscii(TrimSpace(text.substr(0, equals)));
  text = TrimSpace(text.substr(equals + 1));
  std::string value;
  if (!text.empty() && text.front() == '"') {
    std::size_t i = 1;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) {
        ++i;
      }
      value += text[i];
    }
    if (i >= text.size()) {
      return std::nullopt;
    }
    text.remove_prefix(i + 1);
  } else {
    const std::size_t end = std::min(text.find(';'), text.size());
    value = TrimSpace(text.substr(0, end));
    text.remove_prefix(end);
  }
  return std::pair(std::move(name), std::move(value));
}

std::string_view BaseName(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos || path.size() == 1 ? path : path.substr(slash + 1);
}

std::optional<int> Number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 ? std::optional(value) : std::nullopt;
}

std::optional<int> Month(std::string_view name) {
  const auto found = std::find(kMonths.begin(), kMonths.end(), name);
  return found == kMonths.end() ? std::nullopt : std::optional(static_cast<int>(found - kMonths.begin()));
}

std::optional<std::int64_t> Seconds(std::optional<int> year, std::optional<int> month, std::optional<int> day,
                                    std::string_view clock) {
  const auto parts = Split(clock, ':');
  if (!year || !month || !day || parts.size() != 3 || *day < 1 || *day > 31) {
    return std::nullopt;
  }
  const auto hour = Number(parts[0]);
  const auto minute = Number(parts[1]);
  const auto second = Number(parts[2]);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  std::tm time{};
  time.tm_year = *year - 1900;
  time.tm_mon = *month;
  time.tm_mday = *day;
  time.tm_hour = *hour;
  time.tm_min = *minute;
  time.tm_sec = *second;
  return ::timegm(&time);
}

}  // namespace

std::string DispositionFileName(std::string_view header) {
  const std::size_t start = header.find(';');
  if (start == std::string_view::npos) {
    return {};
  }
  std::string plain;
  std::string_view rest = header.substr(start);
  while (!rest.empty()) {
    rest = TrimSpace(rest);
    if (rest.empty() || rest.front() != ';') {
      break;
    }
    rest.remove_prefix(1);
    if (TrimSpace(rest).empty()) {
      break;
    }
    auto parameter = TakeParameter(rest);
    if (!parameter) {
      return {};
    }
    if (parameter->first == "filename") {
      plain = std::move(parameter->second);
    } else if (parameter->first == "filename*") {
      // charset'language'text, percent-encoded
      const std::string& value = parameter->second;
      const std::size_t first = value.find('\'');
      const std::size_t second = first == std::string::npos ? first : value.find('\'', first + 1);
      const std::string charset = ToLowerAscii(value.substr(0, std::min(first, value.size())));
      if (second != std::string::npos && (charset == "utf-8" || charset == "us-ascii")) {
        if (auto decoded = PercentDecode(std::string_view(value).substr(second + 1))) {
          return *decoded;
        }
      }
    }
  }
  return plain;
}

std::string SafeFileName(std::string_view text) {
  constexpr const char* kDefault = "download";
  const std::string_view name = BaseName(TrimSpace(text));
  const bool control =
      std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return name.empty() || name == "." || name == ".." || name == "/" || control ? kDefault : std::string(name);
}

std::string DownloadFileName(std::string_view url, std::string_view wanted, std::string_view content_disposition) {
  if (!wanted.empty()) {
    return SafeFileName(wanted);
  }
  if (const std::string name = DispositionFileName(content_disposition); !name.empty() && !name.ends_with('/')) {
    return SafeFileName(name);
  }
  const std::size_t authority = url.find("://");
  std::string_view path = authority == std::string_view::npos ? url : url.substr(authority + 3);
  path = path.substr(0, path.find_first_of("?#"));
  const std::size_t slash = path.find('/');
  path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  const auto decoded = PercentDecode(path);
  return SafeFileName(decoded ? *decoded : std::string());
}

std::optional<std::int64_t> ParseHttpTime(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view word : Split(TrimSpace(text), ' ')) {
    if (!word.empty()) {
      words.push_back(word);
    }
  }
  if (words.size() == 6 && words[5] == "GMT") {  // Mon, 02 Jan 2006 15:04:05 GMT
    return Seconds(Number(words[3]), Month(words[2]), Number(words[1]), words[4]);
  }
  if (words.size() == 4 && (words[3] == "GMT" || words[3] == "UTC")) {  // Monday, 02-Jan-06 15:04:05 GMT
    const auto date = Split(words[1], '-');
    if (date.size() != 3) {
      return std::nullopt;
    }
    auto year = Number(date[2]);
    if (year) {
      *year += *year >= 69 ? 1900 : 2000;
    }
    return Seconds(year, Month(date[1]), Number(date[0]), words[2]);
  }
  if (words.size() == 5) {  // Mon Jan  2 15:04:05 2006
    return Seconds(Number(words[4]), Month(words[1]), Number(words[2]), words[3]);
  }
  return std::nullopt;
}

std::string FormatHttpTime(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays.at(static_cast<std::size_t>(parts.tm_wday)),
                     parts.tm_mday, kMonths.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string EtagValue(std::string_view header) {
  return std::string(header.starts_with("W/") ? header.substr(2) : header);
}

std::string UrlHostName(std::string_view url) {
  const std::size_t separator = url.find("://");
  std::string_view host = separator == std::string_view::npos ? url : url.substr(separator + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) {
    host.remove_prefix(at + 1);
  }
  if (host.starts_with('[')) {
    return std::string(host.substr(1, host.find(']') - 1));
  }
  return std::string(host.substr(0, host.find(':')));
}

}  // namespace loam::source
