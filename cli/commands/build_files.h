// The build files that `loam fmt` and `loam lint` work on: Dockerfiles and Earthfiles, named or found in directories.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace loam::cli {

enum class Language : std::uint8_t { kDockerfile, kEarthfile };

struct BuildFile {
  std::string path;  // "-": standard input
  std::string name;  // as shown
  Language language = Language::kDockerfile;
};

// By the name alone: `Earthfile`, `*.earth`, …; `Dockerfile`, `Dockerfile.*`, `*.Dockerfile`, `Containerfile`, …
// nullopt for any other name.
std::optional<Language> LanguageOfName(std::string_view path);

// The flags --language and --stdin-filename.
inline constexpr Flag kLanguageFlag = {
    .name = "language",
    .short_name = 0,
    .kind = FlagKind::kString,
    .value_name = "LANGUAGE",
    .help = "what files are whose names do not say it, and standard input: dockerfile or earthfile",
    .completion = "dockerfile|earthfile"};
inline constexpr Flag kStdinNameFlag = {.name = "stdin-filename",
                                        .short_name = 0,
                                        .kind = FlagKind::kString,
                                        .value_name = "PATH",
                                        .help = "the name of what comes from standard input",
                                        .completion = "file"};

// The files that the arguments name, in their order; those found in a directory sorted by path. Directories whose names
// start with a dot and `node_modules` are not searched. Without arguments: the Dockerfile and the Earthfile of the
// current directory. A file of another name is a Dockerfile unless --language says what it is. kInvalidArgument: a
// wrong --language; kNotFound: there is no such file, or none in a directory.
Result<std::vector<BuildFile>> FindBuildFiles(const Flags& flags);

// The text of one of them.
Result<std::string> ReadBuildFile(const Context& context, const BuildFile& file);

}  // namespace loam::cli
