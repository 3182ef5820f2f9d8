// SLSA provenance predicates, v1 and v0.2, as BuildKit writes them (docs/attestations/slsa-definitions.md there).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/provenance/capture.h"

namespace loam::provenance {

// What a client may say of the provenance it wants (attest:provenance=mode=max,version=v1,…).
struct Settings {
  bool v02 = false;
  // "max": with build args, secrets' names, and the steps themselves.
  bool max = true;
  bool reproducible = false;
  bool inline_only = false;
  bool complete_materials = false;
  std::string builder_id;
  std::string filename = "provenance.json";
};
// kInvalidArgument names the attribute.
Result<Settings> ReadSettings(const std::map<std::string, std::string>& attributes);
std::string_view PredicateType(const Settings& settings);

struct Run {
  std::string invocation_id;
  // The version of the build's behaviour that the client pinned; else the newest.
  int compatibility_version = 30;
  WallTime started;
  WallTime finished;
  // What the operator of the builder says of it: a JSON object, whose members stand among those of the environment; ""
  // for none.
  std::string environment;
  // Of the Dockerfile frontend of the builder.
  std::string dockerfile_version;
  // Serialised pb.Definition of the result; "" for scratch.
  std::string definition;
  // Layers of steps, by vertex digest and output.
  std::map<std::pair<std::string, std::uint32_t>, std::vector<std::vector<content::Descriptor>>> layers;
};

// The predicate, indented. kFailedPrecondition if complete materials are wanted and cannot be had.
Result<std::string> MakePredicate(const Capture& capture, const Settings& settings, const Run& run);
// The same check alone.
Result<> CheckMaterials(const Capture& capture, const Settings& settings);

}  // namespace loam::provenance
