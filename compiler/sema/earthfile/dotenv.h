// `.arg`, `.env` and `.secret` files, by the rules of the reference's reader (godotenv): `NAME=value`, `NAME: value`,
// `export`, comments, single quotes (literal) and double quotes (`\n`, `\r`, escapes, variables), values over several
// lines in quotes. `$NAME` and `${NAME}` (upper case) stand for earlier
// names of the same file, else of the environment.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loam::sema::earthfile {

// kInvalidArgument names the line.
Result<std::map<std::string, std::string>> ParseDotenv(std::string_view text);

}  // namespace loam::sema::earthfile
