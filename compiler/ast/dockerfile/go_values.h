// Values as Go's standard library reads them, which is how BuildKit reads flags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::ast {

// time.ParseDuration: `1h30m`, `1.5s`, `-2ms`, `0`; in nanoseconds. Nullopt also if it does not fit 64 bits.
std::optional<std::int64_t> ParseDuration(std::string_view text);
// strconv.ParseInt(text, 10, 32).
std::optional<std::int32_t> ParseInt32(std::string_view text);
// strconv.ParseBool: 1, t, T, TRUE, true, True and their opposites.
std::optional<bool> ParseBool(std::string_view text);

// One field of a csv record and where it stands in it.
struct CsvPart {
  std::string_view raw;              // as written, quotes included
  std::optional<std::string> value;  // set if the field was quoted
};
// The fields of a one-line csv record, with double quotes around fields that hold commas or quotes. Nullopt if the
// record is empty or its quotes are wrong; `error` says how.
std::optional<std::vector<CsvPart>> SplitCsv(std::string_view text, std::string_view* error);

}  // namespace loam::ast
