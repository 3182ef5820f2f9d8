// What a Dockerfile builds, as far as two texts of it can be compared: every op digest and image config of its target
// and of every stage that has a name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "compiler/driver/compile.h"
#include "compiler/sema/build_host.h"

namespace loam::driver {

// What a file builds, for one target and platform.
struct Built {
  std::vector<std::string> ops;
  std::string head;
  std::string image;
  std::string base_image;
  std::optional<std::int64_t> epoch;

  friend bool operator==(const Built&, const Built&) = default;
};

// By "target platform"; or why it does not compile.
struct Everything {
  std::map<std::string, Built> built;
  std::string error;
  std::string error_place;  // "line 3: "; where it stands is not compared

  friend bool operator==(const Everything& a, const Everything& b) { return a.built == b.built && a.error == b.error; }
};

class Prover {
 public:
  // All arguments outlive it.
  Prover(const std::string& name, const CompileOptions& options, sema::BuildHost& host);

  Result<Everything> Build(const std::string& text);

 private:
  const std::string& name_;
  CompileOptions options_;
  sema::BuildHost& host_;
};

// For people, at most eight lines; empty if the two are equal.
std::vector<std::string> Differences(const Everything& before, const Everything& after);

}  // namespace loam::driver
