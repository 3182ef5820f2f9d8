// What the targets of an Earthfile build, as far as two texts of it can be compared without building anything.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/sema/earthfile/project_host.h"

namespace loam::driver::earthfile {

// By target: what it makes (digests of the operations and outputs), once for each assumption about the build; or the
// mistake that ends its evaluation.
struct Everything {
  std::map<std::string, std::string> made;
  std::size_t targets = 0;
  std::size_t evaluated = 0;  // without a mistake, under at least one assumption

  friend bool operator==(const Everything& a, const Everything& b) { return a.made == b.made; }
};

// Evaluates every target of the Earthfile `path` (absolute) with `text` in its place, twice: as if all conditions held
// and as if none did. Images, outputs of commands and remote repositories are assumed, the same each time; other
// Earthfiles are read through `host`, whose invocation directory is that of `path`.
Result<Everything> BuildEarthfile(const std::string& path, const std::string& text, sema::earthfile::ProjectHost& host);

// For people: the targets that differ; empty if the two are equal.
std::vector<std::string> Differences(const Everything& before, const Everything& after);

}  // namespace loam::driver::earthfile
