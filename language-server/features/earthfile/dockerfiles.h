// FROM DOCKERFILE: the Dockerfiles that an Earthfile builds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "language-server/features/query.h"

namespace loam::lsp::earthfile {

struct DockerfileUse {
  std::string path;  // of a file of this machine
  bool exists = false;
  Span context;       // the directory, as written
  Span file;          // the value of -f; empty without one
  Span target;        // the value of --target; empty without one
  std::string stage;  // what it says
};

// Those whose paths are written out, in the order of the file.
std::vector<DockerfileUse> DockerfilesOf(const Query& query);
// The one whose directory, file or stage is at `offset`.
std::optional<DockerfileUse> DockerfileAt(const Query& query, std::uint32_t offset);
// Where it leads from there: to the stage from the value of --target, else to the file.
std::vector<Location> DockerfileDefinition(const Query& query, const DockerfileUse& use, std::uint32_t offset);
// The file and its stages.
Hover DockerfileHover(const Query& query, const DockerfileUse& use, std::uint32_t offset);

}  // namespace loam::lsp::earthfile
